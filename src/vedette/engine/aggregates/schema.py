"""buildschema: the least schema that admits all dynamic values of a group."""

from __future__ import annotations

from dataclasses import dataclass, field

from vedette.engine.aggregates.collections import all_of
from vedette.engine.catalog import aggregate
from vedette.engine.dialect import DuckDbSql
from vedette.engine.fragment import Fragment
from vedette.kql.types import Type

_INDEXER = "`indexer`"
"""The key under which the schema of an array's elements stands."""


@dataclass
class _Schema:
    kinds: dict[str, None] = field(default_factory=dict)
    properties: dict[str, _Schema] = field(default_factory=dict)

    def take(self, value: object) -> None:
        """Widens the schema so that it admits a value."""
        match value:
            case None:
                return
            case dict():
                self.kinds["object"] = None
                for key, inner in value.items():
                    self.properties.setdefault(key, _Schema()).take(inner)
            case list():
                self.kinds["object"] = None
                elements = self.properties.setdefault(_INDEXER, _Schema())
                for inner in value:
                    elements.take(inner)
            case bool():
                self.kinds["bool"] = None
            case int():
                self.kinds["long"] = None
            case float():
                self.kinds["double"] = None
            case _:
                self.kinds["string"] = None

    def shown(self) -> object:
        """The schema as a dynamic value: a type's name, a bag of properties, or an array where it may be several."""
        forms: list[object] = [
            {key: inner.shown() for key, inner in self.properties.items()} if kind == "object" else kind
            for kind in self.kinds
        ]
        return forms[0] if len(forms) == 1 else forms


def schema_of(values: object) -> object:
    """The schema of an array's elements."""
    schema = _Schema()
    for value in values if isinstance(values, list) else ():
        schema.take(value)
    return schema.shown()


@aggregate(
    "buildschema(expr: bag): dynamic", about="The least schema that admits all values.", names="prefix:schema",
    page="buildschema-aggregation-function",
)  # fmt: skip
def buildschema(sql: DuckDbSql, value: Fragment) -> str:
    return sql.row("buildschema", schema_of, Type.DYNAMIC, all_of(sql, value))
