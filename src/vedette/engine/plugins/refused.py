"""Plugins that call out of the engine: known by name, and refused when a query with one would run.

Their results are bound as declared, so that a query can be checked and moved to where it may run.
"""

from __future__ import annotations

from functools import partial

from vedette.engine.catalog import plugin
from vedette.engine.compiler import Compiler, lowers
from vedette.engine.relations import Rel
from vedette.kql import syntax
from vedette.kql.binder.core import Binder
from vedette.kql.binder.naming import Names, carried_name
from vedette.kql.binder.scope import Scope
from vedette.kql.bound import Column, Relation
from vedette.kql.diagnostics import Diagnostic, KqlError
from vedette.kql.node import node
from vedette.kql.operators.evaluate import EvaluateOperator
from vedette.kql.types import Type

_SERVICE = "it would call a service outside, and queries reach no other host"
_CODE = "it would run code of the query's text, and queries run no code but KQL"
_FILES = "it would read files of another host, and queries reach no other host"
_REASONS = {
    "python": _CODE, "r": _CODE, "csharp": _CODE,
    "http_request": _SERVICE, "http_request_post": _SERVICE, "cosmosdb_sql_request": _SERVICE,
    "mysql_request": _SERVICE, "postgresql_request": _SERVICE, "sql_request": _SERVICE, "dax_request": _SERVICE,
    "azure_digital_twins_query_request": _SERVICE, "execute_query": _SERVICE, "execute_show_command": _SERVICE,
    "ai_embeddings": _SERVICE, "ai_embed_text": _SERVICE, "ai_chat_completion": _SERVICE,
    "ai_chat_completion_prompt": _SERVICE,
    "infer_storage_schema": _FILES, "infer_storage_schema_with_suggestions": _FILES, "external_datatable": _FILES,
}  # fmt: skip
_COLUMNS = {
    "http_request": (("ResponseHeaders", Type.DYNAMIC), ("ResponseBody", Type.DYNAMIC)),
    "http_request_post": (("ResponseHeaders", Type.DYNAMIC), ("ResponseBody", Type.DYNAMIC)),
    "infer_storage_schema": (("CslSchema", Type.STRING),),
    "infer_storage_schema_with_suggestions": (("CslSchema", Type.STRING),),
}
_APPENDED = {
    "ai_embeddings": "embeddings", "ai_embed_text": "embeddings", "ai_chat_completion": "completion",
    "ai_chat_completion_prompt": "completion",
}  # fmt: skip


@node
class Refused(Relation):
    """What a plugin would give that does not run here."""

    name: str
    reason: str
    start: int
    end: int


@lowers(Refused)
def refused(_compiler: Compiler, node: Refused) -> Rel:
    """Refuses the query by the plugin's name."""
    message = f"the plugin '{node.name}' is not supported: {node.reason}"
    raise KqlError("", [Diagnostic("VDT1001", message, node.start, max(1, node.end - node.start))])


def _bind(reason: str, binder: Binder, node: EvaluateOperator, input_: Relation | None, scope: Scope) -> Relation:
    call = node.call
    name = call.name.name
    args = [arg.value if isinstance(arg, syntax.Assignment) else arg for arg in call.args]
    columns: list[Column] = []
    declared = next((arg for arg in args if isinstance(arg, syntax.TypeOf)), None)
    if declared is not None:
        if declared.include_input and input_ is not None:
            columns += binder.renewed(input_.visible)
        taken = {column.name: place for place, column in enumerate(columns)}
        for declaration in declared.columns:
            column = binder.column(declaration.name.name, declaration.type)
            if column.name in taken:
                columns[taken[column.name]] = column
            else:
                columns.append(column)
    elif name in _APPENDED:
        columns += binder.renewed(input_.visible) if input_ is not None else ()
        kind = Type.DYNAMIC if _APPENDED[name] == "embeddings" else Type.STRING
        own = carried_name(args[0], binder.catalog) if args else None
        label = Names([column.name for column in columns]).implied(f"{own or ''}_{_APPENDED[name]}")
        columns.append(binder.column(label, kind))
    else:
        columns += [binder.column(label, kind) for label, kind in _COLUMNS.get(name, ())]
    known = declared is not None or name in _APPENDED or name in _COLUMNS
    return Refused(tuple(columns), name, reason, call.start, call.end, open=not known)


for _name, _reason in _REASONS.items():
    plugin(_name, about=f"Refused: {_reason}.", page=f"{_name.replace('_', '-')}-plugin")(partial(_bind, _reason))
