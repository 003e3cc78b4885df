"""Text to syntax tree: pipelines and statements, and the one public entry, `parse`.

Recursive descent by hand; expressions are in `expressions.py`, each tabular operator in its own file of
`operators/`. A faulty text gives diagnostics and the best tree that can be made of it; nothing is raised.
"""

from __future__ import annotations

from typing import Final

from vedette.kql.clauses import ClauseParser
from vedette.kql.cursor import LIST_ENDS, MAX_NESTING, GivenUp
from vedette.kql.diagnostics import Diagnostic, nearest
from vedette.kql.expressions import COMPARISONS
from vedette.kql.foreign import OPERATORS_ELSEWHERE, hint
from vedette.kql.lexer import END, KEYWORDS, NAME
from vedette.kql.operators.inline_external_table import starts_inline_external_table
from vedette.kql.operators.registry import OPERATORS
from vedette.kql.statements import StatementParser
from vedette.kql.syntax import Expression, Operator, Pipeline, Script, UnknownOperator

HEADS: Final = frozenset(
    {"evaluate", "find", "inline_external_table", "macro-expand", "print", "range", "search", "union"}
)
"""Operators that need no input."""

HEADS_ONLY: Final = frozenset({"inline_external_table", "print", "range"})
"""Operators that take no input."""


class Parser(StatementParser, ClauseParser):
    """The whole language."""

    __slots__ = ()

    # --- pipelines -------------------------------------------------------------------------------

    def starts_pipeline(self) -> bool:
        """Whether a tabular operator starts here, as opposed to a value or a table with an operator's name."""
        kind = self.kinds[self.i]
        if kind not in OPERATORS:
            return False
        following = self.peek()
        if kind == "evaluate":
            return self.name_length(1) > 0 or self.is_parameter_name(1)
        if kind in ("facet", "partition", "reduce"):
            return following == "by" or (kind != "facet" and self.is_parameter_name(1))
        if kind == "range":
            length = self.name_length(1)
            return length > 0 and self.peek(1 + length) == "from"
        if kind == "inline_external_table":
            return starts_inline_external_table(self)
        if kind == "render":
            return following == NAME or following in KEYWORDS
        return kind not in _NAMES_TOO

    def pipeline(self) -> Expression | None:
        """A scalar or tabular expression, with the operators piped after it."""
        self.depth += 1
        if self.depth > MAX_NESTING:
            self.too_deep()
        kinds = self.kinds
        source: Expression | None
        head: Operator | None = None
        if self.starts_pipeline():
            source = None
            head = self._head()
        else:
            source = self.expression()
            if source is None:
                if kinds[self.i] not in OPERATORS:
                    self.depth -= 1
                    return None
                head = self._head()
        if head is None and kinds[self.i] != "|" and not self._pipe_forgotten():
            self.depth -= 1
            return source
        start = head.start if head else source.start if source else self.start
        pipeline = Pipeline(source, [head] if head else [], start=start, end=self.last_end)
        self.pipe(pipeline)
        self.depth -= 1
        return pipeline

    def subquery(self) -> Pipeline:
        """Operators without a source: they take the rows that the operator around them hands over."""
        self.depth += 1
        if self.depth > MAX_NESTING:
            self.too_deep()
        start = self.start
        pipeline = Pipeline(None, [self._operator()], start=start, end=self.last_end)
        self.pipe(pipeline)
        self.depth -= 1
        return pipeline

    def starts_operator(self) -> bool:
        """Whether an operator stands here, in a place that takes one before it takes an expression."""
        return self.kinds[self.i] in OPERATORS and not (self.peek() == "(" and self.kinds[self.i] in ("count", "range"))

    def single_operator(self) -> Pipeline:
        """One operator without a source and without a pipe after it."""
        operator = self._operator()
        return Pipeline(None, [operator], start=operator.start, end=operator.end)

    def pipe(self, pipeline: Pipeline) -> None:
        """Adds the operators that follow here to `pipeline`, going on after errors."""
        kinds = self.kinds
        while True:
            while kinds[self.i] == "|" or self._pipe_forgotten():
                if not self.take("|"):
                    self.expected("|")
                operator = self._operator(piped=True)
                pipeline.operators.append(operator)
            pipeline.end = self.last_end
            if kinds[self.i] in _PIPELINE_ENDS or self._new_statement():
                return
            self.unexpected()
            self.skip()
            if kinds[self.i] != "|":
                pipeline.end = self.last_end
                return

    def _pipe_forgotten(self) -> bool:
        """Whether an operator that needs rows follows without its `|`."""
        return self.kinds[self.i] in OPERATORS and self.kinds[self.i] not in HEADS and self.reported != self.i

    def _new_statement(self) -> bool:
        """Whether what follows an operator looks like the next statement, after a forgotten semicolon."""
        if self.depth > 1 or not self.at_line_start():
            return False
        kind = self.kinds[self.i]
        return kind in ("let", "set", "declare", "restrict", "alias", NAME) or kind in HEADS

    def _head(self) -> Operator:
        kind, start, end = self.kinds[self.i], self.start, self.ends[self.i]
        if kind not in HEADS:
            message = f"{kind} needs rows to work on: begin with a table, then |"
            self.report("KS174", message, start, end)
        return self._operator()

    def _operator(self, *, piped: bool = False) -> Operator:
        """The operator here; one that does not exist is reported and its operands are skipped."""
        kind, start, end = self.kinds[self.i], self.start, self.ends[self.i]
        parse_operator = OPERATORS.get(kind)
        if parse_operator is not None and self.starts_operator() and not self._misspelled(kind):
            if piped and kind in HEADS_ONLY:
                self.report("KS175", f"{kind} makes its own rows and must stand first, not after |", start, end)
            self.i += 1
            return parse_operator(self, start)
        return self._unknown_operator(kind, start, end)

    def _misspelled(self, kind: str) -> bool:
        """Whether `project-foo` stands here without a blank in it, which is no `project` of a negative column."""
        first = self.i
        return (
            kind in _HYPHEN_FOLLOWS
            and self.kinds[first + 1] == "-"
            and self.kinds[first + 2] == NAME
            and self.starts[first + 1] == self.ends[first]
            and self.starts[first + 2] == self.ends[first + 1]
        )

    def _unknown_operator(self, kind: str, start: int, end: int) -> UnknownOperator:
        if kind != NAME and kind not in KEYWORDS and kind not in OPERATORS:
            gap = self.last_end
            said = hint(self.text, start, end)
            self.report("KS176", f"an operator is missing after |{said}", gap, gap)
            self.reported = self.i
            if kind not in LIST_ENDS:
                self.skip()
            return UnknownOperator("", start=gap, end=gap)
        word = self.word()
        following = self.word(2) if self.peek() == "-" else self.word(1) if self.peek() == NAME else ""
        close = nearest(f"{word}-{following}", _HYPHENATED) if following else None
        if kind == "count":
            message = "the operator count takes no parentheses; the aggregate is summarize count()"
        else:
            if self.peek() == "-" and self.peek(2) not in LIST_ENDS:
                end = self.ends[self.i + 2]
                word = self.text[start:end]
            close = OPERATORS_ELSEWHERE.get(word.lower()) or close or nearest(word, OPERATORS)
            message = f"there is no operator {word}" + (f"; did you mean {close}?" if close else "")
        self.report("KS176", message, start, end)
        self.i += 1
        self.reported = self.i
        self.skip()
        return UnknownOperator(word, start=start, end=self.last_end)

    def unexpected(self) -> None:
        """Reports a token that fits nowhere, with the likeliest reason."""
        if self.reported == self.i:
            return
        if self.i == 0 and self.kinds[0] == ".":
            self.reported = 0
            self.report("KS005", "a management command cannot stand here, only a query", self.start, self.ends[0])
            return
        before = self.kinds[self.i - 1] if self.i else END
        if before in OPERATORS and before not in HEADS and (self.i == 1 or self.peek(-2) in ("(", "{", ";")):
            self.report(
                "KS174",
                f"{before} needs rows to work on: begin with a table, then |",
                self.starts[self.i - 1],
                self.last_end,
            )
            self.reported = self.i
        elif self.depth <= 1 and not self.starts_statement():
            self.reported = self.i
            said = hint(self.text, self.start, self.ends[self.i])
            if self.kinds[self.i] in COMPARISONS:
                said = "; comparisons do not chain: write a == b and b == c"
            self.report("KS198", f"{self.shown()} fits nowhere here{said}", self.start, self.ends[self.i])
        else:
            self.expected("| or ;" if self.depth <= 1 else "| or a closing bracket")


