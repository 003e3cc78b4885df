"""Columns, tables and functions by name, pattern or path, where no other expression may stand."""

from __future__ import annotations

from vedette.kql.expressions import ExpressionParser
from vedette.kql.lexer import SPECIAL_NAME_KEYWORDS, STRING
from vedette.kql.syntax import Expression, Literal, Member, Name, Star
from vedette.kql.types import Type


class EntityParser(ExpressionParser):
    """Reads names, patterns and paths."""

    __slots__ = ()

    def simple_path(self) -> Expression | None:
        """A column with its path and no calls: `a`, `a.b`, `a['b']`."""
        expression = self._path_root()
        if expression is None:
            return None
        while self.kinds[self.i] in (".", "["):
            expression = self._path(expression, calls=False)
        return expression

    def _path_root(self) -> Expression | None:
        kind = self.kinds[self.i]
        if kind == "[":
            return self.bracketed_wildcard() or self.bracketed_name()
        if kind in SPECIAL_NAME_KEYWORDS:
            return self._word_name()
        return self.name()

    def entity(self) -> Expression | None:
        """A table or function by name, pattern or path: `T`, `T*`, `workspace('w').T`, `f(1)`, or a parenthesis."""
        if self.kinds[self.i] == "(":
            return self._parenthesized()
        pattern = self.wildcard()
        if pattern is not None:
            return pattern
        expression: Expression | None = self.call() or self._path_root()
        if expression is None:
            return None
        while True:
            if self.kinds[self.i] == "." and (pattern := self._wildcard_step(expression)) is not None:
                return pattern
            if self.kinds[self.i] not in (".", "["):
                return expression
            expression = self._path(expression)

    def _wildcard_step(self, target: Expression) -> Member | None:
        """`.T*`: the pattern is the member's name."""
        mark = self.i
        self.i += 1
        pattern = self.wildcard()
        if pattern is None:
            self.i = mark
            return None
        name = Name(self.text[pattern.start : pattern.end], start=pattern.start, end=pattern.end)
        return Member(target, name, start=target.start, end=name.end)

    def star(self) -> Star | None:
        """`*` alone."""
        return Star(start=self.starts[self.i - 1], end=self.last_end) if self.take("*") else None

    def column_pattern(self) -> Expression | None:
        """A column's name, or a pattern of names."""
        return self.wildcard() or self.name()

    def constant_string(self) -> Literal | None:
        """A string constant."""
        if self.kinds[self.i] != STRING:
            return None
        start = self.start
        value, hidden = self.text_of_strings()
        return Literal(Type.STRING, value, hidden, start=start, end=self.last_end)
