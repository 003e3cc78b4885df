"""join and lookup (rules 89 to 93)."""

from __future__ import annotations

from vedette.kql import syntax
from vedette.kql.binder.coercion import comparable
from vedette.kql.binder.core import Binder
from vedette.kql.binder.expressions import Expressions
from vedette.kql.binder.naming import Names
from vedette.kql.binder.scope import Row, Scope
from vedette.kql.bound import Column, Expr, OpenColumn, Relation
from vedette.kql.diagnostics import nearest
from vedette.kql.node import node
from vedette.kql.operators.binding import binds
from vedette.kql.operators.join import JoinOperator
from vedette.kql.operators.lookup import LookupOperator
from vedette.kql.types import Type

JOIN_KINDS = {
    "innerunique": "innerunique", "inner": "inner", "leftouter": "leftouter", "rightouter": "rightouter",
    "fullouter": "fullouter", "leftsemi": "leftsemi", "rightsemi": "rightsemi", "leftanti": "leftanti",
    "anti": "leftanti", "leftantisemi": "leftanti", "rightanti": "rightanti", "rightantisemi": "rightanti",
}  # fmt: skip


@node
class Join(Relation):
    """Two relations matched on equal keys; null equals null."""

    kind: str
    left: Relation
    right: Relation
    keys: list[tuple[Expr, Expr]]
    left_columns: list[tuple[Column, Column]]
    """Output column and the left column that it shows."""
    right_columns: list[tuple[Column, Column]]


@binds(JoinOperator)
def bind_join(binder: Binder, node: JoinOperator, input_: Relation, scope: Scope) -> Relation:
    """Binds `join`; without a kind it is innerunique."""
    wanted = node.kind
    kind = JOIN_KINDS.get(wanted)
    if kind is None:
        close = nearest(wanted, JOIN_KINDS)
        hint = f"; did you mean '{close}'?" if close else ""
        raise binder.stop("KS005", f"'{wanted}' is not a kind of join{hint}", node)
    right = binder.tabular(node.right, scope)
    if node.where is not None:
        keys = _keys_of_where(binder, node.where, input_, right, scope)
        return joined(binder, kind, input_, right, keys, drop=set())
    keys = join_keys(binder, node.conditions, input_, right, scope, node)
    return joined(binder, kind, input_, right, keys, drop=set())


@binds(LookupOperator)
def bind_lookup(binder: Binder, node: LookupOperator, input_: Relation, scope: Scope) -> Relation:
    """Binds `lookup`: leftouter unless said otherwise, without the right keys (rule 93)."""
    kind = node.kind
    if kind not in ("leftouter", "inner"):
        raise binder.stop("KS121", f"'{kind}' is not a kind of lookup; it is leftouter or inner", node)
    right = binder.tabular(node.right, scope)
    keys = join_keys(binder, node.conditions, input_, right, scope, node)
    # a key of which the left side is not known stands on the right side alone
    dropped = {key.column.id for left, key in keys if hasattr(key, "column") and not isinstance(left, OpenColumn)}
    return joined(binder, kind, input_, right, keys, drop=dropped)


def join_keys(
    binder: Binder, on: list[syntax.Expression], left: Relation, right: Relation, scope: Scope, node: syntax.Node
) -> list[tuple[Expr, Expr]]:
    """The pairs of key expressions: `on name`, or `$left.a == $right.b`, with `and` between."""
    if not on:
        word = syntax.Node(start=node.start, end=node.start + len("join"))
        message = "on is missing: say by which columns, such as on Account, or on $left.Account == $right.User"
        raise binder.stop("KS006", message, word)
    left_row, right_row = Row.of(left), Row.of(right)
    keys: list[tuple[Expr, Expr]] = []
    for condition in on:
        for part in _conjuncts(condition):
            keys.append(_key(binder, part, left_row, right_row, scope))
    return keys


def _keys_of_where(
    binder: Binder, where: syntax.Expression, left: Relation, right: Relation, scope: Scope
) -> list[tuple[Expr, Expr]]:
    """The keys of `join ... where`: columns of one side that equal columns of the other, which go by their names alone.

    A name that both sides have is the left side's, as Kusto's binder reads it.
    """
    left_row, right_row = Row.of(left), Row.of(right)
    keys = []
    for part in _conjuncts(where):
        if not isinstance(part, syntax.Binary) or part.op != "==":
            raise binder.refuse("join ... where with anything but columns of both sides that are equal", part)
        pair = [_told_apart(binder, side, left_row, right_row, scope) for side in (part.left, part.right)]
        if {_side(side) for side in pair} != {"$left", "$right"}:
            raise binder.refuse("join ... where with anything but columns of both sides that are equal", part)
        sided = syntax.Binary("==", pair[0], pair[1], start=part.start, end=part.end)
        keys.append(_key(binder, sided, left_row, right_row, scope))
    return keys


