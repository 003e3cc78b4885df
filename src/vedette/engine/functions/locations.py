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
