"""Functions of neighbouring rows that may go group by group, though the rows have one order.

`prev(User) == User and prev(Location) != Location` over rows sorted by User never looks past the rows of one user:
where it does, the first half is false and the second has no say. A window for each user is sorted by several threads
and in smaller pieces than one window over everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeGuard

from vedette.engine.fragment import Fragment
from vedette.engine.relations import OrderKey, Rel, name_of
from vedette.kql.binder.operators.project import Project
from vedette.kql.binder.operators.where import Where
from vedette.kql.bound import Apply, ColumnRef, Constant, Expr, Relation, WindowCall, children, has_window
from vedette.kql.types import Type

if TYPE_CHECKING:
    from vedette.engine.compiler import Compiler

_NEIGHBOURS: Final = frozenset({"prev", "next"})
_RESTARTING: Final = frozenset({"row_number", "row_cumsum", "row_rank_dense", "row_rank_min"})
"""Functions whose second argument says where they start anew."""
_NONE: Final[frozenset[str]] = frozenset()
_OTHER: Final = {
    Type.STRING: "'-'", Type.GUID: "CAST('00000000-0000-0000-0000-000000000000' AS UUID)", Type.BOOL: "false",
    **dict.fromkeys((Type.INT, Type.LONG, Type.DATETIME, Type.TIMESPAN), "0"),
}  # fmt: skip
"""Types that rows may be grouped by, each with some value that is not what stands beyond the first and the last row."""


class Grouping:
    """Which calls over some rows may go group by group: the groups are those of the first key of the rows' order."""

    def __init__(self, rel: Rel, values: Iterable[Expr], dropped: frozenset[str] = _NONE) -> None:
        """`dropped`: in which directions no row is kept whose neighbour is one of another group."""
        self._partition = rel.partition
        self._key = rel.order[0]
        self._inside: set[int] = set()
        self._outside: set[int] = set()
        self._of_key: dict[int, ColumnRef] = {}
        self.instead: dict[int, WindowCall] = {}
        """For a call (by id) that starts anew in each group the call that says no more of that."""
        for value in values:
            self._walk(value, dropped)

    def has(self, call: WindowCall) -> bool:
        """Whether a call may go group by group."""
        return id(call) in self.instead or (id(call) in self._inside and id(call) not in self._outside)

    @property
    def any(self) -> bool:
        """Whether some call may."""
        return bool(self.instead or self._inside - self._outside)

    def rows(self, rel: Rel) -> tuple[Rel, list[str]]:
        """The rows with the order that they have inside of a group, and what tells the groups apart."""
        return replace(rel, order=rel.order[1:] or rel.order), [*rel.partition, self._key.name]

    def exact(self, call: WindowCall, value: Fragment, over: str) -> Fragment:
        """The neighbour's value of the key: where the neighbour is one of another group, it must not seem to be of the same.

        That is so already, but for a group whose key is what stands beyond the ends ("" or null), unless that group
        itself is at the end.
        """
        key = self._of_key.get(id(call))
        if key is None or _at_end(self._key, call.unit.name, key.type):
            return value
        beyond = f"{self._key.name} = ''" if key.type is Type.STRING else f"{self._key.name} IS NULL"
        function = "lag" if call.unit.name == "prev" else "lead"
        alone = f"PARTITION BY {', '.join(self._partition)}" if self._partition else ""
        text = (
            f"CASE WHEN {beyond} AND {function}(true) OVER ({over}) IS NULL AND NOT bool_and({beyond}) OVER ({alone}) "
            f"THEN {_OTHER[key.type]} ELSE {value} END"
        )
        return replace(value, sql=text)

    def _walk(self, value: Expr, guarded: frozenset[str]) -> None:
        match value:
            case WindowCall():
                self._call(value, guarded)
            case Apply() if value.unit.name in ("and", "or"):
                # where a guard is false the others have no say; where a comparison says "another", neither
                inside = guarded | (self._guards(value) if value.unit.name == "and" else self._others(value))
                for arg in value.args:
                    self._walk(arg, inside)
            case Apply() if value.unit.name in ("iff", "iif", "case"):
                # conditions and values take turns; the last value stands for when no condition holds
                for place, arg in enumerate(value.args):
                    if place % 2:
                        self._walk(arg, guarded | self._guards(value.args[place - 1]))
                        guarded |= self._others(value.args[place - 1])
                    else:
                        self._walk(arg, guarded)
            case _:
                guard = self._guard(value, "==") or self._guard(value, "!=")
                for child in children(value):
                    self._walk(child, guarded if guard is None else guarded | {guard})

    def _call(self, call: WindowCall, guarded: frozenset[str]) -> None:
        own = call.args[0] if call.args else None
        if isinstance(own, ColumnRef) and name_of(own.column) == self._key.name and is_neighbour(call, own):
            self._of_key[id(call)] = own
        if call.unit.name in guarded and _next_to(call):
            self._inside.add(id(call))
        else:
            self._outside.add(id(call))
        if call.unit.name in _RESTARTING and len(call.args) == 2:
            restart = call.args[1]
            left = self._restarts(restart)
            if left is not None:
                args = [call.args[0]]
                if left:
                    # within a group it starts anew where the rest says so, which may look at the group alone
                    assert isinstance(restart, Apply)
                    args.append(left[0] if len(left) == 1 else replace(restart, args=left))
                    for each in left:
                        self._walk(each, frozenset({"prev"}))
                self._walk(call.args[0], _NONE)
                self.instead[id(call)] = replace(call, args=args)
                return
        for arg in call.args:
            self._walk(arg, _NONE)

    def _guards(self, condition: Expr) -> frozenset[str]:
        """The directions in which a condition holds only where the neighbour is of the same group."""
        found = (self._guard(each, "==") for each in conjuncts(condition))
        return frozenset(guard for guard in found if guard is not None)

    def _guard(self, value: Expr, symbol: str) -> str | None:
        """The direction in which a comparison looks that compares the key with the neighbour's."""
        if not isinstance(value, Apply) or value.unit.name != symbol:
            return None
        for call, own in (value.args, value.args[::-1]):
            if (
                isinstance(own, ColumnRef)
                and name_of(own.column) == self._key.name
                and own.type in _OTHER
                and is_neighbour(call, own)
            ):
                return call.unit.name
        return None

    def _others(self, condition: Expr) -> frozenset[str]:
        """The directions in which a condition fails only where the neighbour is of the same group."""
        found = (self._guard(each, "!=") for each in disjuncts(condition))
        return frozenset(guard for guard in found if guard is not None)

    def _restarts(self, restart: Expr) -> list[Expr] | None:
        """What else starts anew where each group does, too; None where groups do not."""
        parts = list(disjuncts(restart))
        left = [part for part in parts if self._guard(part, "!=") != "prev"]
        return left if len(left) < len(parts) else None


