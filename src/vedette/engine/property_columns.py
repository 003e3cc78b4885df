"""Texts of properties of dynamic columns, and of text that is read as JSON, read from the columns that the store keeps for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.engine.fragment import Fragment
from vedette.engine.relations import name_of
from vedette.engine.walking import expressions_of
from vedette.kql.binder.operators.mv_expand import MvExpand
from vedette.kql.binder.operators.project import Project
from vedette.kql.binder.operators.sort import Sort
from vedette.kql.binder.operators.summarize import Summarize
from vedette.kql.binder.operators.take import Take
from vedette.kql.binder.operators.where import Where
from vedette.kql.bound import Apply, Cast, Column, ColumnRef, Expr, Path, Relation, Scan, children
from vedette.kql.types import Type

if TYPE_CHECKING:
    from vedette.engine.compiler import Compiler

Properties = dict[int, dict[tuple[str | int, ...], str]]


def property_items(node: Scan) -> list[tuple[str, str]]:
    """The columns that a scan can give for properties: the name in SQL, and the stored column's."""
    return [
        (f"{name_of(column)}_{place + 1}", sql)
        for column, field in zip(node.columns, node.table.fields, strict=True)
        for place, (_, sql) in enumerate(field.properties)
    ]


def read_properties(compiler: Compiler, relation: Relation) -> None:
    """Says of every use of such a property in a relation's own expressions where its text is."""
    if isinstance(relation, Where | Project | Sort | Summarize | MvExpand):
        known = _within_reach(relation.input)
        if known:
            for value in expressions_of(relation):
                _note(compiler, value, known)


def _within_reach(relation: Relation) -> Properties:
    """The properties whose columns a relation's rows still have, by the id of the dynamic column."""
    named: list[tuple[Column, Column]] = []
    while not isinstance(relation, Scan):
        match relation:
            case Where() | Sort() | Take():
                relation = relation.input
            case Project() if relation.keeps:
                # of one that stands for the JSON of another: `extend P = parse_json(ExtendedProperties)`
                named += [
                    (column, source)
                    for column, value in relation.values
                    if column.type is Type.DYNAMIC and (source := _json_of(value)) is not None
                ]
                relation = relation.input
            case MvExpand() if not relation.groups:
                relation = relation.input
            case _:
                return {}
    known: Properties = {
        column.id: {path: f"{name_of(column)}_{place + 1}" for place, (path, _) in enumerate(field.properties)}
        for column, field in zip(relation.columns, relation.table.fields, strict=True)
        if field.properties
    }
    for column, source in reversed(named):  # from the table on
        if source.id in known:
            known[column.id] = known[source.id]
    return known


def _json_of(value: Expr) -> Column | None:
    """The column whose JSON a value is: the column itself, or its text read as JSON."""
    if isinstance(value, Apply) and value.unit.name == "parse_json" and len(value.args) == 1:
        value = value.args[0]
        return value.column if isinstance(value, ColumnRef) else None
    return value.column if isinstance(value, ColumnRef) and value.type is Type.DYNAMIC else None


def _note(compiler: Compiler, value: Expr, known: Properties) -> None:
    path = text_of_path(value)
    source = None if path is None else _json_of(path.target)
    if path is not None and source is not None:
        names = known.get(source.id)
        steps = _known_steps(path)
        name = names.get(steps) if names is not None and steps is not None else None
        if name is not None and compiler.sql.may("property-columns"):
            compiler.emitter.made[id(value)] = Fragment(f"coalesce({name}, '')", Type.STRING, False, bare=name)
            return
    for child in children(value):
        _note(compiler, child, known)


def text_of_path(value: Expr) -> Path | None:
    """The path whose text an expression is."""
    if isinstance(value, Cast) and value.type is Type.STRING and isinstance(value.operand, Path):
        return value.operand
    if isinstance(value, Apply) and value.unit.name == "tostring" and isinstance(value.args[0], Path):
        return value.args[0]
    return None


def _known_steps(path: Path) -> tuple[str | int, ...] | None:
    """The names and places that a path follows; None where a step is computed, or counts from the end."""
    steps = tuple(
        step for step in path.steps if (isinstance(step, str) and step) or (isinstance(step, int) and step >= 0)
    )
    return steps if len(steps) == len(path.steps) else None


def constant_steps(path: Path) -> tuple[str, ...] | None:
    """The names that a path follows; None where a step is no name."""
    steps = tuple(step for step in path.steps if isinstance(step, str) and step)
    return steps if len(steps) == len(path.steps) else None


def path_from(value: Expr, column: Column) -> tuple[str, ...] | None:
    """The names that lead from a column to a value."""
    if not isinstance(value, Path) or not isinstance(value.target, ColumnRef) or value.target.column is not column:
        return None
    return constant_steps(value)
