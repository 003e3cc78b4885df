"""Which KQL a transformation may use: what takes one row and gives at most one, as Azure Monitor has it.

The lists are those of "Supported KQL features in Azure Monitor transformations"
(learn.microsoft.com/azure/azure-monitor/data-collection/data-collection-transformations-kql), with the functions that Azure's own
samples of transformations use besides (`iff`, `not`, `replace`, `replace_string`), and with `lookup` in watchlists and tables
written in the text, which enrich.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from typing import Final

from vedette.kql import syntax
from vedette.kql.diagnostics import Diagnostic
from vedette.kql.operators.extend import ExtendOperator
from vedette.kql.operators.lookup import LookupOperator
from vedette.kql.operators.parse import ParseOperator
from vedette.kql.operators.print import PrintOperator
from vedette.kql.operators.project import ProjectOperator
from vedette.kql.operators.project_away import ProjectAwayOperator
from vedette.kql.operators.project_rename import ProjectRenameOperator
from vedette.kql.operators.where import WhereOperator
from vedette.kql.types import Type

SOURCE: Final = "source"
"""The table of the rows that come in."""
UNSUPPORTED: Final = "VDT0640"
"""The code of what KQL has and a transformation may not use."""
MAX_PARSED: Final = 10
"""Columns that one `parse` may take."""

_OPERATORS: Final = (
    ExtendOperator, LookupOperator, ParseOperator, PrintOperator, ProjectOperator, ProjectAwayOperator,
    ProjectRenameOperator, WhereOperator,
)  # fmt: skip
OPERATORS: Final = (
    "extend", "lookup", "parse", "print", "project", "project-away", "project-rename", "where",
)  # fmt: skip
"""The tabular operators."""
_COMPARISONS: Final = ("", "!")
_TEXT: Final = ("contains", "has", "startswith", "endswith")
SCALAR_OPERATORS: Final = frozenset(
    {
        "+", "-", "*", "/", "%", "<", ">", "==", "!=", "<=", ">=", "=~", "!~", "and", "or", "in", "!in", "matches regex",
        *(f"{no}{word}{case}" for no in _COMPARISONS for word in _TEXT for case in ("", "_cs")),
    }
)  # fmt: skip
FUNCTIONS: Final = frozenset(
    """
    binary_and binary_or binary_not binary_shift_left binary_shift_right binary_xor
    tobool todatetime todouble toreal toguid toint tolong tostring totimespan
    ago datetime_add datetime_diff datetime_part dayofmonth dayofweek dayofyear endofday endofmonth endofweek endofyear getmonth
    getyear hourofday make_datetime make_timespan now startofday startofmonth startofweek startofyear weekofyear
    array_concat array_length pack_array pack parse_json parse_xml zip
    abs bin floor ceiling exp exp10 exp2 isfinite isinf isnan log log10 log2 pow round sign
    case iif iff max_of min_of not
    base64_encodestring base64_decodestring countof extract extract_all indexof isempty isnotempty split strcat strcat_delim
    strlen substring tolower toupper hash_sha256 replace replace_string
    gettype isnotnull isnull columnifexists column_ifexists
    geo_location geo_info_from_ip_address asn_info_from_ip_address parse_cef_dictionary _GetWatchlist
    """.split()
)
"""The functions."""

_WORD: Final = re.compile(r"[A-Za-z][\w-]*")
_STATEMENTS: Final[dict[type[syntax.Statement], str]] = {
    syntax.SetStatement: "set",
    syntax.AliasStatement: "alias",
    syntax.RestrictStatement: "restrict access",
    syntax.QueryParametersStatement: "declare query_parameters",
    syntax.PatternStatement: "declare pattern",
}


def refusals(text: str, script: syntax.Script) -> list[Diagnostic]:
    """What a text has that a transformation may not use, in the order of the text; each with its name and place."""
    return sorted(_Check(text, script).found, key=lambda one: one.start)


def keeps_all(script: syntax.Script) -> bool:
    """Whether a row keeps the fields that nothing names: no `project` chooses among them."""
    return not any(isinstance(node, ProjectOperator) for node in _nodes(_last(script)))


def is_printed(script: syntax.Script) -> bool:
    """Whether the rows are made by `print`, one for each that comes in, and not out of `source`."""
    last = _last(script)
    return (
        isinstance(last, syntax.Pipeline)
        and last.source is None
        and bool(last.operators)
        and isinstance(last.operators[0], PrintOperator)
    )


def _last(script: syntax.Script) -> syntax.Node:
    found = [one.expression for one in script.statements if isinstance(one, syntax.ExpressionStatement)]
    return found[-1] if found else script


class _Check:
    def __init__(self, text: str, script: syntax.Script) -> None:
        self.text = text
        self.found: list[Diagnostic] = []
        self._own = {one.name.name for one in script.statements if isinstance(one, syntax.LetStatement)}
        queries = 0
        for statement in script.statements:
            name = _STATEMENTS.get(type(statement))
            if name is not None:
                self._refuse(statement, f"the statement '{name}'")
                continue
            if isinstance(statement, syntax.ExpressionStatement):
                queries += 1
                if queries > 1:
                    self._say(statement, "A transformation is one query; what stands here is another one")
            for node in _nodes(statement):
                self._look(node)

    def _look(self, node: syntax.Node) -> None:
        if isinstance(node, syntax.Operator):
            self._operator(node)
        elif isinstance(node, syntax.Call):
            if node.name.name not in FUNCTIONS and node.name.name not in self._own:
                self._refuse(node.name, f"the function '{node.name.name}'")
        elif isinstance(node, syntax.DotCall):
            self._refuse(node, f"'{node.call.name.name}', which leads to another table,")
        elif isinstance(node, syntax.Binary | syntax.In):
            if node.op not in SCALAR_OPERATORS:
                self._say_at(node.op_start, node.op_end, _unsupported(f"the operator '{node.op}'"))
        elif isinstance(node, syntax.Between):
            name = "!between" if node.negated else "between"
            said = _unsupported(f"the operator '{name}'")
            at = self.text.find(name, node.left.end)
            self._say_at(at, at + len(name), f"{said}; compare with >= and <=")
        elif isinstance(node, syntax.ExternalData):
            self._refuse(node, "'externaldata'")
        elif isinstance(node, syntax.Literal) and node.type is Type.DYNAMIC:
            self._say(node, f"{_unsupported('a literal of type dynamic')}; write parse_json('...')")
        elif isinstance(node, syntax.Parameter) and node.tabular:
            self._refuse(node, f"the tabular parameter '{node.name.name}'")
        elif isinstance(node, syntax.FunctionLiteral) and node.view:
            self._refuse(node, "'view'")

    def _operator(self, node: syntax.Operator) -> None:
        if not isinstance(node, _OPERATORS):
            word = _WORD.match(self.text, node.start)
            name = word[0] if word else type(node).__name__
            many = f"the operator '{name}'"
            self._say_at(node.start, node.start + len(name), f"{_unsupported(many)}; there are {', '.join(OPERATORS)}")
        elif isinstance(node, ParseOperator):
            taken = [one for one in node.pattern if isinstance(one, syntax.ColumnDeclaration)]
            if len(taken) > MAX_PARSED:
                self._say(
                    taken[MAX_PARSED],
                    f"'parse' may take {MAX_PARSED} columns in a transformation, and this one takes {len(taken)}; "
                    "write several of them",
                )

    def _refuse(self, node: syntax.Node, what: str) -> None:
        self._say(node, _unsupported(what))

    def _say(self, node: syntax.Node, message: str) -> None:
        self._say_at(node.start, node.end, message)

    def _say_at(self, start: int, end: int, message: str) -> None:
        sentence = message[0].upper() + message[1:]
        self.found.append(Diagnostic(UNSUPPORTED, sentence, start, max(1, end - start)))


def _unsupported(what: str) -> str:
    return f"{what} is not supported in a transformation"


def _nodes(root: object) -> Iterator[syntax.Node]:
    """A node and all within it."""
    waiting: list[object] = [root]
    while waiting:
        value = waiting.pop()
        if isinstance(value, syntax.Node):
            yield value
            waiting += [getattr(value, each.name) for each in fields(value)]
        elif isinstance(value, list | tuple):
            waiting += value
        elif isinstance(value, dict):
            waiting += value.values()
