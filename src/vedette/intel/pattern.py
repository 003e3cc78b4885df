"""STIX patterns: what observables a pattern names.

The grammar is OASIS' own (`stix2patterns`, of STIX 2.1, which takes patterns of 2.0 as well); the meaning of `AND`, `OR` and
`FOLLOWEDBY` is that of chapter 9 of STIX 2.1.
"""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from vedette.core.errors import InvalidInput

MOST_CHARACTERS: Final = 100_000
MOST_ALTERNATIVES: Final = 1_000
"""Alternatives of a pattern that are told apart; one that has more is taken as if each part stood for itself."""
_KEPT_CHARACTERS: Final = 2_000
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PLAINEST: Final = re.compile(
    r"\[([a-z][a-z0-9]*(?:-[a-z0-9]+)*):([A-Za-z_][A-Za-z0-9_]*(?:\.(?:[A-Za-z_][A-Za-z0-9_]*|'[A-Za-z0-9-]+'))*) = '([^'\\]*)'\]"
)
_WORDS: Final = frozenset(
    "AND OR NOT FOLLOWEDBY LIKE MATCHES ISSUPERSET ISSUBSET EXISTS LAST IN START STOP SECONDS WITHIN REPEATS TIMES".split()
) | {"TRUE", "FALSE", "true", "false"}
"""Words of the language, which name no property unless they are in quotes."""
_ADDRESSES: Final = (
    "ipv4-addr:value",
    "ipv6-addr:value",
    "network-traffic:src_ref.value",
    "network-traffic:dst_ref.value",
)
_NARROWING: Final = frozenset({"type", "mime_type", "protocols", "is_active", "magic_number_hex", "content_type"})
"""Properties that only say more of what a pattern names: no observable by themselves."""
_NUMBERS: Final = frozenset({"autonomous-system:number"})
"""Properties whose numbers are observables. Other numbers (ports, sizes) only say more of what a pattern names."""


class Observable(NamedTuple):
    """A property and the value that it is to have: `ipv4-addr:value`, `203.0.113.45`. `key` is written as in a pattern."""

    key: str
    value: str

    @property
    def network(self) -> bool:
        """Whether the value is a network, not one address."""
        return self.key in _ADDRESSES and "/" in self.value


@dataclass(frozen=True, slots=True)
class Pattern:
    """What a pattern names. Each alternative is what has to be seen together (`AND`, `FOLLOWEDBY`), numbers included."""

    alternatives: tuple[tuple[Observable, ...], ...]
    observables: tuple[Observable, ...]
    """Every value that can be looked for by itself, each once, in the pattern's order."""


def read_pattern(text: str) -> Pattern:
    """The pattern. Raises `InvalidInput` where it is none.

    Only what a pattern says a value *is* makes an observable: `=`, `IN` and, of addresses, `ISSUBSET`, without `NOT`.
    """
    if len(text) > MOST_CHARACTERS:
        raise InvalidInput(
            f"The pattern has {len(text):,} characters, and {MOST_CHARACTERS:,} are allowed.", code="VDT0901"
        )
    return _plainest(text) or (_kept(text) if len(text) < _KEPT_CHARACTERS else _parsed(text))


def _plainest(text: str) -> Pattern | None:
    """What most patterns are, one property with one value; None for any other, which takes fifty times as long to read."""
    found = _PLAINEST.fullmatch(text)
    if found is None:
        return None
    kind, path, value = found.groups()
    steps = [step.strip("'") for step in path.split(".")]
    if not _WORDS.isdisjoint((kind, *steps)):
        return None
    key = f"{kind}:" + ".".join(step if _PLAIN.fullmatch(step) else f"'{step}'" for step in steps)
    one = Observable(key, _plain(key, value))
    return Pattern(((one,),), () if steps[-1] in _NARROWING else (one,))


@functools.lru_cache(maxsize=512)
def _kept(text: str) -> Pattern:
    """What arrives is checked, and a moment later its rows are made."""
    return _parsed(text)


def _parsed(text: str) -> Pattern:
    try:
        alternatives = _alternatives(_tree(text))
    except RecursionError:
        raise InvalidInput("The pattern is nested too deeply.", code="VDT0901") from None
    found = dict.fromkeys(one for together in alternatives for one, searched in together if searched)
    whole = dict.fromkeys(tuple(dict.fromkeys(one for one, _ in together)) for together in alternatives)
    return Pattern(tuple(one for one in whole if one), tuple(found))


def pattern_of(key: str, value: str) -> str:
    """The pattern that names one observable."""
    written = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"[{key} = '{written}']"


