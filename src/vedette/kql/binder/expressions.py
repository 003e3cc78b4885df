"""Binding of scalar expressions: names, paths, operators, membership."""

from __future__ import annotations

from vedette.kql import syntax
from vedette.kql.binder import hints, patterns, workspaces
from vedette.kql.binder.calls import Calls, sign_of
from vedette.kql.binder.coercion import comparable
from vedette.kql.binder.scope import LetValue, PlaceValue, Row, ScalarValue, TableValue
from vedette.kql.bound import (
    Cast,
    ColumnRef,
    Constant,
    Expr,
    Faulty,
    InList,
    Membership,
    Path,
    Several,
)
from vedette.kql.diagnostics import Stop
from vedette.kql.types import INTEGERS, NUMBERS, Type

_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})
_TRUTHS = frozenset({Type.BOOL, Type.UNKNOWN, Type.DYNAMIC})
_TEXTS = frozenset({Type.STRING, Type.DYNAMIC, Type.UNKNOWN})
_ARITHMETIC = frozenset({"+", "-", "*", "/", "%"})
_SEARCH_ALL = frozenset(
    """has contains : == hasprefix hassuffix startswith endswith has_cs contains_cs hasprefix_cs hassuffix_cs
    startswith_cs endswith_cs""".split()
) | {"matches regex"}