def _at_end(key: OrderKey, function: str, kind: Type) -> bool:
    """Whether the group whose key is what stands beyond the ends is itself at the end that a function meets."""
    first = not key.descending if kind is Type.STRING else key.nulls_first
    return first == (function == "prev")


def _next_to(call: WindowCall) -> bool:
    """Whether a call takes the value of the very next row."""
    offset = call.args[1] if len(call.args) > 1 else None
    return offset is None or (isinstance(offset, Constant) and offset.value == 1)


def is_neighbour(call: Expr, of: ColumnRef) -> TypeGuard[WindowCall]:
    """Whether an expression is a column's value in the very next row, and nothing of one's own beyond the ends."""
    return (
        isinstance(call, WindowCall)
        and call.unit.name in _NEIGHBOURS
        and len(call.args) <= 2
        and isinstance(call.args[0], ColumnRef)
        and call.args[0].column is of.column
        and _next_to(call)
    )


def conjuncts(condition: Expr) -> Iterator[Expr]:
    """The conditions that must all hold for a condition to hold."""
    if isinstance(condition, Apply) and condition.unit.name == "and":
        for arg in condition.args:
            yield from conjuncts(arg)
    else:
        yield condition


def disjuncts(condition: Expr) -> Iterator[Expr]:
    """The conditions of which none holds where a condition does not hold."""
    if isinstance(condition, Apply) and condition.unit.name == "or":
        for arg in condition.args:
            yield from disjuncts(arg)
    else:
        yield condition


def dropping(compiler: Compiler, node: Project, key: OrderKey) -> frozenset[str]:
    """The directions in which a later `where` keeps only rows whose neighbour is of the same group.

    Such as `extend Before = prev(User), Then = prev(TimeGenerated) | where Before == User`: what the others have is
    never seen, unless a function of neighbouring rows looks at them before.
    """
    guards = _columns_of_neighbours(node, key)
    if not guards:
        return _NONE
    tainted = {column.id for column, value in node.values if has_window(value)}
    found: set[str] = set()
    current: Relation = node
    while True:
        over = compiler.users(current)
        if len(over) != 1:
            return frozenset(found)
        above = over[0]
        if isinstance(above, Where):
            if _looks_at(above.predicate, tainted):
                return frozenset(found)
            for each in conjuncts(above.predicate):
                if isinstance(each, Apply) and each.unit.name == "==":
                    for one, other in (each.args, each.args[::-1]):
                        if (
                            isinstance(one, ColumnRef)
                            and isinstance(other, ColumnRef)
                            and name_of(other.column) == key.name
                            and one.column.id in guards
                        ):
                            found.add(guards[one.column.id])
        elif isinstance(above, Project) and above.keeps:
            if any(_looks_at(value, tainted) for _, value in above.values):
                return frozenset(found)
            tainted |= {column.id for column, value in above.values if _uses(value, tainted)}
        else:
            return frozenset(found)
        current = above


def _columns_of_neighbours(node: Project, key: OrderKey) -> dict[int, str]:
    """The columns, by id, that hold the key of the neighbour, each with its direction."""
    found: dict[int, str] = {}
    project = node
    while True:
        for column, value in project.values:
            argument = value.args[0] if isinstance(value, WindowCall) and value.args else None
            if isinstance(argument, ColumnRef) and name_of(argument.column) == key.name and argument.type in _OTHER:
                assert isinstance(value, WindowCall)
                # elsewhere than here the column may hold another row's key beyond a group's end
                if is_neighbour(value, argument):
                    found[column.id] = value.unit.name
        if not project.keeps or not isinstance(project.input, Project):
            return found
        project = project.input


def _uses(value: Expr, columns: set[int]) -> bool:
    if isinstance(value, ColumnRef):
        return value.column.id in columns
    return any(_uses(child, columns) for child in children(value))


def _looks_at(value: Expr, columns: set[int]) -> bool:
    """Whether a function of neighbouring rows in an expression uses some columns."""
    if isinstance(value, WindowCall):
        return _uses(value, columns)
    return any(_looks_at(child, columns) for child in children(value))
