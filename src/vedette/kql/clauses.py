"""Clauses that operators share: `name = value` parameters after the keyword, and orderings.

Microsoft's parser takes any parameter that any operator knows after every operator, and warns where it means
nothing there (KS179); so does this one. Values that name a choice are checked (KS005).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from vedette.kql.entities import EntityParser
from vedette.kql.lexer import KEYWORDS, NAME, NAME_KEYWORDS
from vedette.kql.syntax import Expression, Literal, Name, OperatorParameter, Ordered
from vedette.kql.types import Type

KNOWN_PARAMETERS: Final = frozenset(
    """__crossCluster __crossDB __id __isFuzzy __noWithSource __packedColumn __sourceColumnIndex bagexpansion bin_legacy
    cycles decodeblocks expandoutput force_remote hint.concurrency hint.distribution hint.materialized
    hint.num_partitions hint.pass_filters hint.pass_filters_column hint.progressive_top hint.remote hint.shufflekey
    hint.spread hint.strategy isfuzzy kind with_itemindex with_match_id with_source with_step_name withsource""".split()
)
"""Parameter names that some operator takes."""

_WITHOUT_EQUALS: Final = frozenset({"__crossCluster"})


class Parameters:
    """The parameters of one operator, by name; a repeated one keeps its last value."""

    __slots__ = ("all",)

    def __init__(self) -> None:
        self.all: list[OperatorParameter] = []

    def __bool__(self) -> bool:
        return bool(self.all)

    def get(self, *names: str) -> OperatorParameter | None:
        """The last parameter with any of these names."""
        for parameter in reversed(self.all):
            if parameter.name in names:
                return parameter
        return None

    def hints(self) -> list[OperatorParameter]:
        """Those that only steer how the query is run."""
        return [parameter for parameter in self.all if parameter.name.startswith("hint.")]


class ClauseParser(EntityParser):
    """Reads parameters and orderings."""

    __slots__ = ()

    def is_parameter_name(self, offset: int = 0) -> bool:
        """Whether the token at `offset` is a parameter name that some operator takes."""
        return self.word(offset) in KNOWN_PARAMETERS

    def parameters(self, declared: Collection[str], *, equals_needed: bool = True) -> Parameters:
        """The parameters that stand here.

        `declared` are those that the operator takes; others that some operator takes are read and warned of.
        `equals_needed`: a name without `=` after it is an operand and not a parameter.
        """
        found = Parameters()
        kinds = self.kinds
        while True:
            kind = kinds[self.i]
            if kind != NAME and kind not in KEYWORDS and not kind.startswith("hint."):
                return found
            followed = kinds[self.i + 1] == "="
            if not followed and equals_needed:
                return found
            word = self.word()
            if word not in declared and word not in KNOWN_PARAMETERS:
                return found
            start = self.start
            self.i += 1
            if word not in declared:
                close = f"; it takes {', '.join(sorted(declared))}" if declared else ""
                self.report("KS179", f"{word} has no meaning for this operator{close}", start, self.last_end, "Warning")
            self.expect("=")
            value = self.parameter_value()
            found.all.append(OperatorParameter(word, value, start=start, end=self.last_end))

    def parameter_value(self) -> Expression:
        """A constant, a word, or a name."""
        literal = self.literal()
        if literal is not None:
            return literal
        kind = self.kinds[self.i]
        if kind == "[":
            return self.required_name()
        if kind == NAME or kind in KEYWORDS:
            return self._word_name()
        return self.missing("value")

    def choice(self, parameter: OperatorParameter | None, what: str, choices: Collection[str], default: str) -> str:
        """The word that a parameter chooses; one that is no choice is reported and the default taken."""
        if parameter is None:
            return default
        value = parameter.value
        word = value.name if isinstance(value, Name) else value.value if isinstance(value, Literal) else None
        if isinstance(word, str) and word in choices:
            return word
        if not (isinstance(value, (Name, Literal))):
            return default
        written = word if isinstance(word, str) and not getattr(value, "hidden", False) else "this"
        self.unknown_word(what, written, choices, value.start, value.end)
        return default

    def flag(self, parameter: OperatorParameter | None, default: bool = False) -> bool:
        """The truth value of a parameter; anything else is reported."""
        if parameter is None:
            return default
        value = parameter.value
        if isinstance(value, Literal) and value.type in (Type.BOOL, Type.LONG) and value.value is not None:
            return bool(value.value)
        if isinstance(value, Name) and value.name.lower() in ("true", "false"):
            return value.name.lower() == "true"
        if isinstance(value, (Name, Literal)):
            self.report("KS223", f"{parameter.name} must be true or false", value.start, value.end)
        return default

    def declared_name(self, parameter: OperatorParameter | None) -> Name | None:
        """The name that a parameter declares; a string constant is taken too."""
        if parameter is None:
            return None
        value = parameter.value
        if isinstance(value, Name):
            if value.name in KEYWORDS and value.name not in NAME_KEYWORDS and not value.bracketed:
                message = f"missing name; to use the keyword {value.name} as a name, write ['{value.name}']"
                self.report("KS006", message, value.start, value.end)
            return value
        if isinstance(value, Literal) and isinstance(value.value, str):
            return Name(value.value, bracketed=True, start=value.start, end=value.end)
        return None

    def named_properties(self, names: Collection[str]) -> list[tuple[str, Expression]]:
        """`(name = value, ...)` with the names given."""
        found: list[tuple[str, Expression]] = []
        if self.expect("("):
            found = self.property_list(names)
            self.close(")")
        return found

    def property_list(self, names: Collection[str]) -> list[tuple[str, Expression]]:
        """`name = value, ...` with the names given."""

        def one() -> tuple[str, Expression] | None:
            kind, word = self.kinds[self.i], self.word()
            if kind != NAME and kind not in KEYWORDS:
                return None
            if word not in names:
                self.unknown_word("property here", word, names, self.start, self.ends[self.i])
            self.i += 1
            self.expect("=")
            return word, self.parameter_value()

        return self.comma_list(one, lambda: ("", self.missing("property (name = value)")), required=False)

    def tables_clause(self) -> list[Expression] | None:
        """`in (table, pattern*, ...)`; None where the text has no such clause."""
        if not self.take("in"):
            return None
        tables: list[Expression] = []
        if self.expect("("):
            tables = self.comma_list(self.entity, self.missing_expression)
            self.close(")")
        return tables

    def data_scope(self) -> None:
        """`datascope = hotcache|all`, which concerns a cache that there is none of here: refused by name."""
        if self.kinds[self.i] == "datascope":
            start = self.start
            self.i += 1
            self.expect("=")
            self.parameter_value()
            self.report("VDT0103", "datascope is not supported", start, self.last_end)

    # --- orderings -------------------------------------------------------------------------------

    def ordered(self) -> Ordered | None:
        """`value asc|desc nulls first|last`; None where no value starts here."""
        start = self.start
        value = self.named_expression()
        if value is None:
            return None
        descending, natural = self.direction()
        nulls_first: bool | None = None
        if self.take("nulls"):
            if self.kinds[self.i] in ("first", "last"):
                nulls_first = self.kinds[self.i] == "first"
                self.i += 1
            else:
                self.expected("first or last", "KS006")
        return Ordered(value, descending, nulls_first, natural, start=start, end=self.last_end)

    def direction(self) -> tuple[bool | None, bool]:
        """Whether descending (None where not said), and whether in the natural order of names (`granny-`)."""
        word = self.kinds[self.i]
        if word not in ("asc", "desc", "granny-asc", "granny-desc"):
            return None, False
        self.i += 1
        return word.endswith("desc"), word.startswith("granny")

    def missing_ordered(self) -> Ordered:
        """Reports a missing value."""
        gap = self.missing_expression()
        return Ordered(gap, start=gap.start, end=gap.end)
