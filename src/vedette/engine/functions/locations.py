"""Functions of places that this engine does not have; they are refused by name rather than unknown."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from vedette.engine.catalog import scalar
from vedette.engine.dialect import DuckDbSql
from vedette.engine.fragment import Fragment
from vedette.kql import syntax
from vedette.kql.bound import Expr
from vedette.kql.catalog import ScalarUnit

if TYPE_CHECKING:
    from vedette.kql.binder.calls import Calls


def _refusal(reason: str) -> Callable[..., Expr]:
    def binding(at: Calls, node: syntax.Call, unit: ScalarUnit) -> Expr:
        raise at.binder.refuse(f"the function '{node.name.name}'{reason}", node)

    return binding


def _never(sql: DuckDbSql, *args: Fragment) -> str:
    raise AssertionError("the binder refuses this function")


scalar(
    "geo_info_from_ip_address(ip: string): dynamic", about="Where an IP address is; not supported.",
    page="geo-info-from-ip-address-function", binding=_refusal(" (it needs a database of where addresses are)"),
)(_never)  # fmt: skip

for _name in ("geo_line_simplify", "geo_polygon_simplify", "geo_simplify_polygons_array"):
    scalar(
        f"{_name}(arguments: any...): dynamic", about="A shape of fewer corners; not supported.",
        page=f"{_name.replace('_', '-')}-function",
        binding=_refusal(" (the S2 library's binding has no snapping of edge chains, which decides the corners)"),
    )(_never)  # fmt: skip