def _tree(text: str) -> Any:
    # ANTLR takes 80 ms to import, and most commands read no pattern
    from stix2patterns.exceptions import ParseException
    from stix2patterns.v21.pattern import Pattern as Parsed

    try:
        return Parsed(text).visit(_Root())
    except ParseException as error:
        raise InvalidInput(f"The pattern is no STIX pattern: {error}.", code="VDT0901") from None


class _Root:
    """The library keeps the tree to itself and shows it to visitors."""

    def visit(self, tree: Any) -> Any:
        return tree


_Part = tuple[Observable, bool]
"""An observable, and whether it can be looked for by itself."""
_Found = list[tuple[_Part, ...]]
_EITHER: Final = frozenset({"ObservationExpressionOrContext", "ComparisonExpressionContext"})


def _alternatives(root: Any) -> _Found:
    """What the tree names. A pattern of a thousand `OR` is a tree as deep: so no recursion."""
    done: list[_Found] = []
    waiting: list[tuple[Any, int]] = [(root, -1)]
    while waiting:
        node, children = waiting.pop()
        name = type(node).__name__
        if children >= 0:
            parts = done[len(done) - children :]
            del done[len(done) - children :]
            done.append(_joined(parts, either=name in _EITHER))
        elif name.startswith("PropTest") and name != "PropTestParenContext":
            done.append(
                [tuple(one)] if len(one := _compared(node)) < 2 or not _is_set(node) else [(part,) for part in one]
            )
        else:
            below = [one for one in node.getChildren() if _is_expression(one)]
            waiting.append((node, len(below)))
            waiting += [(one, -1) for one in reversed(below)]
    return done[0]


def _is_expression(node: Any) -> bool:
    return type(node).__name__.startswith(("ObservationExpression", "ComparisonExpression", "PropTest"))


def _is_set(node: Any) -> bool:
    return type(node).__name__ == "PropTestSetContext"


def _joined(parts: list[_Found], *, either: bool) -> _Found:
    found = parts[0]
    for part in parts[1:]:
        if either:
            found += part
        elif len(found) * len(part) <= MOST_ALTERNATIVES:
            found = [left + right for left in found for right in part]
        else:
            found += part
    return found


def _compared(node: Any) -> list[_Part]:
    """The observables of one comparison; none where it does not say what a value is."""
    name = type(node).__name__
    if getattr(node, "NOT", lambda: None)() is not None:
        return []
    if name == "PropTestEqualContext" and node.EQ() is not None:
        values = [node.primitiveLiteral().getText()]
    elif name == "PropTestSetContext":
        values = [
            one.getText() for one in node.setLiteral().getChildren() if type(one).__name__ == "PrimitiveLiteralContext"
        ]
    elif name == "PropTestIsSubsetContext":
        values = [node.StringLiteral().getText()]
    else:
        return []
    key, last = _key(node.objectPath())
    if name == "PropTestIsSubsetContext" and key not in _ADDRESSES:
        return []
    return [
        (Observable(key, _plain(key, value)), _searched(key, last, text))
        for text in values
        for value in _constant(text)
    ]


def _searched(key: str, last: str, literal: str) -> bool:
    if literal[:1] == "'":
        return last not in _NARROWING
    return key in _NUMBERS


def _constant(literal: str) -> Iterator[str]:
    """The value of a text or a whole number; moments, bytes, fractions and truth are none that can be looked for."""
    if literal[:1] == "'":
        yield re.sub(r"\\(.)", r"\1", literal[1:-1], flags=re.DOTALL)
    elif literal.lstrip("+-").isdigit():
        yield literal


def _key(path: Any) -> tuple[str, str]:
    """The path as a pattern writes it, with quotes only where they are needed; and the name of the property that it ends in."""
    steps = [path.firstPathComponent(), *_steps(path.objectPathComponent())]
    text, last = "", ""
    for step in steps:
        name = step.getText()
        if name.startswith("["):
            text += name
            continue
        name = name.removeprefix(".")
        bare = re.sub(r"\\(.)", r"\1", name[1:-1]) if name[:1] == "'" else name
        last = bare
        quoted = bare.replace("\\", "\\\\").replace("'", "\\'")
        text += ("." if text else "") + (bare if _PLAIN.fullmatch(bare) else f"'{quoted}'")
    return f"{path.objectType().getText()}:{text}", last


def _steps(component: Any) -> list[Any]:
    """The steps of a path after its first: left recursion made a list."""
    if component is None:
        return []
    if type(component).__name__ != "PathStepContext":
        return [component]
    return [one for part in component.objectPathComponent() for one in _steps(part)]


def _plain(key: str, value: str) -> str:
    """An address without the prefix length that only says that it is one address."""
    if key not in _ADDRESSES or "/" not in value:
        return value
    address, _, length = value.partition("/")
    try:
        whole = ipaddress.ip_address(address).max_prefixlen
    except ValueError:
        return value
    return address if length == str(whole) else value
