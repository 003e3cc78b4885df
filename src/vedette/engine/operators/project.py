"""project, extend and their relatives."""

from __future__ import annotations

from vedette.engine.compiler import Compiler, lowers
from vedette.engine.relations import Rel, name_of
from vedette.engine.windows import staged
from vedette.kql.binder.operators.project import Project


@lowers(Project)
def project(compiler: Compiler, node: Project) -> Rel:
    """Values of each row; columns that stay keep their names, so they cost no text."""
    rel = compiler.rel(node.input)
    rel = staged(compiler, rel, (value for _, value in node.values), node)
    items = [f"{compiler.emitter.emit(value)} AS {name_of(column)}" for column, value in node.values]
    if node.keeps:
        if not items:
            return Rel(rel.source, node.columns, rel.items, rel.where, rel.order, rel.limit, rel.partition)
        return rel.extended(items, node.columns)
    return rel.projected(items, node.columns)
