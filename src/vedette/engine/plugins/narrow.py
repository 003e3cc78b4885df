"""narrow: a row for each value of each row."""

from __future__ import annotations

from vedette.engine.catalog import plugin
from vedette.engine.compiler import Compiler
from vedette.engine.fragment import Fragment
from vedette.engine.plugged import Arguments
from vedette.engine.relations import Rel, name_of
from vedette.kql.binder.core import Binder
from vedette.kql.binder.scope import Scope
from vedette.kql.bound import Relation
from vedette.kql.operators.evaluate import EvaluateOperator
from vedette.kql.types import Type


@plugin(
    "narrow",
    about="A row for each value: the row's number, the column's name, the value as text.",
    page="narrow-plugin",
)
def narrow(binder: Binder, node: EvaluateOperator, input_: Relation | None, scope: Scope) -> Relation:
    """Rows are numbered from 0; values are written as tostring() writes them."""
    args = Arguments(binder, node, input_, scope, "", least=0)
    source = args.input.visible
    columns = (
        binder.column("Row", Type.LONG), binder.column("Column", Type.STRING), binder.column("Value", Type.STRING)
    )  # fmt: skip

    def write(compiler: Compiler, inputs: list[Rel]) -> str:
        rel = compiler.with_order(inputs[0])
        sql = compiler.sql
        row, label, value = (name_of(column) for column in columns)
        if not source:
            return f"SELECT CAST(NULL AS BIGINT) AS {row}, '' AS {label}, '' AS {value} WHERE false"
        pairs = [
            f"{{'n': {index}, 'k': {sql.quote(column.name)}, "
            f"'v': {sql.tostring(Fragment(name_of(column), column.type, column.type is not Type.STRING))}}}"
            for index, column in enumerate(source)
        ]
        where = f" WHERE {' AND '.join(rel.where)}" if rel.where else ""
        rows = (
            f"SELECT row_number() OVER (ORDER BY {rel.ordering()}) - 1 AS r, unnest([{', '.join(pairs)}]) AS p "
            f"FROM {rel.source}{where}"
        )
        return f"SELECT r AS {row}, p.k AS {label}, p.v AS {value} FROM ({rows}) ORDER BY r, p.n"

    return args.result(columns, write, order=columns[:1])
