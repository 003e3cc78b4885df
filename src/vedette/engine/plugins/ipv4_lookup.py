"""ipv4_lookup: rows with the networks that their IPv4 address lies in."""

from __future__ import annotations

from vedette.engine.addresses import V4_BITS, masked, parse_v4
from vedette.engine.addresses_lookup import address_lookup
from vedette.engine.catalog import plugin
from vedette.kql.binder.core import Binder
from vedette.kql.binder.scope import Scope
from vedette.kql.bound import Relation
from vedette.kql.operators.evaluate import EvaluateOperator
from vedette.kql.types import Type


def first_v4(text: str) -> object:
    """The first address of a network; None where the text is no address."""
    found = parse_v4(text)
    return None if found is None else masked(*found, V4_BITS)


def last_v4(text: str) -> object:
    """The last address of a network."""
    found = parse_v4(text)
    return None if found is None else masked(*found, V4_BITS) | ((1 << (V4_BITS - found[1])) - 1)


@plugin(
    "ipv4_lookup",
    about="Rows with those of a lookup table whose network holds their IPv4 address.",
    page="ipv4-lookup-plugin",
)
def ipv4_lookup(binder: Binder, node: EvaluateOperator, input_: Relation | None, scope: Scope) -> Relation:
    """`ipv4_lookup(Table, SourceKey, LookupKey [, further keys] [, return_unmatched])`."""
    return address_lookup(binder, node, input_, scope, "IPv4", first_v4, last_v4, Type.LONG, keys=True)