class Expressions(Calls):
    """Binds expressions over the columns of one row, or over none."""

    def bind(self, node: syntax.Expression) -> Expr:
        """The bound form of an expression; of one that gives several columns its first."""
        bound = self.bind_item(node)
        return bound.outputs[0][1] if isinstance(bound, Several) else bound

    def bind_item(self, node: syntax.Expression) -> Expr:
        """The bound form of an item of a list, which may give several columns."""
        try:
            bound = self._bind(node)
        except Stop as stop:
            self.binder.report(stop)
            bound = Faulty(stop.type or Type.UNKNOWN)
        if not bound.end:
            bound.start, bound.end = node.start, node.end
        return bound

    def _bind(self, node: syntax.Expression) -> Expr:
        match node:
            case syntax.Literal():
                return Constant(node.type, node.value)
            case syntax.Name():
                return self.name(node)
            case syntax.Member() | syntax.Index():
                return self._path(node)
            case syntax.Binary():
                return self._binary(node)
            case syntax.Call():
                pattern = patterns.called(self.binder, node, self.scope)
                return self.call(node) if pattern is None else self._pattern(pattern, node)
            case syntax.Unary():
                return self._unary(node)
            case syntax.In():
                return self._in(node)
            case syntax.Between():
                return self._between(node)
            case syntax.Pipeline() | syntax.DataTable():
                raise self.binder.stop("KS108", "A tabular expression may not stand here; use toscalar()", node)
            case syntax.Missing():
                return Faulty(Type.UNKNOWN)
            case syntax.Star():
                raise self.binder.stop("KS191", "'*' may not stand here", node)
            case syntax.FunctionLiteral():
                raise self.binder.stop("KS206", "A function may not stand here", node)
            case syntax.Assignment():
                raise self.binder.stop("KS206", "A name may not be assigned here; to compare, write ==", node)
            case syntax.DotCall():
                return workspaces.qualified_value(self.binder, node, self.scope, self.bind)
            case _:
                raise self.binder.refuse(f"this expression ({type(node).__name__})", node)

    # -- names and paths

    def name(self, node: syntax.Name) -> Expr:
        """A column, else a variable (rule 77: a column shadows)."""
        row = self.row
        if row is not None:
            column = row.columns.get(node.name)
            if column is not None:
                if self.aggregates and not self._inside_aggregate:
                    # it has no one value in a group, which is told at its place
                    return ColumnRef(column.type, column, start=node.start, end=node.end)
                return ColumnRef(column.type, column)
        found = self.scope.find(node.name)
        match found:
            case ScalarValue():
                value = found.value
                if row is not None and not row.has(value):
                    message = (
                        f"The value of '{node.name}' differs from row to row of another table, and a table is computed "
                        "once for all of them; join the two instead"
                    )
                    raise self.binder.stop("KS142", message, node)
                return Constant(value.type, value.value) if isinstance(value, Constant) else value
            case LetValue():
                found.used = True
                if isinstance(found.value, syntax.FunctionLiteral):
                    if found.value.parameters:
                        raise self.binder.stop("KS206", f"The function '{node.name}' needs its arguments", node)
                    return self.binder.invoke_scalar(found.value, found.scope, [], node, node.name, self.scope, None)
                if self.binder.is_tabular(found.value, found.scope):
                    raise self.binder.stop("KS108", f"'{node.name}' is a table; use toscalar()", node)
                with self.binder.deeper(node):
                    return Expressions(self.binder, found.scope, None).bind(found.value)
            case TableValue():
                raise self.binder.stop("KS108", f"'{node.name}' is a table; use toscalar()", node)
        if row is not None and row.open:
            return self.binder.inferred(row, node.name)
        type_ = row.absent(node.name) if row is not None else None
        if type_ is not None:
            return Constant(type_, "" if type_ is Type.STRING else None)
        if hints.called(node.name, self.binder.catalog) and node is not self._needle:
            message = f"The function '{node.name}' requires an argument list: {node.name}()"
            raise self.binder.stop("KS117", message, node)
        if self.binder.visible_host(self.scope).table(node.name) is not None:
            raise self.binder.stop("KS108", f"'{node.name}' is a table; use toscalar()", node)
        # without rows a lone name may be that of a table
        known = self.binder.source_names(self.scope) if row is None else [*row.columns, *self.scope.all_names()]
        hint = self.binder.missing_source()
        if node.name.lower() in ("null", "none", "nil"):
            hint, known = hints.nothing(self._beside), []
        elif node is self._needle:
            hint = hints.quoted(self._op, node)
        raise self.binder.unknown("column, table, variable or function", "KS142", node.name, known, node, hint)

    def _path(self, node: syntax.Member | syntax.Index) -> Expr:
        target = node.target
        pattern = patterns.called(self.binder, node, self.scope)
        if pattern is not None:
            return self._pattern(pattern, node)
        if isinstance(node, syntax.Member) and isinstance(target, syntax.Name) and self.row is not None:
            side = self.row.sides.get(target.name)
            if side is not None:
                column = side.columns.get(node.name.name)
                if column is None:
                    if side.open:
                        return self.binder.inferred(side, node.name.name)
                    known = list(side.columns)
                    raise self.binder.unknown(f"column of {target.name}", "KS142", node.name.name, known, node.name)
                return ColumnRef(column.type, column)
        if isinstance(node, syntax.Member) and isinstance(target, syntax.Name):
            around = self.scope.find(target.name)
            if isinstance(around, PlaceValue) and (self.row is None or target.name not in self.row.columns):
                return workspaces.property_of(self.binder, around, node)
        base = self.bind_item(target)
        if isinstance(base, Several):
            place = node.index if isinstance(node, syntax.Index) else None
            wanted = place.value if isinstance(place, syntax.Literal) else None
            if len(base.outputs) > 1 and isinstance(wanted, int) and 0 <= wanted < len(base.outputs):
                # of several values an index picks one, which keeps its name
                name, picked = base.outputs[wanted]
                return Several(picked.type, [(name, picked)])
            base = base.outputs[0][1]
        if base.type not in (Type.DYNAMIC, Type.UNKNOWN):
            message = f"A {base.type} has no properties; only a dynamic value has"
            if isinstance(node, syntax.Member):
                raise self.binder.stop("KS142", message, node.name)
            raise self.binder.stop("KS147", message, syntax.Node(start=node.target.end, end=node.end))
        if isinstance(node, syntax.Member):
            step: str | int | Expr = node.name.name
        else:
            index = self.bind(node.index)
            if isinstance(index, Constant) and isinstance(index.value, str | int):
                step = index.value
            elif index.type in (Type.STRING, Type.INT, Type.LONG, Type.DYNAMIC, Type.UNKNOWN):
                step = index
            else:
                raise self.binder.stop("KS141", f"An index is a string or an integer, not {index.type}", node.index)
        if base.type is Type.UNKNOWN:
            return Faulty(Type.UNKNOWN)
        if isinstance(base, Path):
            return Path(Type.DYNAMIC, base.target, [*base.steps, step])
        return Path(Type.DYNAMIC, base, [step])

    def _pattern(self, pattern: patterns.PatternCall, node: syntax.Expression) -> Expr:
        """The value of the body that a call of a pattern chooses."""
        function = pattern.function()
        return self.binder.invoke_scalar(function, pattern.scope, [], node, pattern.name, self.scope, None)

    # -- operators

    def _unary(self, node: syntax.Unary) -> Expr:
        operand = self.bind(node.operand)
        if isinstance(operand, Constant) and type(operand.value) in (int, float) and node.op == "-":
            assert isinstance(operand.value, int | float)
            return Constant(operand.type, -operand.value)
        if operand.type not in NUMBERS | {Type.TIMESPAN, Type.UNKNOWN}:
            raise self.binder.stop("KS106", f"The operator '{node.op}' cannot be applied to {operand.type}", node)
        if operand.type is Type.UNKNOWN:
            return Faulty(Type.UNKNOWN)
        if node.op == "+":
            return operand
        return self.apply("negate", [operand], [node.operand], node)

    def _binary(self, node: syntax.Binary) -> Expr:
        op = node.op
        if op in ("and", "or"):
            return self._logical(node)
        if isinstance(node.left, syntax.Star):
            return self._any_column(node)
        left = self.bind(node.left)
        self._beside = node.left
        if left.type in _TEXTS and op not in _ARITHMETIC and isinstance(node.right, syntax.Name):
            self._needle, self._op = node.right, op
        right = self.bind(node.right)
        if op in _COMPARISONS:
            return self.compare(op, left, right, node)
        if op in _ARITHMETIC:
            if isinstance(left, Faulty) or isinstance(right, Faulty):
                return Faulty(Type.UNKNOWN)
            operands = [_beside(op, left, right.type), _beside(op, right, left.type)]
            return self.apply(op, operands, [node.left, node.right], node, symbol=True)
        if op in ("=~", "!~"):
            left, right = self._as_text(left), self._as_text(right)
            return self.apply(op, [left, right], [node.left, node.right], node, symbol=True)
        if op == ":":
            op = "has"
        if left.type is Type.DYNAMIC:
            left = self._as_text(left)
        if right.type is Type.DYNAMIC:
            right = self._as_text(right)
        return self.apply(op, [left, right], [node.left, node.right], node, symbol=True)

    def _as_text(self, value: Expr) -> Expr:
        return Cast(Type.STRING, value, start=value.start, end=value.end) if value.type is Type.DYNAMIC else value

    def _logical(self, node: syntax.Binary) -> Expr:
        # a chain of thousands of `or` is left-deep: it is walked by a loop, not by recursion
        parts: list[syntax.Expression] = []
        current: syntax.Expression = node
        while isinstance(current, syntax.Binary) and current.op == node.op:
            parts.append(current.right)
            current = current.left
        parts.append(current)
        parts.reverse()
        bound = [self.bind(part) for part in parts]
        for index, value in enumerate(bound):
            if value.type not in _TRUTHS and not isinstance(value, Faulty):
                kinds = f"{bound[max(0, index - 1)].type} and {bound[max(1, index)].type}"
                message = f"The operator '{node.op}' cannot be applied to {kinds}; both sides of it are conditions"
                stop = self.binder.stop("KS106", message, _sign_before(node, max(1, index), len(parts)))
                stop.type = Type.BOOL
                raise stop
        truths = [
            value
            if value.type in (Type.BOOL, Type.UNKNOWN)
            else Cast(Type.BOOL, value, start=value.start, end=value.end)
            for value in bound
        ]
        return self.apply(node.op, truths, parts, node, symbol=True)

    def predicate(self, node: syntax.Expression, code: str = "KS107") -> Expr:
        """An expression that must be true or false; `code` is what else is reported with."""
        if isinstance(node, syntax.Assignment):
            self.binder.report(self.binder.stop(code, "A name may not be assigned here; to compare, write ==", node))
            return Faulty(Type.BOOL)
        bound = self.bind(node)
        if bound.type in (Type.BOOL, Type.UNKNOWN):
            return bound
        if isinstance(bound, Faulty):
            return Faulty(Type.BOOL)
        if bound.type is Type.DYNAMIC:
            what = "tobool() makes one of it"
        else:
            what = "a condition compares, such as Column " + ("> 5" if bound.type in NUMBERS else '== "text"')
        message = f"The expression must be of type bool, not {bound.type}: {what}"
        self.binder.report(self.binder.stop(code, message, node))
        return Faulty(Type.BOOL)

    def compare(self, op: str, left: Expr, right: Expr, node: syntax.Node) -> Expr:
        """A comparison, operands as one type (rules 3, 4, 11 and 12)."""
        type_ = comparable(left.type, right.type)
        if Type.STRING in (left.type, right.type) and left.type is not right.type and op not in ("==", "!="):
            if not {Type.DYNAMIC, Type.UNKNOWN} & {left.type, right.type}:
                type_ = None
        if op not in ("==", "!=") and Type.UNKNOWN not in (left.type, right.type):
            # texts and guids have no order here, and a dynamic value only that of a number
            if type_ in (Type.STRING, Type.GUID) or (Type.DYNAMIC in (left.type, right.type) and type_ not in NUMBERS):
                type_ = None
        if type_ is None:
            if left.type is right.type is Type.DYNAMIC:
                message = f"The operator '{op}' cannot be applied to dynamic operands; cast one of them first"
            else:
                message = f"The operator '{op}' cannot be applied to {left.type} and {right.type}"
                message += hints.compared(op, left, right)
            stop = self.binder.stop("KS106", message, sign_of(node))
            stop.type = Type.BOOL
            raise stop
        operands = [
            value
            if value.type is type_ or value.type is Type.UNKNOWN
            else Cast(type_, value, start=value.start, end=value.end)
            for value in (left, right)
        ]
        return self.apply(op, operands, [node, node], node, symbol=True)

    def _any_column(self, node: syntax.Binary) -> Expr:
        """`* has x`: any column's text."""
        if self.row is None or node.op not in _SEARCH_ALL:
            raise self.binder.stop("KS206", "'*' may not stand here", node)
        right = self.bind(node.right)
        parts: list[Expr] = []
        for column in self.row.columns.values():
            value: Expr = ColumnRef(column.type, column)
            if node.op == "==":
                if comparable(column.type, right.type) is not None:
                    parts.append(self.compare("==", value, right, node))
                continue
            text = value if column.type is Type.STRING else Cast(Type.STRING, value)
            needle = right if right.type is Type.STRING else Cast(Type.STRING, right)
            parts.append(
                self.apply("has" if node.op == ":" else node.op, [text, needle], [node, node], node, symbol=True)
            )
        if not parts:
            return Constant(Type.BOOL, False)
        return self.apply("or", parts, [node] * len(parts), node, symbol=True) if len(parts) > 1 else parts[0]

    def _between(self, node: syntax.Between) -> Expr:
        left, low, high = self.bind(node.left), self.bind(node.low), self.bind(node.high)
        if Type.BOOL in (left.type, low.type, high.type):
            message = "The operator 'between' compares numbers, datetimes or timespans, not bool"
            raise self.binder.stop("KS106", message, node)
        if left.type is Type.DATETIME and high.type is Type.TIMESPAN:
            high = self.apply("+", [low, high], [node.low, node.high], node, symbol=True)
        above = self.compare(">=", left, low, node)
        below = self.compare("<=", left, high, node)
        inside = self.apply("and", [above, below], [node, node], node, symbol=True)
        return self.apply("not", [inside], [node], node) if node.negated else inside

    def _in(self, node: syntax.In) -> Expr:
        left = self.bind(node.left)
        textual = node.op in ("has_any", "has_all", "in~", "!in~")
        if textual and left.type is Type.DYNAMIC:
            left = self._as_text(left)
        if textual and left.type not in (Type.STRING, Type.UNKNOWN):
            message = f"The operator '{node.op}' cannot be applied to {left.type}; convert it with tostring()"
            raise self.binder.stop("KS107", message, node.left)
        if len(node.items) == 1 and self.binder.is_tabular(node.items[0], self.scope):
            column_named = (
                isinstance(node.items[0], syntax.Name)
                and self.row is not None
                and (node.items[0].name in self.row.columns)
            )
            if not column_named:
                return self._in_table(node, left, node.items[0])
        items: list[Expr] = []
        arrays: list[Expr] = []
        for item in node.items:
            if self.binder.is_tabular(item, self.scope) and not (
                isinstance(item, syntax.Name) and self.row is not None and item.name in self.row.columns
            ):
                return self._in_table(node, left, item)
            value = self.bind(item)
            if isinstance(value, Constant) and value.type is Type.DYNAMIC and node.op in ("has_any", "has_all"):
                # what is null is no term; as text it would be the empty one, which every text has
                listed = value.value if isinstance(value.value, list) else [value.value]
                items += [self._element_of(left, element, node, item) for element in listed if element is not None]
            elif isinstance(value, Constant) and isinstance(value.value, list):
                items += [self._element_of(left, element, node, item) for element in value.value]
            elif value.type is Type.DYNAMIC and not isinstance(value, Constant):
                arrays.append(value)
            elif isinstance(value, Constant) and value.type is Type.DYNAMIC:
                items.append(self._element_of(left, value.value, node, item))
            else:
                items.append(self._member(left, value, node, item))
        if left.type is Type.DYNAMIC:
            left = self._as_text(left)
        return InList(Type.BOOL, node.op, left, items, arrays)

    def _element_of(self, left: Expr, value: object, node: syntax.In, place: syntax.Node) -> Expr:
        """A value out of a dynamic constant; what its own type cannot be compared with, it is read as."""
        element = _element(value)
        if element.type is not Type.DYNAMIC and comparable(left.type, element.type) is None:
            return Cast(left.type, Constant(Type.DYNAMIC, value)) if left.type is not Type.DYNAMIC else element
        return self._member(left, element, node, place)

    def _member(self, left: Expr, item: Expr, node: syntax.In, place: syntax.Node) -> Expr:
        wanted = Type.STRING if left.type is Type.DYNAMIC else left.type
        if item.type is wanted or Type.UNKNOWN in (item.type, wanted):
            return item
        if isinstance(item, Constant) and item.value is None:
            return Constant(wanted, "" if wanted is Type.STRING else None)
        type_ = comparable(wanted, item.type)
        if type_ is None:
            raise self.binder.stop(
                "KS106", f"The operator '{node.op}' cannot be applied to {left.type} and {item.type}", place
            )
        return item if type_ is item.type else Cast(type_, item)

    def _in_table(self, node: syntax.In, left: Expr, item: syntax.Expression) -> Expr:
        relation = self.binder.tabular(item, self.scope)
        if not relation.visible:
            if relation.open:
                return Constant(Type.BOOL, None)
            raise self.binder.stop("KS205", "The table has no column", item)
        column = relation.visible[0]
        if left.type is Type.DYNAMIC:
            left = self._as_text(left)
        if comparable(left.type, Type.STRING if column.type is Type.DYNAMIC else column.type) is None:
            raise self.binder.stop(
                "KS106", f"The operator '{node.op}' cannot be applied to {left.type} and {column.type}", node
            )
        return Membership(Type.BOOL, node.op, left, relation, column)


