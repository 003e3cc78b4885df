"""Syntax trees and diagnostics as short text, and the files of `trees/` that hold what is expected.

A file is a list of blocks with an empty line between them: the query, then `=> tree`, and a line `!! ...` for each
diagnostic (`CODE start+length message`). A block with diagnostics may leave out the tree.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path

from vedette.kql import syntax
from vedette.kql.diagnostics import Diagnostic
from vedette.kql.types import Type

_HIDDEN = frozenset({"start", "end", "op_start", "op_end"})


def compact(node: object) -> str:
    """The tree as text: expressions near to how they are written, everything else as `Class(field=value, ...)`."""
    if isinstance(node, list | tuple):
        return "[" + ", ".join(compact(item) for item in node) + "]"
    if isinstance(node, dict):
        return "{" + ", ".join(f"{key}: {compact(value)}" for key, value in node.items()) + "}"
    if isinstance(node, Type):
        return str(node)
    if not isinstance(node, syntax.Node):
        return repr(node)
    match node:
        case syntax.Name(name=name, bracketed=bracketed):
            return f"[{name!r}]" if bracketed else name or "<no name>"
        case syntax.Missing():
            return "<missing>"
        case syntax.Star():
            return "*"
        case syntax.Wildcard(pattern=pattern):
            return f"~{pattern}"
        case syntax.Literal(type=type_, value=value, hidden=hidden):
            return ("hidden " if hidden else "") + (repr(value) if type_ is Type.STRING else f"{type_}:{value!r}")
        case syntax.Unary(op=op, operand=operand):
            return f"({op} {compact(operand)})"
        case syntax.Binary(op=op, left=left, right=right):
            return f"({compact(left)} {op} {compact(right)})"
        case syntax.In(op=op, left=left, items=items):
            return f"({compact(left)} {op} {compact(items)})"
        case syntax.Between(left=left, low=low, high=high, negated=negated):
            word = "!between" if negated else "between"
            return f"({compact(left)} {word} {compact(low)} .. {compact(high)})"
        case syntax.Call(name=name, args=args):
            return f"{compact(name)}({', '.join(compact(argument) for argument in args)})"
        case syntax.DotCall(target=target, call=call):
            return f"{compact(target)}.{compact(call)}"
        case syntax.Member(target=target, name=name):
            return f"{compact(target)}.{compact(name)}"
        case syntax.Index(target=target, index=index):
            return f"{compact(target)}[{compact(index)}]"
        case syntax.Assignment(names=names, value=value, tuple_form=tuple_form):
            written = ", ".join(compact(one) for one in names)
            return f"({written}) = {compact(value)}" if tuple_form else f"{written} = {compact(value)}"
        case syntax.Ordered(value=value, descending=descending, nulls_first=nulls_first, natural=natural):
            words = [] if descending is None else ["desc" if descending else "asc"]
            words += ["natural"] if natural else []
            words += [] if nulls_first is None else ["nulls first" if nulls_first else "nulls last"]
            return " ".join([compact(value), *words])
        case syntax.ColumnDeclaration(name=name, type=type_):
            return f"{compact(name)}: {type_}"
        case syntax.OperatorParameter(name=name, value=value):
            return f"{name} = {compact(value)}"
        case syntax.Pipeline(source=source, operators=operators):
            head = [] if source is None else [compact(source)]
            return "<" + " | ".join([*head, *(compact(operator) for operator in operators)]) + ">"
        case syntax.ExpressionStatement(expression=expression):
            return compact(expression)
        case syntax.LetStatement(name=name, value=value):
            return f"let {compact(name)} = {compact(value)}"
        case syntax.Script(statements=statements):
            return "; ".join(compact(statement) for statement in statements)
    shown = []
    for one in dataclasses.fields(node):
        value = getattr(node, one.name)
        if one.name in _HIDDEN or value is None or value is False or value in ("", [], {}):
            continue
        shown.append(f"{one.name}={compact(value)}")
    return f"{type(node).__name__.removesuffix('Operator')}({', '.join(shown)})"


def finding(diagnostic: Diagnostic) -> str:
    """A diagnostic as a line of a file."""
    severity = "" if diagnostic.severity == "Error" else f"{diagnostic.severity}: "
    return f"{diagnostic.code} {diagnostic.start}+{diagnostic.length} {severity}{diagnostic.message}"


@dataclass
class Block:
    """A query and what is expected of it."""

    query: str
    tree: str | None = None
    findings: list[str] = field(default_factory=list)


def read(path: Path) -> list[Block]:
    """The blocks of a file."""
    blocks = []
    for part in path.read_text(encoding="utf-8").split("\n\n"):
        lines = [line for line in part.split("\n") if not line.startswith("## ")]
        query = "\n".join(line for line in lines if not line.startswith(("=> ", "!! "))).strip("\n")
        if not query:
            continue
        block = Block(query)
        for line in lines:
            if line.startswith("=> "):
                block.tree = line[3:]
            elif line.startswith("!! "):
                block.findings.append(line[3:])
        blocks.append(block)
    return blocks
