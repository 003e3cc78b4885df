"""Nodes of the trees are made like dataclasses, though their constructors are compiled late."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any

import pytest

from vedette.engine.catalog import full_catalog
from vedette.kql import bound, node, syntax
from vedette.kql.catalog import parse_signature
from vedette.kql.operators.binding import load_binders
from vedette.kql.types import Type

full_catalog()
load_binders()


def _all(kind: Any) -> set[Any]:
    return {kind}.union(*map(_all, kind.__subclasses__()))


KINDS = sorted(_all(syntax.Node) | _all(bound.Expr) | _all(bound.Relation), key=lambda kind: kind.__qualname__)


def test_every_node_takes_what_its_dataclass_would_take() -> None:
    assert len(KINDS) > 100
    for kind in KINDS:
        namespace = {"__annotations__": {field.name: Any for field in dataclasses.fields(kind)}}
        for field in dataclasses.fields(kind):
            default = {
                name: value
                for name in ("default", "default_factory")
                if (value := getattr(field, name)) is not dataclasses.MISSING
            }
            namespace[field.name] = dataclasses.field(kw_only=bool(field.kw_only), **default)
        plain: Any = dataclasses.dataclass(type("Plain", (), namespace))
        wanted = inspect.signature(plain).parameters.values()
        given = list(inspect.signature(node._initialiser(kind)).parameters.values())[1:]
        assert [(one.name, one.kind) for one in given] == [(one.name, one.kind) for one in wanted], kind
        assert [one.default is one.empty for one in given] == [one.default is one.empty for one in wanted], kind


def test_lists_that_nobody_gave_are_not_shared() -> None:
    @node.node
    class Listed(bound.Expr):
        name: str
        items: list[int] = dataclasses.field(default_factory=list)
        known: str = "default"

    first, second = Listed(Type.LONG, "a"), Listed(Type.LONG, "b", [1], start=7)
    first.items.append(2)
    assert (first.items, first.known, first.start) == ([2], "default", 0)
    assert (second.items, second.start) == ([1], 7)
    assert Listed(Type.LONG, "c").items == []
    with pytest.raises(TypeError, match="name"):
        Listed(Type.LONG)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="other"):
        Listed(Type.LONG, "a", other=1)  # type: ignore[call-arg]


def test_facts_are_equal_by_their_fields_and_cannot_be_changed() -> None:
    @node.fact
    class Place:
        line: int
        column: int = 1
        names: tuple[str, ...] = dataclasses.field(default=(), kw_only=True)

    @node.fact
    class Other:
        line: int
        column: int = 1

    place = Place(3, names=("a",))
    assert place == Place(3, 1, names=("a",))
    assert place != Place(3, 2, names=("a",))
    assert place != Other(3)  # type: ignore[comparison-overlap]
    assert len({place, Place(3, names=("a",)), Place(4)}) == 2
    assert dataclasses.replace(place, line=4) == Place(4, names=("a",))
    assert "Place(line=3, column=1, names=('a',))" in repr(place)
    with pytest.raises(dataclasses.FrozenInstanceError, match="line"):
        place.line = 5  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError, match="line"):
        del place.line


def test_every_signature_is_in_the_notation() -> None:
    catalog = full_catalog()
    units: list[Any] = [*catalog.scalars.values(), *catalog.aggregates.values(), *catalog.windows.values()]
    for unit in units:
        assert len(unit.signatures) == len(unit.texts) > 0
        assert all(signature.text == text for signature, text in zip(unit.signatures, unit.texts, strict=True))
    with pytest.raises(ValueError, match="not a parameter"):
        parse_signature("f(a: long, b): long")
