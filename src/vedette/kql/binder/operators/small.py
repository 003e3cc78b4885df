"""serialize, as, getschema: operators that change little or nothing of the rows."""

from __future__ import annotations

from vedette.kql.binder.core import Binder
from vedette.kql.binder.expressions import Expressions
from vedette.kql.binder.operators.items import bind_items
from vedette.kql.binder.operators.project import Project, extension
from vedette.kql.binder.scope import Row, Scope, TableValue
from vedette.kql.bound import Constant, Expr, Relation, Values
from vedette.kql.operators.as_name import AsOperator
from vedette.kql.operators.binding import binds
from vedette.kql.operators.getschema import GetSchemaOperator
from vedette.kql.operators.serialize import SerializeOperator
from vedette.kql.types import Type

_DOTNET = {
    Type.BOOL: "System.SByte", Type.INT: "System.Int32", Type.LONG: "System.Int64", Type.REAL: "System.Double",
    Type.DECIMAL: "System.Data.SqlTypes.SqlDecimal", Type.STRING: "System.String", Type.DATETIME: "System.DateTime",
    Type.TIMESPAN: "System.TimeSpan", Type.GUID: "System.Guid", Type.DYNAMIC: "System.Object",
    Type.UNKNOWN: "System.Object",
}  # fmt: skip


@binds(SerializeOperator)
def bind_serialize(binder: Binder, node: SerializeOperator, input_: Relation, scope: Scope) -> Relation:
    """Binds `serialize`: the rows keep the order that they have; window functions may be used."""
    marked = Project(input_.columns, input_, [], True, serialized=True, open=input_.open)
    if not node.columns:
        return marked
    at = Expressions(binder, scope, Row.of(marked), serialized=True)
    items = bind_items(at, list(node.columns))
    pairs = [(item.name or f"Column{index + 1}", item.value) for index, item in enumerate(items)]
    return extension(binder, marked, pairs)


@binds(AsOperator)
def bind_as(binder: Binder, node: AsOperator, input_: Relation, scope: Scope) -> Relation:
    """Binds `as`: the rows have a name for the rest of the statement (rule 102)."""
    named = TableValue(input_)
    input_.label = node.name.name
    scope.names[node.name.name] = named
    return binder.use(input_, once=True)


@binds(GetSchemaOperator)
def bind_getschema(binder: Binder, node: GetSchemaOperator, input_: Relation, _scope: Scope) -> Relation:
    """Binds `getschema`: a row for each column (rule 79)."""
    columns = (
        binder.column("ColumnName", Type.STRING),
        binder.column("ColumnOrdinal", Type.LONG),
        binder.column("DataType", Type.STRING),
        binder.column("ColumnType", Type.STRING),
    )
    rows: list[list[Expr]] = [
        [
            Constant(Type.STRING, column.name),
            Constant(Type.LONG, ordinal),
            Constant(Type.STRING, _DOTNET[column.type]),
            Constant(Type.STRING, column.type.value),
        ]
        for ordinal, column in enumerate(input_.visible)
    ]
    return Values(columns, rows, serialized=True)
