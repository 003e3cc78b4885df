"""`find`: rows of several tables that meet a condition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.node import node
from vedette.kql.syntax import ColumnDeclaration, Expression, Name, Operator

if TYPE_CHECKING:
    from vedette.kql.parser import Parser


@node
class FindOperator(Operator):
    """`find withsource = name in (tables) where predicate project column: type, ..., pack(*)`."""

    source_column: Name | None
    """The column that holds the table's name; `source_` where the text gives none."""
    tables: list[Expression] | None
    """As in `UnionOperator`; None: every table."""
    predicate: Expression
    columns: list[Expression | ColumnDeclaration] | None
    """`Name`, `ColumnDeclaration` (with a type) or `Star`; None: chosen by the predicate (also `project-smart`)."""
    pack: bool
    """`pack(*)` or `pack_all()`: the columns that are not projected, as a bag in `pack_`."""


def parse_find(p: Parser, start: int) -> FindOperator:
    """After the keyword."""
    p.data_scope()
    parameters = p.parameters(("withsource", "with_source"))
    source_column = p.declared_name(parameters.get("withsource", "with_source"))
    tables = p.tables_clause()
    if parameters or tables is not None:
        p.expect("where")
    else:
        p.take("where")
    predicate = p.expression() or p.missing_expression()
    columns: list[Expression | ColumnDeclaration] | None = None
    pack = False
    if p.take("project"):
        columns = []
        while True:
            if p.word() in ("pack", "pack_all") and p.peek() == "(":
                everything = p.word() == "pack"
                p.i += 2
                if everything:
                    p.expect("*")
                p.close(")")
                pack = True
            else:
                columns.append(_column(p) or p.missing_expression())
            if not p.take(","):
                break
            if pack:
                p.report("KS185", "pack(*) must stand last", p.starts[p.i - 1], p.last_end)
    else:
        p.take("project-smart")
    return FindOperator(source_column, tables, predicate, columns, pack, start=start, end=p.last_end)


def _column(p: Parser) -> Expression | ColumnDeclaration | None:
    everything = p.star()
    if everything is not None:
        return everything
    start = p.start
    name = p.name()
    if name is None or not p.take(":"):
        return name
    return ColumnDeclaration(name, p.type_name(old=True), start=start, end=p.last_end)
