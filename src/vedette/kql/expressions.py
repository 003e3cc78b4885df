"""Expressions: operator precedence, paths, calls, membership and ranges.

Precedence, loosest first: `or`; `and`; equality and membership; relation; `+ -`; `* / %`; string operators;
sign; path. Equality, relation and string operators do not chain (`a == b == c` is an error), and string
operators bind tighter than arithmetic, both as in Microsoft's parser. Operators are reduced on a stack, so a
chain of a thousand `and` costs no depth.
"""

from __future__ import annotations

from typing import Final

from vedette.kql.cursor import MAX_NESTING
from vedette.kql.lexer import END, KEYWORDS, NAME, NAME_KEYWORDS, SPECIAL_NAME_KEYWORDS, WIDE_NAME_KEYWORDS
from vedette.kql.literals import LITERAL_KINDS
from vedette.kql.syntax import (
    Assignment,
    Between,
    Binary,
    Call,
    DotCall,
    Expression,
    In,
    Index,
    Member,
    Missing,
    Name,
    Star,
    Unary,
)
from vedette.kql.tables import TableParser

_STRING_OPERATORS: Final = {
    "=~": "=~",
    "!~": "!~",
    ":": ":",
    "has": "has",
    "!has": "!has",
    "has_cs": "has_cs",
    "!has_cs": "!has_cs",
    "hasprefix": "hasprefix",
    "!hasprefix": "!hasprefix",
    "hasprefix_cs": "hasprefix_cs",
    "!hasprefix_cs": "!hasprefix_cs",
    "hassuffix": "hassuffix",
    "!hassuffix": "!hassuffix",
    "hassuffix_cs": "hassuffix_cs",
    "!hassuffix_cs": "!hassuffix_cs",
    "contains": "contains",
    "!contains": "!contains",
    "notcontains": "!contains",
    "contains_cs": "contains_cs",
    "containscs": "contains_cs",
    "!contains_cs": "!contains_cs",
    "notcontainscs": "!contains_cs",
    "startswith": "startswith",
    "!startswith": "!startswith",
    "startswith_cs": "startswith_cs",
    "!startswith_cs": "!startswith_cs",
    "endswith": "endswith",
    "!endswith": "!endswith",
    "endswith_cs": "endswith_cs",
    "!endswith_cs": "!endswith_cs",
    "like": "like",
    "notlike": "notlike",
    "likecs": "likecs",
    "notlikecs": "notlikecs",
    "matches regex": "matches regex",
}
_MEMBERSHIP: Final = frozenset({"in", "in~", "!in", "!in~", "has_any", "has_all"})
_RANGES: Final = frozenset({"between", "!between"})

