"""The syntax tree: what the parser makes of a query's text, positions kept.

`start` and `end` are 0-based character offsets into the text (`end` is exclusive). Nodes of tabular
operators live beside their parser in `kql/operators/`; they derive from `Operator`.
"""

from __future__ import annotations

from dataclasses import field

from vedette.kql.node import alike, node, shown
from vedette.kql.types import Type


@node
class Node:
    """A piece of the text with its place."""

    start: int = field(default=0, kw_only=True)
    end: int = field(default=0, kw_only=True)

    __repr__ = shown
    __eq__ = alike
    __hash__ = None  # type: ignore[assignment]


@node
class Expression(Node):
    """Anything that stands where a value, a table or an argument may stand."""


@node
class Operator(Node):
    """A tabular operator after a pipe, or at the head of a pipeline (print, range, union ...)."""


@node
class Statement(Node):
    """One of the parts of a query that semicolons separate."""


# --- expressions ---------------------------------------------------------------------------------


@node
class Name(Expression):
    """A bare or bracketed name: column, variable, table, or function without parentheses."""

    name: str
    bracketed: bool = False


@node
class Wildcard(Expression):
    """A name pattern such as `Device*`; `*` alone is `Star`."""

    pattern: str


@node
class Star(Expression):
    """`*`: every column (or every table)."""


@node
class Literal(Expression):
    """A constant.

    `value` by type: bool; int for int and long; float for real; decimal.Decimal for decimal; str for
    string and guid (lower case, dashed); int (100 ns ticks, datetimes since 0001-01-01) for datetime
    and timespan; plain JSON values for dynamic (a datetime inside is ISO text, a timespan its ticks).
    None is the type's null; a string is never None.
    """

    type: Type
    value: object
    hidden: bool = False
    """True for `h"..."`: shown as `******` wherever the query text is shown or logged."""


@node
class Member(Expression):
    """`target.name`: a property of a dynamic value, or a table of a `workspace()` / `database()`."""

    target: Expression
    name: Name


@node
class Index(Expression):
    """`target[index]`."""

    target: Expression
    index: Expression


@node
class Call(Expression):
    """`name(args)`; `args` may hold `Assignment` (named argument), `Star` and `Pipeline` nodes."""

    name: Name
    args: list[Expression]

    @property
    def unnamed(self) -> Call:
        """The call without the names of its arguments, which most functions of the language take by place."""
        if not any(isinstance(arg, Assignment) for arg in self.args):
            return self
        args = [arg.value if isinstance(arg, Assignment) and not arg.tuple_form else arg for arg in self.args]
        return Call(self.name, args, start=self.start, end=self.end)


@node
class DotCall(Expression):
    """`target.name(args)`, as in `cluster('x').database('y').F(1)`."""

    target: Expression
    call: Call


@node
class Unary(Expression):
    """`-x` or `+x`."""

    op: str
    operand: Expression


@node
class Binary(Expression):
    """`left op right`.

    `op` is one of: or and == != < <= > >= =~ !~ + - * / % has !has has_cs !has_cs hasprefix
    !hasprefix hasprefix_cs !hasprefix_cs hassuffix !hassuffix hassuffix_cs !hassuffix_cs contains
    !contains contains_cs !contains_cs startswith !startswith startswith_cs !startswith_cs endswith
    !endswith endswith_cs !endswith_cs `matches regex` and `:`. `<>` is given as `!=`, `like` and
    `notlike` families under their own names.
    """

    op: str
    left: Expression
    right: Expression
    op_start: int = field(default=0, kw_only=True)
    op_end: int = field(default=0, kw_only=True)


@node
class In(Expression):
    """`left op (items)`; `op` is one of in !in in~ !in~ has_any has_all."""

    op: str
    left: Expression
    items: list[Expression]
    op_start: int = field(default=0, kw_only=True)
    op_end: int = field(default=0, kw_only=True)


@node
class Between(Expression):
    """`left between (low .. high)` or `left !between (low .. high)`."""

    left: Expression
    low: Expression
    high: Expression
    negated: bool = False


@node
class Assignment(Expression):
    """`name = value`, or `(a, b) = value` where a value gives several columns."""

    names: list[Name]
    value: Expression
    tuple_form: bool = False


@node
class Ordered(Expression):
    """`value asc|desc nulls first|last`; None where the text does not say."""

    value: Expression
    descending: bool | None = None
    nulls_first: bool | None = None
    natural: bool = False
    """`granny-asc` or `granny-desc`: digits inside a name count as numbers."""


@node
class ColumnDeclaration(Node):
    """`name: type` of a datatable, a tabular parameter, `externaldata` or `parse`."""

    name: Name
    type: Type


@node
class TypeOf(Expression):
    """`typeof(long)` or `typeof(a: long, b: string)`; `*` in it is `include_input`."""

    type: Type | None
    columns: list[ColumnDeclaration]
    include_input: bool = False


@node
class DataTable(Expression):
    """`datatable (name: type, ...) [values]`, values in row order."""

    columns: list[ColumnDeclaration]
    values: list[Expression]


@node
class ExternalData(Expression):
    """`externaldata (name: type, ...) [uris] with (property = value, ...)`."""

    columns: list[ColumnDeclaration]
    uris: list[Expression]
    properties: dict[str, Expression]


@node
class Pipeline(Expression):
    """`source | operator | ...`; `source` is None when an operator stands at the head."""

    source: Expression | None
    operators: list[Operator]


@node
class OperatorParameter(Node):
    """`name = value` between an operator's keyword and its operands, such as `hint.strategy = shuffle`.

    A word stands as `Name`, everything else as the expression that it is.
    """

    name: str
    value: Expression


@node
class UnknownOperator(Operator):
    """Stands where the text names an operator that does not exist, after the error was recorded."""

    name: str


@node
class EntityGroup(Expression):
    """`entity_group [entity, ...]`."""

    entities: list[Expression]


@node
class Missing(Expression):
    """Stands where the text lacks an expression, after the error was recorded."""


# --- statements ----------------------------------------------------------------------------------


@node
class Parameter(Node):
    """One parameter of a function: scalar (`type`) or tabular (`columns`; None is `(*)`)."""

    name: Name
    type: Type | None
    tabular: bool = False
    columns: list[ColumnDeclaration] | None = None
    default: Expression | None = None


@node
class FunctionLiteral(Expression):
    """`(parameters) { statements }`, or `view () { ... }`."""

    parameters: list[Parameter]
    body: list[Statement]
    view: bool = False


@node
class LetStatement(Statement):
    """`let name = value`; the value is scalar, tabular or a function."""

    name: Name
    value: Expression


@node
class SetStatement(Statement):
    """`set option = value`."""

    name: Name
    value: Expression | None


@node
class AliasStatement(Statement):
    """`alias database name = expression`."""

    name: Name
    value: Expression


@node
class RestrictStatement(Statement):
    """`restrict access to (entities)`."""

    entities: list[Expression]


@node
class QueryParametersStatement(Statement):
    """`declare query_parameters (name: type = default, ...)`."""

    parameters: list[Parameter]


@node
class PatternCase(Node):
    """One row of a pattern: argument values, an optional path value, and the body."""

    values: list[Expression]
    path: Expression | None
    body: list[Statement]


@node
class PatternStatement(Statement):
    """`declare pattern name = (parameters)[path: type] { cases }`; no parameters: declared only."""

    name: Name
    parameters: list[Parameter]
    path: Parameter | None
    cases: list[PatternCase]


@node
class ExpressionStatement(Statement):
    """A query whose rows are a result."""

    expression: Expression


@node
class Script(Node):
    """The whole text."""

    statements: list[Statement]
