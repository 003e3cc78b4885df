"""Functions of places that need a package of the `geo` extra: refused by name where it is not installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from vedette.engine.catalog import scalar
from vedette.kql import syntax
from vedette.kql.bound import Expr
from vedette.kql.catalog import ScalarUnit

if TYPE_CHECKING:
    from vedette.kql.binder.calls import Calls


def geo_scalar(
    package: str,
    *signatures: str,
    about: str,
    page: str,
    together: Callable[[list[tuple[Any, ...]]], list[object]] | None = None,
) -> Callable[[Callable[..., Any]], Any]:
    """Registers a row function that needs a package, which is imported when it is first called, and only reads its arguments.

    `together` answers many rows at once, as the function would each of them.
    """

    def binding(at: Calls, node: syntax.Call, unit: ScalarUnit) -> Expr:
        if importlib.util.find_spec(package) is None:
            raise at.binder.refuse(f"the function '{node.name.name}' without the extra vedette[geo]", node)
        return at.apply(unit.name, [at.argument(arg) for arg in node.args], node.args, node)

    def register(function: Callable[..., Any]) -> Any:
        function.reads_only = True  # type: ignore[attr-defined]
        function.together = together  # type: ignore[attr-defined]
        return scalar(*signatures, about=about, page=page, kind="row", binding=binding)(function)

    return register
