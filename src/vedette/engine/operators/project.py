"""project, extend and their relatives."""

from __future__ import annotations

from vedette.engine.compiler import Compiler, lowers
from vedette.engine.relations import Rel, name_of
from vedette.kql.binder.operators.project import Project
from vedette.kql.bound import Apply, Cast, Expr, WindowCall


@lowers(Project)
def project(compiler: Compiler, node: Project) -> Rel:
    """Values of each row; columns that stay keep their names, so they cost no text."""
    rel = compiler.rel(node.input)
    if any(_has_window(value) for _, value in node.values):
        rel = compiler.with_order(rel)
    compiler.emitter.over = rel.over()
    items = [f"{compiler.emitter.emit(value)} AS {name_of(column)}" for column, value in node.values]
    if node.keeps:
        if not items:
            return Rel(rel.source, node.columns, rel.items, rel.where, rel.order, rel.limit, rel.partition)
        return rel.extended(items, node.columns)
    return rel.projected(items, node.columns)


def _has_window(value: Expr) -> bool:
    match value:
        case WindowCall():
            return True
        case Apply():
            return any(_has_window(arg) for arg in value.args)
        case Cast():
            return _has_window(value.operand)
        case _:
            return False
