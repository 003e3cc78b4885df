"""`scan`: matches sequences of rows against steps, with state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.kql.cursor import LIST_ENDS
from vedette.kql.node import node
from vedette.kql.syntax import Assignment, Expression, Name, Node, Operator, Ordered, Parameter

if TYPE_CHECKING:
    from vedette.kql.parser import Parser

SCAN_KINDS = ("partial", "full")
STEP_OUTPUTS = ("all", "last", "none")
_CLAUSES = LIST_ENDS | {"partition", "order", "by", "declare", "with"}


@node
class ScanStep(Node):
    """`step name optional output = all|last|none : condition => column = value, ...;`."""

    name: Name
    optional: bool
    output: str
    """One of `STEP_OUTPUTS`; `all` where the text does not say."""
    condition: Expression
    assignments: list[Assignment]


@node
class ScanOperator(Operator):
    """`scan with_match_id = name order by key partition by key declare (column: type = default) with (steps)`."""

    kind: str
    """`""`, `partial` or `full`."""
    match_id: Name | None
    """The column that numbers the matches."""
    order: list[Ordered]
    partition: list[Expression]
    columns: list[Parameter]
    """What the steps assign: name, type and the value before any assignment."""
    steps: list[ScanStep]


def parse_scan(p: Parser, start: int) -> ScanOperator:
    """After the keyword."""
    parameters = p.parameters(("kind", "with_match_id"))
    kind = p.choice(parameters.get("kind"), "kind of scan", SCAN_KINDS, "")
    match_id = p.declared_name(parameters.get("with_match_id"))
    order: list[Ordered] = []
    partition: list[Expression] = []
    columns: list[Parameter] = []
    steps: list[ScanStep] = []
    if p.take("order") and p.expect("by"):
        order = p.comma_list(p.ordered, p.missing_ordered, _CLAUSES)
    if p.take("partition") and p.expect("by"):
        partition = p.comma_list(p.expression, p.missing_expression, _CLAUSES)
    if p.take("declare") and p.expect("("):
        columns = p.comma_list(p.parameter, p.missing_parameter, required=False)
        p.close(")")
    if p.expect("with") and p.expect("("):
        while p.kind == "step":
            steps.append(_step(p))
        if not steps:
            p.expected("step")
            p.skip()
        p.close(")")
    return ScanOperator(kind, match_id, order, partition, columns, steps, start=start, end=p.last_end)


def _step(p: Parser) -> ScanStep:
    start = p.start
    p.i += 1
    name = p.wide_name() or p.missing_name()
    optional = p.take("optional")
    output = "all"
    if p.take("output") and p.expect("="):
        if p.word() in STEP_OUTPUTS:
            output = p.word()
        else:
            p.unknown_word("output of a step", p.word(), STEP_OUTPUTS, p.start, p.ends[p.i])
        p.i += p.kind not in LIST_ENDS
    p.expect(":")
    condition = p.expression() or p.missing_expression()
    assignments: list[Assignment] = []
    if p.take("=>"):
        assignments = p.comma_list(lambda: _assignment(p), lambda: _missing_assignment(p))
    if not p.take(";"):
        p.expected(";")
        p.skip()
        p.take(";")
    return ScanStep(name, optional, output, condition, assignments, start=start, end=p.last_end)


def _assignment(p: Parser) -> Assignment | None:
    name = p.wide_name()
    if name is None:
        return None
    p.expect("=")
    value = p.expression() or p.missing_expression()
    return Assignment([name], value, start=name.start, end=value.end)


def _missing_assignment(p: Parser) -> Assignment:
    gap = p.missing("assignment (column = value)")
    return Assignment([Name("", start=gap.start, end=gap.end)], gap, start=gap.start, end=gap.end)
