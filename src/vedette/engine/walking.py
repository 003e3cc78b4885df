"""Walking a bound tree of whatever operators: what stands right inside of a relation or an expression."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from vedette.kql.bound import Column, Expr, Relation
from vedette.kql.catalog import ScalarUnit

_LEAVES = (str, int, float, bool, type(None), Column, ScalarUnit)


_SKIPPED = frozenset({"columns", "table", "unit", "type", "start", "end"})
_NAMES: dict[object, tuple[str, ...]] = {}


def _names(kind: Any) -> tuple[str, ...]:
    """The fields of a kind of node in which others may stand."""
    known = _NAMES.get(kind)
    if known is None:
        known = _NAMES[kind] = tuple(each.name for each in fields(kind) if each.name not in _SKIPPED)
    return known


def _parts(value: object) -> Iterator[object]:
    if isinstance(value, _LEAVES):
        return
    if isinstance(value, list | tuple):
        for item in value:
            yield from _parts(item)
    elif isinstance(value, Relation | Expr):
        yield value
    elif is_dataclass(value) and not isinstance(value, type):
        for name in _names(type(value)):
            yield from _parts(getattr(value, name))


def relations_inside(relation: Relation) -> Iterator[Relation]:
    """The relations that a relation is made of, those in its expressions too."""
    waiting: list[object] = [part for name in _names(type(relation)) for part in _parts(getattr(relation, name))]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Relation):
            yield part
        else:
            waiting += [inner for name in _names(type(part)) for inner in _parts(getattr(part, name))]


def expressions_of(relation: Relation) -> Iterator[Expr]:
    """The expressions that a relation computes itself, whole ones."""
    for name in _names(type(relation)):
        for part in _parts(getattr(relation, name)):
            if isinstance(part, Expr):
                yield part


def relations_of(root: Relation) -> Iterator[Relation]:
    """A relation and all that it is made of, each once."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        relation = waiting.pop()
        if id(relation) not in seen:
            seen.add(id(relation))
            yield relation
            waiting += relations_inside(relation)
