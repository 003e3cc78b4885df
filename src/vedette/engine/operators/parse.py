"""parse and parse-where."""

from __future__ import annotations

from vedette.engine import regex
from vedette.engine.compiler import Compiler, lowers
from vedette.engine.fragment import Fragment
from vedette.engine.relations import Rel, name_of
from vedette.kql.binder.operators.parse import Parse
from vedette.kql.diagnostics import Diagnostic, KqlError
from vedette.kql.types import Type


@lowers(Parse)
def parse(compiler: Compiler, node: Parse) -> Rel:
    """One regular expression for all captures of a row."""
    fault = regex.fault(node.pattern)
    if fault is not None:
        raise KqlError("", [Diagnostic("KS140", fault, node.start, node.length)])
    rel = compiler.rel(node.input)
    compiler.emitter.over = rel.over()
    sql = compiler.sql
    text = compiler.emitter.emit(node.text)
    options = f", {sql.quote(node.flags)}" if node.flags else ""
    matched, groups = compiler.fresh(), compiler.fresh()
    pattern = sql.quote(node.pattern)
    names = ", ".join(f"'g{index}'" for index in range(len(node.captures)))
    first = [f"regexp_matches({text}, {pattern}{options}) AS {matched}"]
    if node.captures:
        first.append(f"regexp_extract({text}, {pattern}, [{names}]{options}) AS {groups}")
    listed = rel.extended(first, node.columns).wrapped()
    values: list[Fragment] = []
    for index, column in enumerate(node.captures):
        group = Fragment(f"{groups}.g{index}", Type.STRING, False)
        values.append(group if column.type is Type.STRING else sql.cast(group, column.type))
    good = matched
    if not node.relaxed:
        typed = [
            str(v) for v, c in zip(values, node.captures, strict=True) if c.type not in (Type.STRING, Type.DYNAMIC)
        ]
        good = " AND ".join([matched, *(f"({value}) IS NOT NULL" for value in typed)])
    items = []
    for value, column in zip(values, node.captures, strict=True):
        empty = "''" if column.type is Type.STRING else "NULL"
        items.append(f"CASE WHEN {good} THEN {value} ELSE {empty} END AS {name_of(column)}")
    if node.only:
        listed = listed.filtered(good)
    return listed.extended(items, node.columns) if items else listed
