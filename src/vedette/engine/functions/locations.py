"""Where addresses are and whose, in databases that the operator supplies; and what Azure has in transformations alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from vedette.core.errors import VedetteError
from vedette.engine import cef, places
from vedette.engine.catalog import scalar
from vedette.kql import syntax
from vedette.kql.bound import Expr
from vedette.kql.catalog import ScalarUnit

if TYPE_CHECKING:
    from vedette.kql.binder.calls import Calls

TRANSFORMATIONS_ONLY: Final = frozenset({"geo_location", "parse_cef_dictionary"})
"""Functions that Azure has in transformations and in no other query."""


def _bind_lookup(kind: str) -> Callable[..., Expr]:
    """Binds a look-up; without a database it is refused when it would run, with what to do, and a check warns of it."""

    def binding(at: Calls, node: syntax.Call, unit: ScalarUnit) -> Expr:
        _in_its_place(at, node)
        missing = _missing(kind)
        if missing is not None:
            said = f"The function '{node.name.name}' needs a database of where addresses are: {missing}"
            if at.binder.evaluator is not None:
                raise at.binder.stop("VDT1001", said, node)
            at.binder.warn("VDT1001", said, node)
        return at.apply(unit.name, [at.argument(one) for one in node.args], node.args, node)

    return binding


def _missing(kind: str) -> str | None:
    """Why a database cannot be asked, or None."""
    if not places.supplied(kind):
        return f"none is supplied; {places.how_to_supply(kind)}"
    try:
        places.open_database(kind)
    except VedetteError as error:
        return str(error).rstrip(".")
    return None


def _in_its_place(at: Calls, node: syntax.Call) -> None:
    name = node.name.name
    if name in TRANSFORMATIONS_ONLY and not getattr(at.binder.host, "transforms", False):
        raise at.binder.stop("VDT1001", f"The function '{name}' is there in transformations alone", node)


def _bind_in_transformation(at: Calls, node: syntax.Call, unit: ScalarUnit) -> Expr:
    _in_its_place(at, node)
    return at.apply(unit.name, [at.argument(one) for one in node.args], node.args, node)


scalar(
    "geo_info_from_ip_address(ip: string): dynamic",
    about="Country, state, city, latitude and longitude of an IP address, out of a database that the operator supplies.",
    page="geo-info-from-ip-address-function", kind="row", binding=_bind_lookup(places.CITY),
)(places.place_of)  # fmt: skip
scalar(
    "geo_location(ip: string): dynamic",
    about="In transformations: where an IP address is, out of the same database.",
    kind="row", binding=_bind_lookup(places.CITY),
)(places.location_of)  # fmt: skip
scalar(
    "asn_info_from_ip_address(ip: string): dynamic",
    about="Number and organization of an IP address's autonomous system, out of a database that the operator supplies.",
    kind="row", binding=_bind_lookup(places.ASN),
)(places.network_of)  # fmt: skip
scalar(
    "parse_cef_dictionary(message: string): dynamic",
    about="In transformations: the header of a CEF message, and its Extension as a bag.",
    kind="row", binding=_bind_in_transformation,
)(cef.dictionary)  # fmt: skip
