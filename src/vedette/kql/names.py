"""Names, name patterns, type names and the declarations made of them.

Source: the KQL page "Entity names"; which keywords may stand as names follows Microsoft's parser.
"""

from __future__ import annotations

from vedette.kql.cursor import Cursor
from vedette.kql.diagnostics import nearest
from vedette.kql.lexer import (
    LONG,
    NAME,
    NAME_KEYWORDS,
    OLD_TYPE_KEYWORDS,
    STRING,
    TYPE_KEYWORDS,
    WIDE_NAME_KEYWORDS,
    string_value,
)
from vedette.kql.syntax import ColumnDeclaration, Expression, Missing, Name, Star, Wildcard
from vedette.kql.types import TYPE_NAMES, Type


class NameParser(Cursor):
    """Reads names and declarations."""

    __slots__ = ()

    # --- names -----------------------------------------------------------------------------------

    def name(self) -> Name | None:
        """A name where a value or a table may stand, or where one is declared."""
        kind = self.kinds[self.i]
        if kind == NAME or kind in NAME_KEYWORDS:
            return self._word_name()
        if kind == "[":
            return self.bracketed_name()
        if kind == "{":
            return self.braced_name()
        return None

    def wide_name(self) -> Name | None:
        """As `name`, with the further keywords that may be declared as names."""
        if self.kinds[self.i] in WIDE_NAME_KEYWORDS:
            return self._word_name()
        return self.name()

    def _word_name(self) -> Name:
        start, end = self.starts[self.i], self.ends[self.i]
        self.i += 1
        return Name(self.text[start:end], start=start, end=end)

    def required_name(self) -> Name:
        """A name; reported as missing otherwise, and then empty."""
        return self.name() or self.missing_name()

    def missing_name(self) -> Name:
        """Reports a missing name; an empty one stands for it."""
        gap = self.missing("name")
        return Name("", start=gap.start, end=gap.end)

    def string_end(self, offset: int = 0) -> int:
        """How many tokens further the string at `offset` (with those next to it) ends; -1 where there is none."""
        done = offset
        while self.peek(done) == STRING:
            done += 1
        return done if done > offset else -1

    def bracketed_length(self, offset: int = 0) -> int:
        """How many tokens a bracketed name at `offset` has; -1 where there is none."""
        if self.peek(offset) != "[":
            return -1
        end = self.string_end(offset + 1)
        return end + 1 - offset if end > 0 and self.peek(end) == "]" else -1

    def name_length(self, offset: int = 0, *, wide: bool = False) -> int:
        """How many tokens a name at `offset` has; -1 where there is none."""
        kind = self.peek(offset)
        if kind == NAME or kind in (WIDE_NAME_KEYWORDS if wide else NAME_KEYWORDS):
            return 1
        if kind == "{":
            inner = self.peek(offset + 1)
            return 3 if (inner == NAME or inner in NAME_KEYWORDS) and self.peek(offset + 2) == "}" else -1
        return self.bracketed_length(offset)

    def text_of_strings(self) -> tuple[str, bool]:
        """The value of the string here, joined with those next to it, and whether any of them is hidden."""
        value, hidden = string_value(self.word())
        self.i += 1
        if self.kinds[self.i] != STRING:
            return value, hidden
        pieces = [value]
        while self.kinds[self.i] == STRING:
            value, more = string_value(self.word())
            pieces.append(value)
            hidden = hidden or more
            self.i += 1
        return "".join(pieces), hidden

    def bracketed_name(self) -> Name | None:
        """`['any text']`."""
        if self.bracketed_length() < 0:
            return None
        start = self.start
        self.i += 1
        text, _ = self.text_of_strings()
        self.i += 1
        return Name(text, bracketed=True, start=start, end=self.last_end)

    def braced_name(self) -> Name | None:
        """`{name}` or `{name[0]}`, a parameter that a client should have replaced: reported, and kept as a name."""
        start, first = self.start, self.i
        if self.kinds[first] != "{":
            return None
        inner = self.peek()
        if not (inner == NAME or inner.isidentifier()):
            return None
        index = 2
        if self.peek(index) == "[":
            index += 2 if self.peek(index + 1) == "-" else 1
            if self.peek(index) != LONG or self.peek(index + 1) != "]":
                return None
            index += 2
        last = first + index
        if self.peek(index) != "}" or self.ends[last] - start != sum(
            self.ends[j] - self.starts[j] for j in range(first, last + 1)
        ):
            return None
        self.i = last + 1
        text = self.text[start : self.last_end]
        self.report("KS213", f"{text} is a parameter that has not been given a value", start, self.last_end)
        return Name(text, start=start, end=self.last_end)

    # --- patterns --------------------------------------------------------------------------------

    def wildcard(self) -> Expression | None:
        """`Device*`, `*Events`, or `*` alone; None where the text here has no `*`."""
        index = self.i
        kind = self.kinds[index]
        if kind == "*":
            index += 1
        elif (
            (kind == NAME or kind in WIDE_NAME_KEYWORDS)
            and self.peek() == "*"
            and self.starts[index + 1] == self.ends[index]
        ):
            index += 2
        else:
            return None
        while self.starts[index] == self.ends[index - 1] and (
            self.kinds[index] in (NAME, LONG, "*") or self.kinds[index] in WIDE_NAME_KEYWORDS
        ):
            index += 1
        start = self.start
        self.i = index
        pattern = self.text[start : self.last_end]
        if pattern == "*":
            return Star(start=start, end=self.last_end)
        return Wildcard(pattern, start=start, end=self.last_end)

    def bracketed_wildcard(self) -> Expression | None:
        """`[Device*]`."""
        if self.kinds[self.i] != "[":
            return None
        start, first = self.start, self.i
        self.i += 1
        pattern = self.wildcard()
        if pattern is None:
            self.i = first
            return None
        self.close("]")
        pattern.start, pattern.end = start, self.last_end
        return pattern

    # --- types and declarations ------------------------------------------------------------------

    def type_name(self, *, old: bool = False) -> Type:
        """A type's name; reported where there is none.

        `old` also takes what only `typeof()` does: further names, and any mixture of upper and lower case.
        """
        kind = self.kinds[self.i]
        if kind in TYPE_KEYWORDS or (old and kind in OLD_TYPE_KEYWORDS):
            self.i += 1
            return TYPE_NAMES[kind]
        if kind == NAME or kind in OLD_TYPE_KEYWORDS or kind in NAME_KEYWORDS:
            self.i += 1
            word = self.word(-1)
            if old and word.lower() in TYPE_NAMES:
                return TYPE_NAMES[word.lower()]
            close = self._nearest_type(word)
            self.report("KS160", f"{word} is not a type{close}", self.starts[self.i - 1], self.last_end)
            return Type.UNKNOWN
        self.missing("type")
        return Type.UNKNOWN

    def _nearest_type(self, word: str) -> str:
        same = TYPE_NAMES.get(word.lower())
        close = same.value if same else nearest(word, TYPE_KEYWORDS)
        return f"; did you mean {close}?" if close else f"; the types are {', '.join(t.value for t in list(Type)[:-1])}"

    def column_declaration(self) -> ColumnDeclaration | None:
        """`name: type`."""
        start = self.start
        name = self.wide_name()
        if name is None:
            if self.kinds[self.i] != ":":
                return None
            name = self.missing_name()
        self.expect(":")
        declared = self.type_name()
        return ColumnDeclaration(name, declared, start=start, end=self.last_end)

    def missing_declaration(self) -> ColumnDeclaration:
        """Reports a missing `name: type`."""
        gap = self.missing("column declaration (name: type)")
        return ColumnDeclaration(Name("", start=gap.start, end=gap.end), Type.UNKNOWN, start=gap.start, end=gap.end)

    def row_schema(self) -> list[ColumnDeclaration]:
        """`(name: type, ...)`; a comma may lead and trail."""
        if not self.take("("):
            self.expected("( and the columns (name: type, ...)", "KS006")
            return []
        self.take(",")
        columns = self.comma_list(self.column_declaration, self.missing_declaration, required=False, trailing=True)
        self.close(")")
        return columns

    def missing_expression(self) -> Missing:
        """Reports a missing expression."""
        return self.missing("expression")