def _sign_before(node: syntax.Binary, index: int, count: int) -> syntax.Node:
    """The operator before the part at `index` of a chain of `count` parts."""
    for _ in range(count - 1 - index):
        if isinstance(node.left, syntax.Binary):
            node = node.left
    return sign_of(node)


def _element(value: object) -> Expr:
    """An element of a dynamic array as a constant of its own type."""
    match value:
        case bool():
            return Constant(Type.BOOL, value)
        case int():
            return Constant(Type.LONG, value)
        case float():
            return Constant(Type.REAL, value)
        case str():
            return Constant(Type.STRING, value)
        case _:
            return Constant(Type.DYNAMIC, value)


def expressions(binder: object, scope: object, row: Row | None) -> Expressions:
    """The expression binder of an operator."""
    return Expressions(binder, scope, row)  # type: ignore[arg-type]


def _beside(op: str, value: Expr, other: Type) -> Expr:
    """An operand of arithmetic: a dynamic one is read as what the other operand is (rule 12)."""
    if value.type is not Type.DYNAMIC:
        return value
    wanted = Type.LONG if other in INTEGERS else other if other in NUMBERS else None
    if op in ("+", "-") and other in (Type.DATETIME, Type.TIMESPAN):
        wanted = Type.TIMESPAN if op == "+" else other
    return value if wanted is None else Cast(wanted, value, start=value.start, end=value.end)
