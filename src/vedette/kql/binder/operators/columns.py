"""project-away, -keep, -rename, -reorder: which columns there are, and in what order (rule 76)."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable

from vedette.kql import syntax
from vedette.kql.binder.core import Binder
from vedette.kql.binder.operators.project import Project
from vedette.kql.binder.scope import Row, Scope
from vedette.kql.bound import Column, ColumnRef, Expr, Relation
from vedette.kql.operators.binding import binds
from vedette.kql.operators.project_away import ProjectAwayOperator
from vedette.kql.operators.project_keep import ProjectKeepOperator
from vedette.kql.operators.project_rename import ProjectRenameOperator
from vedette.kql.operators.project_reorder import ProjectReorderOperator


def matching(binder: Binder, node: syntax.Expression, input_: Relation, *, strict: bool = True) -> list[Column]:
    """The columns that a name or a pattern means; a plain name must exist, a pattern need not match."""
    match node:
        case syntax.Star():
            binder.looks_at(len(input_.columns), node)
            return list(input_.visible)
        case syntax.Wildcard():
            binder.looks_at(len(input_.columns), node)
            return [column for column in input_.visible if fnmatch.fnmatchcase(column.name, node.pattern)]
        case syntax.Name():
            binder.looks_at(len(input_.columns), node)
            found = [column for column in input_.visible if column.name == node.name]
            if not found and (input_.open or Row.of(input_).absent(node.name) is None):
                if input_.open:
                    named = binder.inferred(Row.of(input_), node.name)
                    return [named.column] if isinstance(named, ColumnRef) else []
                if strict:
                    binder.report(binder.stop("KS109", "A column's name is expected", node))
                known = [column.name for column in input_.visible]
                binder.report(binder.unknown("column, table, variable or function", "KS142", node.name, known, node))
            return found
        case syntax.Ordered():
            return matching(binder, node.value, input_, strict=strict)
        case _:
            raise binder.stop("KS207", "A column's name is expected", node)


def arranged(input_: Relation, columns: Iterable[Column], *, open_: bool | None = None) -> Relation:
    """The input with these of its columns, in this order; the hidden ones stay."""
    hidden = [column for column in input_.columns if column.hidden]
    kept = (*columns, *hidden)
    is_open = input_.open if open_ is None else open_
    return Project(kept, input_, [], True, serialized=input_.serialized, open=is_open)


@binds(ProjectAwayOperator)
def bind_project_away(binder: Binder, node: ProjectAwayOperator, input_: Relation, _scope: Scope) -> Relation:
    """Binds `project-away`."""
    gone = {column.id for item in node.columns for column in matching(binder, item, input_)}
    return arranged(input_, [column for column in input_.visible if column.id not in gone])


@binds(ProjectKeepOperator)
def bind_project_keep(binder: Binder, node: ProjectKeepOperator, input_: Relation, _scope: Scope) -> Relation:
    """Binds `project-keep`."""
    kept = {column.id for item in node.columns for column in matching(binder, item, input_)}
    return arranged(input_, [column for column in input_.visible if column.id in kept], open_=False)


@binds(ProjectRenameOperator)
def bind_project_rename(binder: Binder, node: ProjectRenameOperator, input_: Relation, _scope: Scope) -> Relation:
    """Binds `project-rename`."""
    renamed: dict[int, str] = {}
    for item in node.renames:
        if not isinstance(item, syntax.Assignment) or not isinstance(item.value, syntax.Name):
            raise binder.stop("KS207", "project-rename expects NewName = Column", item)
        for column in matching(binder, item.value, input_):
            renamed[column.id] = item.names[0].name
    columns: list[Column] = []
    values: list[tuple[Column, Expr]] = []
    for column in input_.columns:
        name = renamed.get(column.id)
        if name is None:
            columns.append(column)
            continue
        if any(other.name == name and other.id not in renamed for other in input_.visible) or name in [
            other for key, other in renamed.items() if key != column.id
        ]:
            raise binder.stop("KS171", f"There is already a column '{name}'", node)
        fresh = binder.column(name, column.type)
        values.append((fresh, ColumnRef(column.type, column)))
        columns.append(fresh)
    return Project(tuple(columns), input_, values, True, serialized=input_.serialized, open=input_.open)


_RUN = re.compile(r"(\d+)")


def _granny(name: str) -> list[tuple[int, int, str]]:
    """A sort key in which runs of digits count as numbers."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in _RUN.split(name) if part]


@binds(ProjectReorderOperator)
def bind_project_reorder(binder: Binder, node: ProjectReorderOperator, input_: Relation, _scope: Scope) -> Relation:
    """Binds `project-reorder`: the columns named first, the rest as they were."""
    front: list[Column] = []
    for item in node.columns:
        found = [column for column in matching(binder, item, input_, strict=False) if column not in front]
        if isinstance(item, syntax.Ordered):
            down = item.descending is True
            if item.natural:
                found.sort(key=lambda column: _granny(column.name), reverse=down)
            else:
                found.sort(key=lambda column: column.name, reverse=down)
        front += found
    return arranged(input_, [*front, *(column for column in input_.visible if column not in front)])
