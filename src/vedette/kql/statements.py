"""Statements: `let`, `set`, `alias`, `restrict`, `declare`, queries, and the bodies of functions.

Source: the KQL pages "Let", "Set", "Alias", "Restrict", "Query parameters declaration" and "Pattern" statement.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from vedette.kql.cursor import MAX_NESTING
from vedette.kql.entities import EntityParser
from vedette.kql.lexer import END, KEYWORDS, NAME, NAME_KEYWORDS, SPECIAL_NAME_KEYWORDS
from vedette.kql.literals import LITERAL_KINDS
from vedette.kql.syntax import (
    AliasStatement,
    Call,
    ColumnDeclaration,
    EntityGroup,
    Expression,
    ExpressionStatement,
    FunctionLiteral,
    LetStatement,
    Name,
    Parameter,
    PatternCase,
    PatternStatement,
    Pipeline,
    QueryParametersStatement,
    RestrictStatement,
    SetStatement,
    Statement,
)
from vedette.kql.types import Type

_STARTERS: Final = (
    LITERAL_KINDS
    | SPECIAL_NAME_KEYWORDS
    | frozenset("let set declare alias restrict dynamic datatable externaldata external_data toscalar totable".split())
    | frozenset("evaluate find inline_external_table macro-expand print range search union ( - + {".split())
)


class StatementParser(EntityParser):
    """Reads statements."""

    __slots__ = ()

    def pipe(self, pipeline: Pipeline) -> None:
        """Adds the operators that follow here to `pipeline`."""
        raise NotImplementedError

    def unexpected(self) -> None:
        """Reports a token that fits nowhere."""
        raise NotImplementedError

    def statements(self) -> Iterator[Statement]:
        """The statements up to the end of the text; what fits nowhere is reported and skipped."""
        kinds = self.kinds
        while kinds[self.i] != END:
            if kinds[self.i] == ";":
                # what ends a statement has been taken
                self.report("KS198", "; ends no statement here", self.start, self.ends[self.i])
                self.i += 1
                continue
            before = self.i
            statement = self.statement()
            if statement is not None:
                self._resume(statement)
                yield statement
                if self.take(";") or kinds[self.i] == END:
                    continue
                if self.starts_statement():
                    self.expected(";")
                else:
                    self._misplaced()
            else:
                self._misplaced()
            if self.i == before:
                self.i += 1

    def statement_list(self) -> list[Statement]:
        """Statements inside the parentheses of an operator."""
        self.depth += 1
        if self.depth > MAX_NESTING:
            self.too_deep()
        found: list[Statement] = []
        while self.kinds[self.i] not in (")", "]", "}", END):
            if self.take(";"):
                continue
            statement = self.statement()
            if statement is None:
                break
            found.append(statement)
            if self.kinds[self.i] not in (";", ")", END):
                self.expected(";")
                self.skip()
        self.depth -= 1
        return found

    def _resume(self, statement: Statement) -> None:
        """Where something unexpected follows on the same line, skips it and takes up the pipeline after it."""
        kinds = self.kinds
        while kinds[self.i] == "|" or not (kinds[self.i] in (";", END) or self.at_line_start()):
            if kinds[self.i] != "|":
                self._misplaced()
                continue
            if self.reported < 0 or kinds[self.i - 1] in ("}", ")"):
                self.report("KS198", "| cannot follow here", self.start, self.ends[self.i])
            self.pipe(Pipeline(None, [], start=statement.start, end=self.last_end))

    def _misplaced(self) -> None:
        """Reports what cannot stand here and goes past it."""
        if self.kinds[self.i] in (")", "]", "}"):
            if self.reported != self.i:
                self.report("KS198", f"{self.kinds[self.i]} closes nothing", self.start, self.ends[self.i])
            self.i += 1
            self.reported = self.i
        elif self.kinds[self.i] in ("|", ","):
            if self.reported != self.i:
                self.report("KS198", f"{self.kinds[self.i]} cannot stand here", self.start, self.ends[self.i])
            self.i += 1
            self.reported = self.i
        else:
            self.unexpected()
            self.i += 1
            self.skip()

    def starts_statement(self) -> bool:
        """Whether a statement may begin with the token here, so that what is missing before it is a semicolon."""
        return self.kinds[self.i] in _STARTERS or self.name_length() > 0

    def statement(self) -> Statement | None:
        """One statement; None where none starts here."""
        kind, following = self.kinds[self.i], self.peek()
        if kind == "let" and (self.name_length(1) > 0 or (following in KEYWORDS and self.peek(2) == "=")):
            return self._let()
        if kind == "set":
            return self._set()
        if kind == "declare" and following in ("query_parameters", "pattern"):
            return self._pattern() if following == "pattern" else self._query_parameters()
        if kind == "alias" and following == "database":
            return self._alias()
        if kind == "restrict" and following == "access":
            return self._restrict()
        start = self.start
        expression = self.pipeline()
        if expression is None:
            return None
        return ExpressionStatement(expression, start=start, end=self.last_end)

    # --- let -------------------------------------------------------------------------------------

    def _let(self) -> LetStatement:
        start = self.start
        self.i += 1
        name = self.name()
        if name is None and self.kinds[self.i] in KEYWORDS:
            name = self._word_name()
            self.report(
                "KS228", f"to use the keyword {name.name} as a name, write ['{name.name}']", name.start, name.end
            )
        name = name or self.missing_name()
        self.expect("=")
        value = self._let_value()
        return LetStatement(name, value, start=start, end=self.last_end)

    def _let_value(self) -> Expression:
        kind = self.kinds[self.i]
        if kind == "materialize":
            return self._call_of_table(self._word_name())
        if kind == "entity_group":
            return self.entity_group()
        if self._starts_function():
            return self.function()
        return self.pipeline() or self.missing_expression()

    def entity_group(self) -> EntityGroup | Call:
        """`entity_group [cluster(...).database(...), ...]`, or `entity_group('name')`."""
        if self.peek() == "(":
            return self._call()
        start = self.start
        self.i += 1
        self.expect("[")
        entities = self.comma_list(self.expression, self.missing_expression)
        self.close("]")
        return EntityGroup(entities, start=start, end=self.last_end)

    def _starts_function(self) -> bool:
        """Whether `(parameters) {` or `view () {` starts here."""
        offset = 1 if self.kinds[self.i] == "view" else 0
        if self.peek(offset) != "(":
            return False
        if self.peek(offset + 1) in (")", "*"):
            return True
        length = self.name_length(offset + 1, wide=True)
        return length > 0 and self.peek(offset + 1 + length) == ":"

    def function(self) -> FunctionLiteral:
        """`(parameters) { statements }`, with or without `view` before it."""
        start = self.start
        view = self.take("view")
        parameters: list[Parameter] = []
        if self.expect("("):
            parameters = self.comma_list(self.parameter, self.missing_parameter, required=False)
            self.close(")")
        body = self.body()
        return FunctionLiteral(parameters, body, view, start=start, end=self.last_end)

    def parameter(self) -> Parameter | None:
        """`name: type = default`, or a tabular one: `name: (column: type, ...)`, `name: (*)`."""
        start = self.start
        name = self.wide_name()
        if name is None:
            if self.kinds[self.i] != ":":
                return None
            name = self.missing_name()
        self.expect(":")
        if self.kinds[self.i] == "(":
            columns = self._tabular_type()
            return Parameter(name, None, True, columns, start=start, end=self.last_end)
        declared = self.type_name()
        default: Expression | None = None
        if self.take("="):
            default = self.literal()
            if default is None and (self.kinds[self.i] == NAME or self.kinds[self.i] in NAME_KEYWORDS):
                default = self._word_name()
            default = default or self.missing_expression()
        return Parameter(name, declared, default=default, start=start, end=self.last_end)

    def _tabular_type(self) -> list[ColumnDeclaration] | None:
        self.i += 1
        if self.take("*"):
            self.close(")")
            return None
        columns = self.comma_list(self.column_declaration, self.missing_declaration, required=False, trailing=True)
        self.close(")")
        return columns

    def missing_parameter(self) -> Parameter:
        gap = self.missing("parameter (name: type)")
        return Parameter(Name("", start=gap.start, end=gap.end), Type.UNKNOWN, start=gap.start, end=gap.end)

    def body(self) -> list[Statement]:
        """`{ let ...; declare query_parameters ...; expression }`."""
        self.depth += 1
        if self.depth > MAX_NESTING:
            self.too_deep()
        found: list[Statement] = []
        if self.expect("{"):
            while True:
                if self.kinds[self.i] == "let" and self.name_length(1) > 0:
                    found.append(self._let())
                elif self.kinds[self.i] == "declare" and self.peek() == "query_parameters":
                    found.append(self._query_parameters())
                else:
                    break
                self.expect(";")
            start = self.start
            expression = self.pipeline()
            if expression is not None:
                found.append(ExpressionStatement(expression, start=start, end=self.last_end))
            self.take(";")
            self._close_body()
        self.depth -= 1
        return found

    def _close_body(self) -> None:
        """The closing brace; what stands before it and fits nowhere is reported and skipped."""
        if self.kinds[self.i] in ("}", END):
            self.expect("}")
            return
        self.expected("}")
        while self.kinds[self.i] not in ("}", END):
            self.i += 1
            self.skip()
            if self.kinds[self.i] in (")", "]"):
                return
        self.take("}")

    # --- the others ------------------------------------------------------------------------------

    def _set(self) -> SetStatement:
        start = self.start
        self.i += 1
        name = self.required_name()
        value: Expression | None = None
        if self.take("="):
            value = self.expression() or self.missing_expression()
        return SetStatement(name, value, start=start, end=self.last_end)

    def _alias(self) -> AliasStatement:
        start = self.start
        self.i += 2
        name = self.required_name()
        self.expect("=")
        value = self.expression() or self.missing_expression()
        return AliasStatement(name, value, start=start, end=self.last_end)

    def _restrict(self) -> RestrictStatement:
        start = self.start
        self.i += 2
        self.expect("to")
        entities: list[Expression] = []
        if self.expect("("):
            entities = self.comma_list(self.entity, self.missing_expression)
            self.close(")")
        if self.kinds[self.i] == "with":
            keyword = self.start
            self.properties()
            self.report("VDT0102", "restrict access ... with (...) is not supported", keyword, self.last_end)
        return RestrictStatement(entities, start=start, end=self.last_end)

    def _query_parameters(self) -> QueryParametersStatement:
        start = self.start
        self.i += 2
        parameters: list[Parameter] = []
        if self.expect("("):
            parameters = self.comma_list(self.parameter, self.missing_parameter)
            self.close(")")
        return QueryParametersStatement(parameters, start=start, end=self.last_end)

    def _pattern(self) -> PatternStatement:
        """`declare pattern name = (parameters)[path: type] { (values).[path] = { body }; ... }`."""
        start = self.start
        self.i += 2
        name = self.required_name()
        parameters: list[Parameter] = []
        path: Parameter | None = None
        cases: list[PatternCase] = []
        if self.take("="):
            if self.expect("("):
                parameters = self.comma_list(self._plain_parameter, self.missing_parameter, required=False)
                self.close(")")
            if self.take("["):
                path = self._plain_parameter() or self.missing_parameter()
                self.close("]")
            if self.expect("{"):
                cases = self._pattern_cases()
                self.close("}")
        return PatternStatement(name, parameters, path, cases, start=start, end=self.last_end)

    def _plain_parameter(self) -> Parameter | None:
        column = self.column_declaration()
        return None if column is None else Parameter(column.name, column.type, start=column.start, end=column.end)

    def _pattern_cases(self) -> list[PatternCase]:
        cases: list[PatternCase] = []
        while self.kinds[self.i] == "(":
            start = self.start
            self.i += 1
            values = self.comma_list(self.expression, self.missing_expression)
            self.close(")")
            path: Expression | None = None
            if self.take("."):
                self.expect("[")
                path = self.literal() or self.missing("string")
                self.close("]")
            self.expect("=")
            body = self.body()
            self.expect(";")
            cases.append(PatternCase(values, path, body, start=start, end=self.last_end))
        if not cases:
            self.expected("(")
        return cases
