"""Functions that give several columns: a Python function of one row gives a bag, each of whose parts is a column."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from vedette.engine.catalog import scalar
from vedette.kql import syntax
from vedette.kql.binder.naming import carried_name
from vedette.kql.bound import Apply, Cast, Expr, Path, Several
from vedette.kql.catalog import Check, ScalarUnit, called
from vedette.kql.types import Type

if TYPE_CHECKING:
    from vedette.kql.binder.calls import Calls

RowFunction = Callable[..., object]


def several(
    *signatures: str, outputs: dict[str, Type], about: str, page: str, checks: Mapping[str, Check] | None = None
) -> Callable[[RowFunction], RowFunction]:
    """Registers such a function; columns are named after the function, its first argument and the part.

    The engine computes the bag once for all columns, since they ask for the same expression.
    """

    def register(function: RowFunction) -> RowFunction:
        name = called(signatures[0])
        whole = ScalarUnit(name, signatures, function, about, kind="row", checks=checks or {})

        def binding(at: Calls, node: syntax.Call, unit: ScalarUnit) -> Expr:
            args = [at.argument(arg) for arg in node.args]
            signature = at.resolve(whole, args, node.args, node)
            final = at.convert(signature, args, node.args)
            at.check(whole, signature, final, node.args)
            call = Apply(Type.DYNAMIC, whole, final, start=node.start, end=node.end)
            own = carried_name(node.args[0], at.binder.catalog) or ""
            columns: list[tuple[str, Expr]] = []
            for part, type_ in outputs.items():
                value: Expr = Path(Type.DYNAMIC, call, [part])
                columns.append((f"{name}_{own}_{part}", value if type_ is Type.DYNAMIC else Cast(type_, value)))
            return Several(columns[0][1].type, columns)

        scalar(*signatures, about=about, page=page, kind="row", binding=binding)(function)
        return function

    return register
