"""The catalogue: every function of the language, its signatures, and the notation they are written in.

A signature is text: `name(parameter: kind, other?: kind, rest: kind...): result`.

* A kind is a type's name, or a class: `number`, `integer`, `summable`, `orderable`, `any` (every scalar),
  `text` (string, or dynamic read as its text), `array` and `bag` (dynamic), `plain` (all but dynamic),
  `common` (all such arguments convert to one type), `type` (a `typeof()`), with `|` between alternatives.
* `const` before a kind: the value must be known before the query runs; it arrives as a Python value.
* `?` marks an optional parameter, `...` a repeated one (one or more; with `?` zero or more).
* A result is a type's name, `same(parameter)`, `promoted(parameter)` (int becomes long), `common`,
  `widest` (of all number arguments) or `typeof(parameter)`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from typing import Any

from vedette.kql.node import fact, node
from vedette.kql.types import INTEGERS, NUMBERS, ORDERABLE, SUMMABLE, TYPE_NAMES, Type

Check = Callable[[Any], str | None]
"""What is wrong with a constant, as a sentence, or None."""

_CLASSES: dict[str, frozenset[Type]] = {
    "number": NUMBERS,
    "integer": INTEGERS,
    "summable": SUMMABLE,
    "orderable": frozenset(ORDERABLE),
    "any": frozenset(Type) - {Type.UNKNOWN},
    "text": frozenset({Type.STRING, Type.DYNAMIC}),
    "array": frozenset({Type.DYNAMIC}),
    "bag": frozenset({Type.DYNAMIC}),
    "plain": frozenset(Type) - {Type.UNKNOWN, Type.DYNAMIC},
    "common": frozenset(Type) - {Type.UNKNOWN},
}
_SIGNATURE = re.compile(r"^(\w+)\((.*)\): *(.+)$")
_PARAMETER = re.compile(r"^(\w+)(\?)?: *(const +)?([\w| ]+?)(\.\.\.)?$")


@fact
class Parameter:
    """One parameter of a signature."""

    name: str
    kind: str
    types: frozenset[Type]
    optional: bool
    repeated: bool
    constant: bool

    def takes(self, type_: Type) -> int | None:
        """How well an argument fits: 0 exact, 1 after a widening, 2 read from dynamic, None not at all."""
        if self.kind == "type":
            return None
        if type_ in self.types or type_ is Type.UNKNOWN:
            return 0
        if type_ in NUMBERS and self.types & NUMBERS:
            if type_ in INTEGERS or not self.types & NUMBERS <= INTEGERS:
                return 1
            return None
        return None


@fact
class Signature:
    """One way to call a function."""

    text: str
    name: str
    parameters: tuple[Parameter, ...]
    result: str

    @property
    def least(self) -> int:
        """The fewest arguments accepted."""
        return sum(1 for parameter in self.parameters if not parameter.optional)

    @property
    def most(self) -> int | None:
        """The most arguments accepted; None is without a bound."""
        return None if any(parameter.repeated for parameter in self.parameters) else len(self.parameters)

    def parameter_at(self, index: int, count: int) -> Parameter | None:
        """The parameter that the argument at `index` of `count` fills; a repeated one may stand before others."""
        place = next((i for i, parameter in enumerate(self.parameters) if parameter.repeated), None)
        if place is None or index < place:
            return self.parameters[index] if index < len(self.parameters) else None
        after = len(self.parameters) - place - 1
        if index >= count - after:
            return self.parameters[len(self.parameters) - (count - index)]
        return self.parameters[place]


def parse_signature(text: str) -> Signature:
    """Reads one signature; a mistake in the notation raises ValueError."""
    found = _SIGNATURE.match(text)
    if not found:
        raise ValueError(f"not a signature: {text}")
    name, inside, result = found.groups()
    parameters = []
    for part in filter(None, (piece.strip() for piece in inside.split(","))):
        match = _PARAMETER.match(part)
        if not match:
            raise ValueError(f"not a parameter: {part!r} in {text}")
        parameter_name, optional, constant, kind, repeated = match.groups()
        parameters.append(
            Parameter(parameter_name, kind.strip(), _types(kind), bool(optional), bool(repeated), bool(constant))
        )
    return Signature(text, name, tuple(parameters), result.strip())


def called(text: str) -> str:
    """The name that a signature begins with."""
    return text.partition("(")[0]


@functools.cache
def _types(kind: str) -> frozenset[Type]:
    types: set[Type] = set()
    for alternative in kind.replace(" ", "").split("|"):
        if alternative in _CLASSES:
            types |= _CLASSES[alternative]
        elif alternative != "type":
            types.add(TYPE_NAMES[alternative])
    return frozenset(types)


@node
class Unit:
    """One function of the language."""

    name: str
    texts: tuple[str, ...]
    """Its signatures as they are written."""
    emit: Callable[..., Any]
    about: str
    page: str | None = None
    naming: str | None = None
    """How an unnamed use names its column: None (ColumnN), `first` (its first argument's name),
    `prefix:p` (`p_` and the first argument's name), `pair:p` (with the first two), `only:p` (`p`)."""
    aliases: tuple[str, ...] = ()
    _signatures: tuple[Signature, ...] | None = field(default=None, kw_only=True)

    @property
    def signatures(self) -> tuple[Signature, ...]:
        """The ways to call it; read when one is first asked for, since a query has a few functions and the language hundreds."""
        if self._signatures is None:
            self._signatures = tuple(map(parse_signature, self.texts))
        return self._signatures


@node
class ScalarUnit(Unit):
    """A function of values of one row.

    `nulls` is the rule for null arguments: `strict` (a null gives null; for a string result ""),
    `total` (the unit handles nulls and never gives null) or `own` (handles nulls, may give null).
    `kind` is `sql` (emit(sql, *fragments) -> SQL text), `row` (emit is a Python function of one row's
    values, run vectorised over Arrow) or `special` (bound by `binding`).
    """

    nulls: str = "strict"
    kind: str = "sql"
    binding: Callable[..., Any] | None = None
    volatile: bool = False
    checks: Mapping[str, Check] = field(default_factory=dict)
    """What a constant argument must fulfil beyond its type, by the parameter's name."""
    part: Callable[..., str] | None = None
    """Of a function that makes an array: part(sql, index, *fragments), the text of one element without the array."""


@node
class AggregateUnit(Unit):
    """A function of a column of a group; `emit(sql, *fragments)` gives SQL text."""

    empty: str = "null"
    """What no rows give: `null`, or SQL text."""
    binding: Callable[..., Any] | None = None


@node
class WindowUnit(Unit):
    """A function of a serialized input's neighbouring rows; `emit(sql, over, *fragments)` gives SQL text."""


@node
class PluginUnit(Unit):
    """A plugin of `evaluate`; `binding(binder, input, call)` gives its relation."""

    binding: Callable[..., Any] | None = None


@node
class Catalog:
    """All units by name."""

    scalars: dict[str, ScalarUnit] = field(default_factory=dict)
    aggregates: dict[str, AggregateUnit] = field(default_factory=dict)
    windows: dict[str, WindowUnit] = field(default_factory=dict)
    plugins: dict[str, PluginUnit] = field(default_factory=dict)

    def _register(self, table: dict[str, Any], unit: Unit) -> None:
        for name in (unit.name, *unit.aliases):
            if name in table:
                raise ValueError(f"{name} is registered twice")
            table[name] = unit

    def scalar(
        self,
        *signatures: str,
        about: str,
        page: str | None = None,
        names: str | None = None,
        aliases: Iterable[str] = (),
        nulls: str = "strict",
        kind: str = "sql",
        binding: Callable[..., Any] | None = None,
        volatile: bool = False,
        checks: Mapping[str, Check] | None = None,
        part: Callable[..., str] | None = None,
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Registers a scalar function under its signatures."""

        def register(emit: Callable[..., Any]) -> Callable[..., Any]:
            unit = ScalarUnit(
                called(signatures[0]), signatures, emit, about, page, names, tuple(aliases), nulls=nulls, kind=kind,
                binding=binding, volatile=volatile, checks=checks or {},
                part=part,
            )  # fmt: skip
            self._register(self.scalars, unit)
            return emit

        return register

    def operator(
        self,
        symbol: str,
        *signatures: str,
        about: str,
        nulls: str = "strict",
        checks: Mapping[str, Check] | None = None,
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Registers a scalar operator (`+`, `has` ...) under its symbol."""

        def register(emit: Callable[..., Any]) -> Callable[..., Any]:
            self._register(self.scalars, ScalarUnit(symbol, signatures, emit, about, nulls=nulls, checks=checks or {}))
            return emit

        return register

    def aggregate(
        self,
        *signatures: str,
        about: str,
        page: str | None = None,
        names: str | None = None,
        aliases: Iterable[str] = (),
        empty: str = "null",
        binding: Callable[..., Any] | None = None,
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Registers an aggregate function under its signatures."""

        def register(emit: Callable[..., Any]) -> Callable[..., Any]:
            unit = AggregateUnit(
                called(signatures[0]),
                signatures,
                emit,
                about,
                page,
                names,
                tuple(aliases),
                empty=empty,
                binding=binding,
            )
            self._register(self.aggregates, unit)
            return emit

        return register

    def window(
        self, *signatures: str, about: str, page: str | None = None
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Registers a window function under its signatures."""

        def register(emit: Callable[..., Any]) -> Callable[..., Any]:
            self._register(self.windows, WindowUnit(called(signatures[0]), signatures, emit, about, page))
            return emit

        return register

    def plugin(self, name: str, *, about: str, page: str | None = None) -> Callable[[Callable[..., Any]], Any]:
        """Registers a plugin of `evaluate`; the function is its binding."""

        def register(binding: Callable[..., Any]) -> Callable[..., Any]:
            self._register(self.plugins, PluginUnit(name, (), binding, about, page, binding=binding))
            return binding

        return register
