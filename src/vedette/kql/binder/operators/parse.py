"""parse and parse-where: columns out of a text by a pattern (rule 98)."""

from __future__ import annotations

import re

from vedette.kql import syntax
from vedette.kql.binder.core import Binder
from vedette.kql.binder.expressions import Expressions
from vedette.kql.binder.scope import Row, Scope
from vedette.kql.bound import Cast, Column, Expr, Relation
from vedette.kql.node import node
from vedette.kql.operators.binding import binds
from vedette.kql.operators.parse import ParseOperator
from vedette.kql.operators.parse_where import ParseWhereOperator
from vedette.kql.types import Type


@node
class Parse(Relation):
    """The input with the captures of a pattern; with `only` just the rows that match."""

    input: Relation
    text: Expr
    pattern: str
    """A regular expression with one group for each captured column."""
    flags: str
    captures: list[Column]
    relaxed: bool
    only: bool
    start: int
    """Where the operator stands in the text, and how long it is: its pattern is known to be right only by the engine."""
    length: int


_FLAGS = "imsU"
"""What `flags=` may hold."""

_TYPED = {
    Type.LONG: r"[ \t]*[-+]?\d+", Type.INT: r"[ \t]*[-+]?\d+", Type.REAL: r"[ \t]*[-+]?[\d.]+(?:[eE][-+]?\d+)?",
    Type.DECIMAL: r"[ \t]*[-+]?[\d.]+", Type.DATETIME: r"[ \t]*\d[\d/:. T+-]*Z?",
}  # fmt: skip
"""What a value of a type looks like where no text after it says how far it goes."""


@binds(ParseOperator)
def bind_parse(binder: Binder, node: ParseOperator, input_: Relation, scope: Scope) -> Relation:
    """Binds `parse`: rows that do not match keep empty columns."""
    return _bind(binder, node, input_, scope, only=False)


@binds(ParseWhereOperator)
def bind_parse_where(binder: Binder, node: ParseWhereOperator, input_: Relation, scope: Scope) -> Relation:
    """Binds `parse-where`: rows that do not match go."""
    return _bind(binder, node, input_, scope, only=True)


def _bind(
    binder: Binder, node: ParseOperator | ParseWhereOperator, input_: Relation, scope: Scope, *, only: bool
) -> Relation:
    at = Expressions(binder, scope, Row.of(input_), serialized=input_.serialized)
    text = at.bind(node.value)
    if text.type is Type.DYNAMIC:
        text = Cast(Type.STRING, text)
    if text.type not in (Type.STRING, Type.UNKNOWN):
        raise binder.stop("KS107", f"parse needs a string, not {text.type}", node.value)
    regex = node.kind == "regex"
    flags = node.flags
    wrong = sorted(set(flags) - set(_FLAGS))
    if wrong:
        raise binder.stop("KS139", f"'{wrong[0]}' is not a flag of parse; flags are {', '.join(_FLAGS)}", node)
    pattern, captures = _pattern(binder, node.pattern, scope, regex=regex, ungreedy="U" in flags)
    new = {column.name: column for column in captures}
    kept = [column if column.hidden else new.pop(column.name, column) for column in input_.columns]
    options = (
        "".join(sorted({"s", *(flag for flag in flags if flag in "ims")}))
        if not regex
        else flags.replace("U", "").replace("m", "")
    )
    if regex and "m" in flags:
        # the engine's own option of that letter is another one
        pattern = f"(?m){pattern}"
    return Parse(
        (*kept, *new.values()), input_, text, pattern, options, captures, node.kind == "relaxed", only,
        start=node.start, length=node.end - node.start, serialized=input_.serialized, open=input_.open,
    )  # fmt: skip


def _pattern(
    binder: Binder, items: list[syntax.Node], scope: Scope, *, regex: bool, ungreedy: bool
) -> tuple[str, list[Column]]:
    parts: list[str] = [] if regex else ["^"]
    captures: list[Column] = []
    names: set[str] = set()
    for place, item in enumerate(items):
        last = place == len(items) - 1
        match item:
            case syntax.Star():
                # flags=U swaps what is greedy and what is not
                parts.append(".*" if last != ungreedy else ".*?")
            case syntax.Literal():
                literal = str(item.value)
                parts.append(_without_groups(literal) if regex else re.escape(literal))
            case syntax.ColumnDeclaration():
                if item.name.name in names:
                    raise binder.stop("KS110", f"The column '{item.name.name}' is named twice", item)
                names.add(item.name.name)
                if regex and place and isinstance(items[place - 1], syntax.ColumnDeclaration):
                    message = (
                        f"Nothing tells where the column before '{item.name.name}' ends; put a text or * between them"
                    )
                    raise binder.stop("VDT1011", message, item)
                captures.append(binder.column(item.name.name, item.type))
                greedy = (last or (regex and item.type is Type.STRING)) and not ungreedy
                # a value that is none of its type still has a place, so that only it is blank in the relaxed form
                typed = _TYPED.get(item.type)
                free = regex or (not last and isinstance(items[place + 1], syntax.Star))
                known = f"{typed}|" if typed is not None and free and not last else ""
                parts.append(f"({known}{'.*' if greedy else '.*?'})")
            case syntax.Expression():
                value = binder.constant(binder.scalar(item, scope), item)
                parts.append(_without_groups(str(value)) if regex else re.escape(str(value)))
    if not regex:
        parts.append("$")
    return "".join(parts), captures


def _without_groups(pattern: str) -> str:
    """A regular expression whose own groups capture nothing, so that only columns do."""
    return re.sub(r"(?<!\\)((?:\\\\)*)\((?!\?)", r"\1(?:", pattern)