_NAMES_TOO: Final = frozenset(
    """consume count distinct extend filter fork getschema join limit lookup mvapply mvexpand order parse partition scan
    serialize sort summarize take top facet render reduce range evaluate""".split()
)
"""Operators whose keyword may also be a table's or a column's name, so that it does not prove a pipeline."""

_HYPHENATED: Final = frozenset(name for name in OPERATORS if "-" in name)
_HYPHEN_FOLLOWS: Final = frozenset({"parse", "project", "sample", "top"})

_PIPELINE_ENDS: Final = frozenset({")", "]", "}", ";", ",", END})


def parse(text: str) -> tuple[Script, list[Diagnostic]]:
    """The syntax tree of a query and everything found wrong with it, in the order of the text.

    Never raises. The query is acceptable when no diagnostic has the severity `Error`.
    """
    parser = Parser(text)
    statements = []
    try:
        for statement in parser.statements():
            statements.append(statement)
    except GivenUp:
        pass
    except RecursionError:
        # The caller's own stack was nearly full; the text alone cannot cause this (MAX_NESTING).
        parser.depth = 0
        message = "the query is nested too deeply to be read here"
        parser.diagnostics.append(Diagnostic("KS245", message, parser.start, 0))
    parser.diagnostics.sort(key=lambda diagnostic: diagnostic.start)
    return Script(statements, start=0, end=len(text)), parser.diagnostics
