"""This side: the code path of `vedette check`, over the schemas and functions that Microsoft's side is given."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.oracle.microsoft import Answer, Finding
from vedette.engine.catalog import full_catalog
from vedette.engine.query import Check, check_text
from vedette.kql import syntax
from vedette.kql.diagnostics import utf16_span
from vedette.kql.host import Field, SavedFunction, TableSchema
from vedette.kql.parser import parse
from vedette.kql.types import TYPE_NAMES
from vedette.store.catalog import STANDARD

_MEANING = frozenset({"KS141", "KS173", "KS213"})
"""Codes that the parser reports here and Microsoft's binder there."""


def _load(path: Path) -> Any:
    return json.loads(gzip.decompress(path.read_bytes()))


class CorpusHost:
    """A workspace with the corpus' tables and functions."""

    name = "workspace"

    def __init__(self, corpus: Path) -> None:
        self._functions: dict[str, dict[str, Any]] = {f["name"]: f for f in _load(corpus / "functions.json.gz")}
        # what has the name of a function is what that function gave once, and no table
        known: dict[str, dict[str, str]] = _load(corpus / "schemas.json.gz")
        self._schemas = {name: columns for name, columns in known.items() if name not in self._functions}
        self._tables: dict[str, TableSchema] = {}
        self._literals: dict[str, SavedFunction | None] = {}

    def table(self, name: str) -> TableSchema | None:
        known = self._tables.get(name)
        if known is None and name in self._schemas:
            own = self._schemas[name]
            columns = [*((c, TYPE_NAMES[t]) for c, t in own.items())]
            columns += [(f.name, f.type) for f in STANDARD if f.name not in own]
            fields = tuple(Field(column, type_, column) for column, type_ in columns)
            known = self._tables[name] = TableSchema(name, fields, source=f'"{name}"')
        return known

    def table_names(self) -> Iterable[str]:
        return sorted(self._schemas)

    def function(self, name: str) -> SavedFunction | None:
        if name not in self._literals:
            self._literals[name] = self._parsed(name)
        return self._literals[name]

    def _parsed(self, name: str) -> SavedFunction | None:
        found = self._functions.get(name)
        if found is None or not (found.get("body") or found.get("columns")):
            return None
        # of some only columns are known, and a bag that nothing is known of stands for the others
        declared = ", ".join(f"['{name}']: {type_}" for name, type_ in (found.get("columns") or {}).items())
        body = found.get("body") or f"datatable({declared}, ['$others']: dynamic)[] | evaluate bag_unpack(['$others'])"
        text = f"let f = {found.get('params') or '()'} {{ {body}\n}};"
        script, faults = parse(text)
        statement = script.statements[0] if script.statements and not faults else None
        value = statement.value if isinstance(statement, syntax.LetStatement) else None
        return SavedFunction(name, value, text) if isinstance(value, syntax.FunctionLiteral) else None

    def workspace(self, name: str) -> None:
        return None


def check(text: str, host: CorpusHost) -> Answer:
    """What `vedette check` says of a text; places in UTF-16 units."""
    found: Check = check_text(text, full_catalog(), host)
    syntax_faults = set(parse(text)[1])
    findings = [
        Finding(
            d.code, utf16_span(text, d.start, d.length)[0], d.message, d in syntax_faults and d.code not in _MEANING
        )
        for d in found.diagnostics
        if d.severity == "Error"
    ]
    findings.sort(key=lambda f: f.start)
    columns = found.columns
    return Answer(tuple(findings), None if columns is None else tuple((c.name, c.type.value) for c in columns))
