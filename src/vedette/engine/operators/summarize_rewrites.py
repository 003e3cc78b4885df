"""Other ways to the same groups: rows picked by their number, and duplicates dropped before the groups are made."""

from __future__ import annotations

from vedette.engine.compiler import Compiler, padding
from vedette.engine.fragment import Fragment
from vedette.engine.relations import Rel, name_of
from vedette.kql.binder.operators.project import Project
from vedette.kql.binder.operators.sort import Sort
from vedette.kql.binder.operators.summarize import Summarize
from vedette.kql.binder.operators.where import Where
from vedette.kql.bound import AggregateCall, Chosen, ColumnRef, Expr, Relation, RowChoice, Scan, children, has_window
from vedette.kql.types import Type

_OF_DISTINCT = frozenset({"dcount", "count_distinct", "make_set"})
_UNSURE = frozenset({"rand", "new_guid"})


def scan_below(relation: Relation) -> Scan | None:
    """The table whose rows a relation's are, each at most once and with all that the table holds; None where it has none."""
    while not isinstance(relation, Scan):
        match relation:
            case Where() if steady(relation.predicate):
                relation = relation.input
            case Project() if relation.keeps and all(steady(value) for _, value in relation.values):
                relation = relation.input
            case _:
                return None
    return relation if relation.table.source is not None else None


def steady(value: Expr) -> bool:
    """Whether an expression gives a row the same value however often it is computed, without looking at other rows."""
    if has_window(value):
        return False
    name = getattr(getattr(value, "unit", None), "name", "")
    return name not in _UNSURE and all(steady(child) for child in children(value))


def never_filled(compiler: Compiler, relation: Relation) -> frozenset[int]:
    """The columns, by id, of which every row of a relation has the same nothing, since its table stores no value of them."""
    while not isinstance(relation, Scan):
        if not isinstance(relation, Where | Sort | Project) or (isinstance(relation, Project) and not relation.keeps):
            return frozenset()
        relation = relation.input
    table = relation.table
    found = frozenset(
        column.id
        for column, field in zip(relation.columns, table.fields, strict=True)
        if table.source is None or field.sql == padding(field.type)
    )
    return found if found and compiler.sql.may("empty-columns") else frozenset()


def by_row_number(
    compiler: Compiler, node: Summarize, base: Rel, keys: list[str], choice: RowChoice, values: list[str]
) -> Rel | None:
    """arg_max(x, *) and arg_min(x, *): the numbers of the rows are found first, and only those rows are read whole."""
    scan = scan_below(node.input)
    if scan is None or choice.by is None or base.order or base.partition or choice.by.type is Type.REAL:
        return None
    if len(values) < 2 or not compiler.sql.may("row-number-arg-max"):
        return None
    row = f"{name_of(scan.columns[0])}_0"
    by = compiler.emitter.emit(choice.by)
    found = f"arg_{choice.kind}({row}, {by})"
    if by.nullable:
        # of a group without any value to compare, any row will do
        found = f"coalesce({found}, min({row}))"
    where = " WHERE " + " AND ".join(base.where) if base.where else ""
    groups = ", ".join(key.rsplit(" AS ", 1)[0] for key in keys)
    rows = compiler.narrowed(f"SELECT {found} FROM {base.source}{where} GROUP BY {groups}")
    # what the other columns of the rows are is computed of the rows that were found alone
    whole = compiler.of_rows(node.input, scan, base.source, rows)
    if not whole.plain:
        whole = whole.wrapped()  # values of the last step are not part of its source yet
    return Rel(f"(SELECT {', '.join([*keys, *values])} FROM {whole.source})", node.columns)


def of_distinct(compiler: Compiler, node: Summarize, base: Rel, keys: list[str]) -> Rel | None:
    """dcount() and make_set() of one column: the column joins the keys in a first round, and a second has nothing left to compare."""
    if not keys or base.partition:
        return None
    column = None
    for _, value in node.aggregates:
        if not isinstance(value, AggregateCall) or value.condition is not None:
            return None
        if value.unit.name in _OF_DISTINCT:
            argument = value.args[0]
            if not isinstance(argument, ColumnRef) or argument.type in (Type.REAL, Type.DYNAMIC, Type.UNKNOWN):
                return None
            if column is not None and argument.column is not column:
                return None
            column = argument.column
        elif value.unit.name != "count" or value.args:
            return None
    if column is None or not compiler.sql.may("distinct-first"):
        return None
    emitter, sql = compiler.emitter, compiler.sql
    number = compiler.fresh()
    where = " WHERE " + " AND ".join(base.where) if base.where else ""
    own = compiler.fresh()
    inner = (
        f"SELECT {', '.join(keys)}, {name_of(column)} AS {own}, count(*) AS {number} FROM {base.source}{where} "
        f"GROUP BY {', '.join(str(place + 1) for place in range(len(keys) + 1))}"
    )
    different = Fragment(own, column.type, column.type is not Type.STRING)
    items = []
    sql.distinct_input, sql.aggregate_order = True, ""
    try:
        for out, call in node.aggregates:
            assert isinstance(call, AggregateCall)
            if call.unit.name == "count":
                text = f"CAST(sum({number}) AS BIGINT)"
            else:
                text = str(call.unit.emit(sql, different, *(emitter.emit(arg) for arg in call.args[1:])))
            items.append(f"{text} AS {name_of(out)}")
    finally:
        sql.distinct_input = False
    names = [name_of(out) for out, _ in node.keys]
    return Rel(f"(SELECT {', '.join([*names, *items])} FROM ({inner}) GROUP BY {', '.join(names)})", node.columns)


def chosen_values(compiler: Compiler, node: Summarize) -> list[str]:
    """The select list of a summarize that takes values of one row of each group."""
    return [
        f"{compiler.emitter.emit(value.value)} AS {name_of(column)}"
        for column, value in node.aggregates
        if isinstance(value, Chosen)
    ]