def _told_apart(binder: Binder, node: syntax.Expression, left: Row, right: Row, scope: Scope) -> syntax.Expression:
    """A column's name with the side that it is of; anything else as it is."""
    if not isinstance(node, syntax.Name):
        return node
    side = "$left" if node.name in left.columns else "$right" if node.name in right.columns else None
    if side is None:
        Expressions(binder, scope, left).name(node)  # which says so of a name that nothing has
        return node
    return syntax.Member(syntax.Name(side, start=node.start, end=node.start), node, start=node.start, end=node.end)


def _conjuncts(node: syntax.Expression) -> list[syntax.Expression]:
    if isinstance(node, syntax.Binary) and node.op == "and":
        return [*_conjuncts(node.left), *_conjuncts(node.right)]
    return [node]


def _key(binder: Binder, node: syntax.Expression, left: Row, right: Row, scope: Scope) -> tuple[Expr, Expr]:
    if isinstance(node, syntax.Name):
        for here, there, side in ((left, right, "right"), (right, left, "left")):
            if node.name in here.columns and node.name not in there.columns and not there.open:
                raise binder.stop("KS145", _one_sided(node.name, side, there), node)
        a = Expressions(binder, scope, left).name(node)
        b = Expressions(binder, scope, right).name(node)
    elif isinstance(node, syntax.Binary) and node.op == "==":
        first, second = _side(node.left), _side(node.right)
        if {first, second} != {"$left", "$right"}:
            raise binder.stop("KS183", _sides(node), node.right if first == "$left" else node.left)
        at = Expressions(binder, scope, Row({}, [], sides={"$left": left, "$right": right}))
        a, b = at.bind(node.left), at.bind(node.right)
        if first == "$right":
            a, b = b, a
    else:
        raise binder.stop("KS182", "A join condition is a column's name, or $left.Column == $right.Column", node)
    for key in (a, b):
        if key.type is Type.DYNAMIC:
            raise binder.stop(
                "KS241", "A join key is of type dynamic; cast it first, for example with tostring()", node
            )
    shared = comparable(a.type, b.type)
    numbers = {Type.INT, Type.LONG}
    if shared is None or (
        a.type is not b.type and not {a.type, b.type} <= numbers and Type.UNKNOWN not in (a.type, b.type)
    ):
        raise binder.stop(
            "KS227" if isinstance(node, syntax.Name) else "KS242",
            f"The join keys are of different types, {a.type} and {b.type}; cast one of them",
            node,
        )
    return a, b


def _one_sided(name: str, side: str, row: Row) -> str:
    """That a key is on one side only, and how columns of different names are compared."""
    close = nearest(name, row.columns)
    other = close or "Column"
    pair = f"$left.{name} == $right.{other}" if side == "right" else f"$left.{other} == $right.{name}"
    return (
        f"The column '{name}' is not on the {side} side of the join; columns of different names are compared by {pair}"
    )


def _sides(node: syntax.Binary) -> str:
    """What the two sides of a condition would be, with the names that it gives."""
    names = [
        part.name if isinstance(part, syntax.Name) else part.name.name if isinstance(part, syntax.Member) else "Column"
        for part in (node.left, node.right)
    ]
    return f"A join condition names a column of each side: $left.{names[0]} == $right.{names[1]}"


def _side(node: syntax.Expression) -> str | None:
    while isinstance(node, syntax.Member | syntax.Index):
        if isinstance(node, syntax.Member) and isinstance(node.target, syntax.Name):
            return node.target.name
        node = node.target
    return None


def joined(
    binder: Binder, kind: str, left: Relation, right: Relation, keys: list[tuple[Expr, Expr]], *, drop: set[int]
) -> Relation:
    """The relation of a join: left columns, then right ones, numbered apart where names clash (rule 90)."""
    left_out: list[tuple[Column, Column]] = []
    right_out: list[tuple[Column, Column]] = []
    shown = [column for column in right.visible if column.id not in drop]
    names = Names()
    if kind not in ("rightsemi", "rightanti"):
        for column in left.visible:
            left_out.append((binder.column(names.implied(column.name), column.type), column))
    if kind not in ("leftsemi", "leftanti"):
        # a number makes no name that another column of the right side has by itself
        mine = set(names.taken)
        names.taken.update(column.name for column in shown)
        for column in shown:
            name = names.implied(column.name) if column.name in mine else column.name
            right_out.append((binder.column(name, column.type), column))
    columns = tuple(column for column, _ in [*left_out, *right_out])
    is_open = left.open or right.open or any(isinstance(key, OpenColumn) for pair in keys for key in pair)
    return Join(columns, kind, left, right, keys, left_out, right_out, open=is_open)
