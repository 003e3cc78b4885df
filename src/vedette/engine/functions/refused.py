"""Functions that this engine does not have: bound as declared, so that a query can be checked, and refused when it would run."""

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

_CALLER = "a query does not know who runs it"
_CURSORS = "tables have no database cursors"
_EXTENTS = "rows are not kept in extents"
_COMBINED = "how it combines hashes is not published, and another way gives other values"
_REASONS = {
    "current_principal(): string": _CALLER,
    "current_principal_details(): dynamic": _CALLER,
    "current_principal_is_member_of(group: any...): bool": _CALLER,
    "current_cluster_endpoint(): string": "there is no cluster",
    "cursor_after(cursor: string): bool": _CURSORS,
    "cursor_before_or_at(cursor: string): bool": _CURSORS,
    "cursor_current(): string": _CURSORS,
    "extent_id(): guid": _EXTENTS,
    "extent_tags(): dynamic": _EXTENTS,
    "hash_combine(source: any...): long": _COMBINED,
    "hash_many(source: plain...): long": _COMBINED,
}


def _refusal(reason: str) -> Callable[..., Expr]:
    def binding(at: Calls, node: syntax.Call, unit: ScalarUnit) -> Expr:
        what = f"the function '{node.name.name}' ({reason})"
        if at.binder.evaluator is not None:
            raise at.binder.refuse(what, node)
        at.binder.warn("VDT1001", f"{what} is not supported: the query cannot run here", node)
        return at.apply(unit.name, [at.argument(arg) for arg in node.args], node.args, node)

    return binding


def _never(sql: DuckDbSql, *args: Fragment) -> str:
    raise AssertionError("the binder refuses this function")


for _signature, _reason in _REASONS.items():
    _name = _signature.partition("(")[0]
    _page = _name if _name == "cursor_current" else f"{_name}-function"
    scalar(_signature, about=f"Refused: {_reason}.", page=_page.replace("_", "-"), binding=_refusal(_reason))(_never)
