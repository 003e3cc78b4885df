"""What the binder asks of the data: a statement each, run like the query itself (`kql.host.Evaluator`)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, Final

from vedette.engine.compiler import Compiled, Compiler
from vedette.engine.fragment import Fragment
from vedette.engine.relations import name_of
from vedette.engine.rowfunctions import parse_json
from vedette.kql.bound import Column, Expr, Relation
from vedette.kql.types import Type

_JSON_TYPES: Final = {
    "BIGINT": Type.LONG, "UBIGINT": Type.LONG, "DOUBLE": Type.REAL, "VARCHAR": Type.STRING, "BOOLEAN": Type.BOOL,
}  # fmt: skip


class Answers(ABC):
    """Answers of one run, which says how statements are compiled and run."""

    @abstractmethod
    def compiler(self) -> Compiler:
        """A compiler for a statement of this run."""

    @abstractmethod
    def fetch(self, compiled: Compiled) -> list[tuple[Any, ...]]:
        """The rows of a statement as Python values."""

    def constant(self, expression: Expr) -> object:
        """The value of an expression that no column feeds."""
        compiler = self.compiler()
        fragment = compiler.emitter.emit(expression)
        value = self.fetch(compiler.finished(f"SELECT {fragment} AS v"))[0][0]
        if value is not None and expression.type is Type.DYNAMIC:
            return parse_json(str(value))
        if value is not None and expression.type is Type.GUID:
            return str(value)
        return value

    def values(self, relation: Relation, column: Column, most: int) -> list[object] | None:
        """The distinct values of a column; None where there are more than `most`."""
        compiler = self.compiler()
        rel = compiler.rel(relation).wrapped()
        where = " WHERE " + " AND ".join(rel.where) if rel.where else ""
        text = f"SELECT DISTINCT {name_of(column)} AS v FROM {rel.source}{where} LIMIT {most + 1}"
        found = [row[0] for row in self.fetch(compiler.finished(text))]
        return None if len(found) > most else [str(v) if column.type is Type.GUID and v else v for v in found]

    def keys(self, relation: Relation, column: Column) -> list[tuple[str, Type]]:
        """The keys in a column of bags, each with the type that its values share (mixed: dynamic)."""
        compiler = self.compiler()
        rel = compiler.rel(relation).wrapped()
        bag = name_of(column)
        where = [*rel.where, f"json_type({bag}) = 'OBJECT'"]
        inner = f"SELECT {bag} AS bag, unnest(json_keys({bag})) AS k FROM {rel.source} WHERE {' AND '.join(where)}"
        pointer = "'/' || replace(replace(k, '~', '~0'), '/', '~1')"
        text = f"SELECT k, list(DISTINCT json_type(bag, {pointer})) FROM ({inner}) GROUP BY k ORDER BY k"
        return [(str(name), _shared_type(kinds)) for name, kinds in self.fetch(compiler.finished(text))]

    def distinct(self, relation: Relation, column: Column) -> list[str]:
        """The distinct values of a column as text, in order."""
        compiler = self.compiler()
        rel = compiler.rel(relation).wrapped()
        value = compiler.sql.tostring(Fragment(name_of(column), column.type, column.type is not Type.STRING))
        text = f"SELECT DISTINCT {value} AS v FROM {rel.source}"
        if rel.where:
            text += " WHERE " + " AND ".join(rel.where)
        return [str(row[0]) for row in self.fetch(compiler.finished(text + " ORDER BY v"))]


def _shared_type(kinds: Iterable[str | None]) -> Type:
    found = {_JSON_TYPES.get(kind, Type.DYNAMIC) for kind in kinds if kind and kind != "NULL"}
    if found == {Type.LONG, Type.REAL}:
        return Type.REAL
    return found.pop() if len(found) == 1 else Type.DYNAMIC
