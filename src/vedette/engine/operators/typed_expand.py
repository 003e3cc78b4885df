"""mv-expand of arrays of bags of which the query uses only properties: those are read once, as columns.

Elements stay JSON otherwise, and every property is looked up in the text of its element; an array in an array is even
cut into texts twice.
"""

from __future__ import annotations

from dataclasses import field

from vedette.engine.compiler import Compiler
from vedette.engine.dialect import identifier, json_text, quote
from vedette.engine.fragment import Fragment
from vedette.engine.property_columns import path_from, text_of_path
from vedette.engine.relations import name_of
from vedette.engine.walking import expressions_of
from vedette.kql.binder.operators.mv_expand import MvExpand
from vedette.kql.binder.operators.project import Project
from vedette.kql.binder.operators.sort import Sort
from vedette.kql.binder.operators.summarize import Summarize
from vedette.kql.binder.operators.where import Where
from vedette.kql.bound import Column, ColumnRef, Expr, Relation, children
from vedette.kql.node import node
from vedette.kql.types import Type


@node
class Uses:
    """What a query uses of an expanded element: texts of properties, and properties that are expanded again."""

    texts: list[tuple[Expr, tuple[str, ...]]] = field(default_factory=list)
    lists: list[tuple[MvExpand, tuple[str, ...], Uses]] = field(default_factory=list)

    def schema(self) -> object | None:
        """The shape of an element as `from_json` takes it; None where the engine could not tell the names apart."""
        shape: dict[str, object] = {}
        for _, path in self.texts:
            if not _put(shape, path, "VARCHAR"):
                return None
        for _, path, uses in self.lists:
            inner = uses.schema()
            if inner is None or not _put(shape, path, [inner]):
                return None
        return shape or None


def _put(shape: dict[str, object], path: tuple[str, ...], what: object) -> bool:
    for step in path[:-1]:
        held = shape.setdefault(step, {})
        if not isinstance(held, dict):
            return False
        shape = held
    last = path[-1]
    if last in shape and shape[last] != what:
        return False
    shape[last] = what
    # names of a STRUCT do not tell upper from lower case
    return len({name.lower() for name in shape}) == len(shape)


def uses_of(compiler: Compiler, node: MvExpand) -> Uses | None:
    """What is used of the element of an mv-expand; None where that is more than properties."""
    column = node.elements[0][0]
    if len(node.elements) != 1 or node.groups or column.type is not Type.DYNAMIC:
        return None
    above = _above(compiler, node)
    if above is None:
        return None
    uses = Uses()
    for relation in above:
        if isinstance(relation, MvExpand) and len(relation.elements) == 1:
            inner = relation.elements[0][1]
            path = path_from(inner, column)
            if path is not None:
                nested = uses_of(compiler, relation)
                # deeper, the text for what is no array would grow too long
                if nested is None or nested.lists or nested.schema() is None:
                    return None
                uses.lists.append((relation, path, nested))
                continue
        for expression in expressions_of(relation):
            if not _collect(expression, column, uses):
                return None
    return uses


def _above(compiler: Compiler, node: Relation) -> list[Relation] | None:
    """The operators that see a relation's columns, up to the one that makes columns of its own; None where others may."""
    found: list[Relation] = []
    current: Relation = node
    while True:
        over = compiler.users(current)
        if len(over) != 1 or not isinstance(over[0], Where | Project | Sort | MvExpand | Summarize):
            return None
        current = over[0]
        found.append(current)
        if isinstance(current, MvExpand) and current.groups:
            return None
        if isinstance(current, Summarize) or (isinstance(current, Project) and not current.keeps):
            return found


def _collect(value: Expr, column: Column, uses: Uses) -> bool:
    """Notes the properties that an expression uses of a column; False where it uses anything else of it."""
    path = text_of_path(value)
    steps = path_from(path, column) if path is not None else None
    if steps is not None:
        uses.texts.append((value, steps))
        return True
    if isinstance(value, ColumnRef):
        return value.column is not column
    return all(_collect(child, column, uses) for child in children(value))


def typed_uses(compiler: Compiler, node: MvExpand) -> Uses | None:
    """What is used of an mv-expand's elements, where they may be records; None where they stay JSON."""
    known = compiler.records.get(id(node))
    if known is not None:
        uses: Uses | None = known[0]
        return uses
    if compiler.root is None:
        return None
    uses = uses_of(compiler, node)
    return uses if uses is not None and uses.schema() is not None and compiler.sql.may("typed-expand") else None


def typed_elements(compiler: Compiler, node: MvExpand, uses: Uses, value: Fragment, texts: str) -> str:
    """The SQL list of the elements as records; `texts` is the list of their texts, for what is no array."""
    shape = json_text(uses.schema())
    general = f"list_transform({texts}, lambda e: from_json(e, {quote(shape)}))"
    known = compiler.records.get(id(node))
    if known is not None:
        return f"CASE WHEN {known[1]} IS NOT NULL THEN {known[1]} ELSE {general} END"
    return f"CASE WHEN starts_with({value}, '[') THEN from_json({value}, {quote(f'[{shape}]')}) ELSE {general} END"


def unread_elements(node: MvExpand, uses: Uses, records: str, texts: str) -> str:
    """The list of the elements' texts where some element has no list in a place that is expanded again, else null."""
    read = " AND ".join(f"{_field('e', path)} IS NOT NULL" for _, path, _ in uses.lists)
    kept = texts if node.limit is None else f"list_slice({texts}, 1, {node.limit})"
    return f"CASE WHEN NOT list_bool_and(list_transform({records}, lambda e: {read})) THEN {kept} END"


def give_names(compiler: Compiler, node: MvExpand, uses: Uses, element: str) -> None:
    """Says where the properties that are used of an element now are; `element` is its text where it may be needed."""
    column = name_of(node.elements[0][0])
    made = compiler.emitter.made
    for expression, path in uses.texts:
        name = _field(column, path)
        made[id(expression)] = Fragment(f"coalesce({name}, '')", Type.STRING, False, bare=name)
    for inner, path, nested in uses.lists:
        compiler.records[id(inner)] = (nested, _field(column, path))
        # what is no array is seen in the element's text alone
        text = compiler.sql.extract(Fragment(element, Type.DYNAMIC), list(path))
        made[id(inner.elements[0][1])] = Fragment(text, Type.DYNAMIC)


def _field(column: str, path: tuple[str, ...]) -> str:
    return ".".join([column, *map(identifier, path)])