_OR, _AND, _EQUALITY, _RELATION, _SUM, _PRODUCT, _STRINGS = range(1, 8)
_NO_CHAIN: Final = frozenset({_EQUALITY, _RELATION, _STRINGS})
_PRECEDENCE: Final[dict[str, int]] = (
    {"or": _OR, "and": _AND, "+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT, "%": _PRODUCT}
    | dict.fromkeys(("==", "!=", "<>", *_MEMBERSHIP, *_RANGES), _EQUALITY)
    | dict.fromkeys(("<", "<=", ">", ">="), _RELATION)
    | dict.fromkeys(_STRING_OPERATORS, _STRINGS)
)
_SPELLING: Final = {"<>": "!=", **_STRING_OPERATORS}

COMPARISONS: Final = frozenset(kind for kind, level in _PRECEDENCE.items() if level in _NO_CHAIN)
"""Operators that do not chain."""

_AFTER_NAME: Final = frozenset(_PRECEDENCE) - {"+", "-"} | {")", "]", "}", ".", ",", "|"}
"""Tokens that show that a keyword before them was meant as a name."""

_TABULAR_CALLS: Final = frozenset({"toscalar", "totable"})


class ExpressionParser(TableParser):
    """Reads expressions."""

    __slots__ = ()

    def starts_pipeline(self) -> bool:
        """Whether an operator that can stand at the head of a pipeline starts here."""
        raise NotImplementedError

    # --- operators -------------------------------------------------------------------------------

    def expression(self) -> Expression | None:
        """A scalar expression without a name; None where none starts here."""
        left = self.operand()
        if left is None:
            return None
        kinds = self.kinds
        if kinds[self.i] not in _PRECEDENCE:
            return left
        stack: list[tuple[int, Expression, int]] = []
        highest = _STRINGS
        while True:
            index = self.i
            kind = kinds[index]
            level = _PRECEDENCE.get(kind, 0)
            while stack and stack[-1][0] >= level:
                if stack[-1][0] == level and level in _NO_CHAIN:
                    level = 0
                    continue
                done, before, at = stack.pop()
                left = self._binary(before, at, left)
                highest = min(highest, done if done not in _NO_CHAIN else done - 1)
            if not level or level > highest or (kind == "in" and self.peek() == "range"):
                while stack:
                    _, before, at = stack.pop()
                    left = self._binary(before, at, left)
                return left
            self.i = index + 1
            if level == _EQUALITY and kind in _MEMBERSHIP:
                left = self._membership(left, index)
                highest = _AND
            elif level == _EQUALITY and kind in _RANGES:
                left = self._between(left, index)
                highest = _AND
            else:
                stack.append((level, left, index))
                left = self.operand() or self.missing_expression()
                highest = _STRINGS

    def _binary(self, left: Expression, index: int, right: Expression) -> Binary:
        kind = self.kinds[index]
        return Binary(
            _SPELLING.get(kind, kind),
            left,
            right,
            start=left.start,
            end=right.end,
            op_start=self.starts[index],
            op_end=self.ends[index],
        )

    def _membership(self, left: Expression, index: int) -> In:
        """The list after `in` and its kin: values, or one tabular expression."""
        items: list[Expression] = []
        if self.expect("("):
            if self.starts_pipeline() or self._pipe_before_end():
                items = [self.pipeline() or self.missing_expression()]
            else:
                items = self.comma_list(self.expression, self.missing_expression)
            self.close(")")
        return In(
            self.kinds[index],
            left,
            items,
            start=left.start,
            end=self.last_end,
            op_start=self.starts[index],
            op_end=self.ends[index],
        )

    def _pipe_before_end(self) -> bool:
        """Whether a `|` comes before the comma or parenthesis that ends the expression here."""
        depth = 0
        kinds = self.kinds
        index = self.i
        while True:
            kind = kinds[index]
            if kind == "(":
                depth += 1
            elif kind == ")":
                if not depth:
                    return False
                depth -= 1
            elif kind in ("|", ","):
                if not depth:
                    return kind == "|"
            elif kind in (";", END):
                return False
            index += 1

    def _between(self, left: Expression, index: int) -> Between:
        """`(low .. high)`."""
        self.expect("(")
        low = self.expression() or self.missing_expression()
        self.expect("..")
        high = self.expression() or self.missing_expression()
        self.close(")")
        return Between(left, low, high, self.kinds[index] == "!between", start=left.start, end=self.last_end)

    # --- operands --------------------------------------------------------------------------------

    def operand(self) -> Expression | None:
        """A signed or plain operand with its path."""
        kinds = self.kinds
        index = self.i
        kind = kinds[index]
        if kind == NAME:
            expression: Expression | None
            if kinds[index + 1] == "(":
                expression = self._call()
            else:
                self.i = index + 1
                start, end = self.starts[index], self.ends[index]
                expression = Name(self.text[start:end], start=start, end=end)
        elif kind in LITERAL_KINDS:
            expression = self.token_literal()
        elif kind in ("-", "+"):
            return self._signed()
        elif kind == "*":
            following = kinds[index + 1]
            if following not in _STRING_OPERATORS and following != "==":
                return None
            self.i = index + 1
            return Star(start=self.starts[index], end=self.ends[index])
        else:
            expression = self._primary(kind)
            if expression is None:
                return None
        while kinds[self.i] in (".", "["):
            expression = self._path(expression)
        return expression

    def _signed(self) -> Expression:
        """`-x` or `+x`; a sign takes one operand with its path, and no second sign."""
        sign, start = self.kinds[self.i], self.start
        self.i += 1
        if sign == "-" and (smallest := self.smallest_long()):
            return smallest
        inner = None if self.kinds[self.i] in ("-", "+", "*") else self.operand()
        value = inner or self.missing_expression()
        return Unary(sign, value, start=start, end=value.end)

    def _primary(self, kind: str) -> Expression | None:
        """An operand that starts with a keyword or punctuation."""
        if kind == "(":
            return self._parenthesized()
        if kind in NAME_KEYWORDS:
            if kind == "typeof" and self.peek() == "(":
                return self.type_of()
            if self.peek() == "(":
                return self._call()
            return self.name()
        if kind == "[":
            length = self.bracketed_length()
            if length > 0 and self.peek(length) == "(":
                return self._call()
            return self.bracketed_wildcard() or self.bracketed_name() or self._bracketed_value()
        if kind == "dynamic":
            return self.dynamic_literal()
        if kind in _TABULAR_CALLS:
            return self._tabular_call()
        if kind == "datatable":
            return self.data_table()
        if kind in ("externaldata", "external_data"):
            return self.external_data()
        if kind == "{":
            return self.braced_name()
        if kind in SPECIAL_NAME_KEYWORDS:
            return self._word_name()
        if kind == "materialized-view-combine":
            start = self.start
            self.i += 1
            self.report("VDT0101", "materialized-view-combine() is not supported", start, self.last_end)
            self.skip()
            return self.missing_expression()
        if kind in KEYWORDS and self.peek() in _AFTER_NAME and self.peek() != "(":
            found = self._word_name()
            self.report("KS228", f"to use the keyword {kind} as a name, write ['{kind}']", found.start, found.end)
            return found
        return None

    def _bracketed_value(self) -> Expression:
        """`[value]` where `['name']` was meant: reported, and nothing stands in its place."""
        start = self.start
        self.i += 1
        inner = self.expression()
        if inner is None:
            self.missing_name()
        else:
            message = "a name in brackets is a text, such as ['name']; an array is dynamic([...]) or pack_array(...)"
            self.report("KS141", message, inner.start, inner.end)
        self.close("]")
        return Missing(start=start, end=self.last_end)

    def _parenthesized(self) -> Expression:
        """An expression in parentheses; the parentheses leave no node of their own."""
        self.depth += 1
        if self.depth > MAX_NESTING:
            self.too_deep()
        self.i += 1
        inner = self.pipeline() or self.missing_expression()
        self.close(")")
        self.depth -= 1
        return inner

    def _path(self, target: Expression, *, calls: bool = True) -> Expression:
        """One step: `.name`, `.name(args)` (with `calls`), `.['name']` or `[index]`."""
        if self.take("["):
            self.depth += 1
            if self.depth > MAX_NESTING:
                self.too_deep()
            index = self.expression() or self.missing_expression()
            self.depth -= 1
            self.close("]")
            return Index(target, index, start=target.start, end=self.last_end)
        self.i += 1
        kind = self.kinds[self.i]
        if calls and self.name_length() > 0 and self.peek(self.name_length()) == "(":
            call = self._call()
            return DotCall(target, call, start=target.start, end=call.end)
        if kind == "[" and self.bracketed_length() < 0:
            self.i += 1
            index = self.expression() or self.missing_expression()
            self.close("]")
            return Index(target, index, start=target.start, end=self.last_end)
        if kind in SPECIAL_NAME_KEYWORDS:
            name = self._word_name()
        else:
            name = self.required_name()
        return Member(target, name, start=target.start, end=name.end)

    # --- calls -----------------------------------------------------------------------------------

    def _call(self) -> Call:
        """`name(arguments)`; the caller has seen that a parenthesis follows the name."""
        self.depth += 1
        if self.depth > MAX_NESTING:
            self.too_deep()
        name = self.required_name()
        kinds = self.kinds
        self.i += 1
        if kinds[self.i] == ")":
            arguments: list[Expression] = []
        else:
            arguments = self.comma_list(self.argument, self.missing_expression, required=False)
        self.close(")")
        self.depth -= 1
        return Call(name, arguments, start=name.start, end=self.ends[self.i - 1])

    def argument(self) -> Expression | None:
        """One argument: an expression, `name = expression`, or `*`."""
        if self.kinds[self.i] == "*" and self.kinds[self.i + 1] in (")", ","):
            self.i += 1
            return Star(start=self.starts[self.i - 1], end=self.ends[self.i - 1])
        return self.named_expression()

    def call(self) -> Call | None:
        """A function call and nothing else."""
        length = self.name_length()
        return self._call() if length > 0 and self.peek(length) == "(" else None

    def required_call(self) -> Call:
        """A function call; what lacks of it is reported."""
        found = self.call()
        if found is None:
            name = self.name()
            if name is None:
                gap = self.missing("function call")
                name = Name("", start=gap.start, end=gap.end)
            else:
                self.expected("(")
            found = Call(name, [], start=name.start, end=name.end)
        return found

    def dotted_call(self) -> Expression:
        """`f(...)`, or `cluster(...).database(...).f(...)`."""
        expression: Expression = self.required_call()
        while self.kinds[self.i] == ".":
            length = self.name_length(1)
            if length < 0 or self.peek(1 + length) != "(":
                break
            self.i += 1
            call = self._call()
            expression = DotCall(expression, call, start=expression.start, end=call.end)
        return expression

    def _tabular_call(self) -> Call:
        """`toscalar(table)`; `kind = nooptimization` before the parenthesis only steers an optimizer and is dropped."""
        name = self._word_name()
        if self.kinds[self.i] == "kind" and self.peek() == "=":
            self.i += 2
            if not self.take_word("nooptimization"):
                self.expected("nooptimization")
        return self._call_of_table(name)

    def _call_of_table(self, name: Name) -> Call:
        self.depth += 1
        if self.depth > MAX_NESTING:
            self.too_deep()
        self.expect("(")
        value = self.pipeline() or self.missing_expression()
        self.close(")")
        self.depth -= 1
        return Call(name, [value], start=name.start, end=self.last_end)

    # --- named expressions -----------------------------------------------------------------------

    def named_expression(self) -> Expression | None:
        """An expression, `name = expression`, or `(name, name) = expression`."""
        kinds = self.kinds
        index = self.i
        kind = kinds[index]
        if kinds[index + 1 if kind != END else index] == "=" and (kind == NAME or kind in WIDE_NAME_KEYWORDS):
            return self._assignment([self._word_name()])
        if kind == "[":
            length = self.bracketed_length()
            if length > 0 and self.peek(length) == "=":
                return self._assignment([self.required_name()])
        elif kind == "(":
            names = self._name_list()
            if names is not None:
                return self._assignment(names, tuple_form=True, start=self.starts[index])
        elif kind == "{":
            length = self.name_length()
            if length > 0 and self.peek(length) == "=":
                return self._assignment([self.required_name()])
        elif (kind == NAME or kind in KEYWORDS) and kinds[index + 1] in ("-", "="):
            length = self._hyphenated_length()
            if length > 0:
                start, end = self.starts[index], self.ends[index + length - 1]
                self.i = index + length
                written = self.text[start:end]
                self.report("KS228", f"to use {written} as a name, write ['{written}']", start, end)
                return self._assignment([Name(written, start=start, end=end)])
        return self.expression()

    def _assignment(self, names: list[Name], *, tuple_form: bool = False, start: int | None = None) -> Assignment:
        self.expect("=")
        value = self.expression() or self.missing_expression()
        return Assignment(names, value, tuple_form, start=names[0].start if start is None else start, end=value.end)

    def _hyphenated_length(self) -> int:
        """How many tokens `a-b` or a keyword has before an `=`; -1 where it is something else."""
        offset = 1
        while self.starts[self.i + offset] == self.ends[self.i + offset - 1]:
            kind = self.peek(offset)
            if kind not in (NAME, "-") and kind not in KEYWORDS:
                break
            offset += 1
        return offset if self.peek(offset) == "=" else -1

    def _name_list(self) -> list[Name] | None:
        """`(name, name)` before an `=`; None, and nothing taken, where this is something else."""
        offset = 1
        while True:
            length = self.name_length(offset, wide=True)
            if length < 0:
                return None
            offset += length
            if self.peek(offset) != ",":
                break
            offset += 1
        if self.peek(offset) != ")" or self.peek(offset + 1) != "=":
            return None
        self.i += 1
        names: list[Name] = []
        while True:
            names.append(self.wide_name() or self.missing_name())
            if not self.take(","):
                break
        self.close(")")
        return names
