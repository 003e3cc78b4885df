"""ipv6_lookup: rows with the networks that their IPv6 or IPv4 address lies in."""

from __future__ import annotations

from vedette.engine.addresses import V6_BITS, format_v6, masked, parse_v6
from vedette.engine.addresses_lookup import address_lookup
from vedette.engine.catalog import plugin
from vedette.kql.binder.core import Binder
from vedette.kql.binder.scope import Scope
from vedette.kql.bound import Relation
from vedette.kql.operators.evaluate import EvaluateOperator
from vedette.kql.types import Type


def first_v6(text: str) -> object:
    """The first address of a network as 32 digits, which sort as numbers do; None where the text is no address."""
    found = parse_v6(text, compatible=True)
    return None if found is None else format_v6(masked(*found, V6_BITS))


def last_v6(text: str) -> object:
    """The last address of a network."""
    found = parse_v6(text, compatible=True)
    return None if found is None else format_v6(masked(*found, V6_BITS) | ((1 << (V6_BITS - found[1])) - 1))


@plugin(
    "ipv6_lookup",
    about="Rows with those of a lookup table whose network holds their IPv6 or IPv4 address.",
    page="ipv6-lookup-plugin",
)
def ipv6_lookup(binder: Binder, node: EvaluateOperator, input_: Relation | None, scope: Scope) -> Relation:
    """`ipv6_lookup(Table, SourceKey, LookupKey [, return_unmatched])`."""
    return address_lookup(binder, node, input_, scope, "IPv6", first_v6, last_v6, Type.STRING, keys=False)
