"""The two rounds of a summarize whose results over parts of its time are kept (`engine.partials`).

The first makes partial rows by bin of time: for each group the counts, sums and extremes of its rows, and a row for each different
value of what is counted or listed without its duplicates. Where there are several such sets of values, a row stands either for the
group (set 0) or for one value of one set. The second makes of the partial rows of all bins what the query asks for.

Only what is provably the same is put together: whole numbers are, reals are not (their sum depends on the order), and neither is what
takes any row, or the first of equals.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from vedette.engine.catalog import full_catalog
from vedette.engine.dialect import SQL_TYPES, DuckDbSql
from vedette.engine.fragment import Fragment
from vedette.engine.functions.arithmetic import wrap
from vedette.engine.relations import name_of
from vedette.kql.binder.operators.project import Project
from vedette.kql.binder.operators.summarize import Summarize
from vedette.kql.bound import (
    AggregateCall,
    Apply,
    Cast,
    Column,
    ColumnRef,
    Constant,
    Expr,
    InList,
    Known,
    ParameterRef,
    Path,
    Relation,
    children,
)
from vedette.kql.catalog import AggregateUnit, ScalarUnit
from vedette.kql.node import fact
from vedette.kql.types import INTEGERS, Type

if TYPE_CHECKING:
    from vedette.engine.compiler import Compiled, Compiler

BIN: Final = "bin"
COUNT: Final = "n"
FIRST_COLUMN: Final = 10**9
"""Columns that the rewrite makes have numbers from here on."""
_ELSEWHERE: Final = frozenset({"geo_info_from_ip_address", "geo_location", "asn_info_from_ip_address"})
"""Functions whose values come out of files that may be exchanged."""
_EXACT: Final = frozenset(
    {Type.BOOL, Type.INT, Type.LONG, Type.STRING, Type.DATETIME, Type.TIMESPAN, Type.GUID, Type.DYNAMIC, Type.DECIMAL}
)
"""Types of which equal values are the same value; reals have two zeros, and NaN."""
_WHOLE: Final = INTEGERS | {Type.TIMESPAN}
_SETS: Final = {
    "dcount": "dcountif", "dcountif": "dcountif", "count_distinct": "count_distinctif",
    "count_distinctif": "count_distinctif", "make_set": "make_set_if", "make_set_if": "make_set_if",
}  # fmt: skip
"""Aggregates of the different values, however often each comes; and the same over the rows that meet a condition."""


@fact
class Bins:
    """How time is cut: bin number b is the ticks from b * size + phase up to the next."""

    size: int
    phase: int

    def whole(self, lower: int, upper: int) -> range:
        """The bins that lie wholly in [lower, upper)."""
        return range(-((self.phase - lower) // self.size), (upper - self.phase) // self.size)

    def start(self, number: int) -> int:
        """The first tick of a bin."""
        return number * self.size + self.phase


def is_steady(value: Expr) -> bool:
    """Whether an expression gives a row the same at every time: nothing of other rows, of chance, of the clock, or of what is elsewhere."""
    match value:
        case Constant() | ColumnRef():
            return True
        case Apply():
            return not value.unit.volatile and value.unit.name not in _ELSEWHERE and all(map(is_steady, value.args))
        case Cast():
            return is_steady(value.operand)
        case Path():
            return is_steady(value.target) and all(is_steady(step) for step in value.steps if isinstance(step, Expr))
        case InList():
            return all(map(is_steady, [value.left, *value.items, *value.arrays]))
    return False


def ref_to(column: Column) -> ColumnRef:
    """The value of a column."""
    return ColumnRef(column.type, column)


def _bin_unit(bins: Bins) -> ScalarUnit:
    def emit(sql: DuckDbSql, moment: Fragment) -> Fragment:
        return Fragment(f"(({moment} - {bins.phase}) // {bins.size})", Type.LONG, False)

    return ScalarUnit("kept_bin", ("kept_bin(moment: datetime): long",), emit, "")


def _mean(sql: DuckDbSql, total: Fragment, count: Fragment) -> Fragment:
    """The mean of whole numbers out of sums and counts of parts: as `avg()` computes it of all."""
    mean = (
        f"CAST({wrap(f'coalesce(sum({total}), 0)')} AS DOUBLE) / nullif(CAST(coalesce(sum({count}), 0) AS BIGINT), 0)"
    )
    return Fragment(f"coalesce(({mean}), CAST('nan' AS DOUBLE))", Type.REAL, False)


_MEAN: Final = AggregateUnit("kept_mean", ("kept_mean(total: long, count: long): real",), _mean, "")


class Plan:
    """The two rounds of one summarize: what partial rows hold, and what is made of them."""

    def __init__(self, compiler: Compiler, moment: Column, bins: Bins, number: int) -> None:
        self._catalog = full_catalog()
        self._number = number
        self.bins = bins
        self._bin = Apply(Type.LONG, _bin_unit(bins), [ref_to(moment)])
        self._keys: list[tuple[Column, Expr]] = []
        self._values: list[tuple[Column, Expr]] = []
        self._sets: list[tuple[Column, Expr]] = []
        self._calls: list[tuple[Column, AggregateCall]] = []
        self._tag = self._column("set", Type.LONG)

    def _column(self, name: str, kind: Type) -> Column:
        self._number += 1
        return Column(self._number, name, kind)

    @property
    def columns(self) -> list[Column]:
        """The columns of the partial rows beside the bin and the count."""
        return [self._tag, *(one for one, _ in [*self._keys, *self._values, *self._sets, *self._calls])]

    # the second round

    def final(self, node: Summarize) -> Summarize | None:
        """The second round, over partial rows; None where one of the aggregates is not kept."""
        keys: list[tuple[Column, Expr]] = []
        for column, value in node.keys:
            if value.type not in _EXACT or not is_steady(value):
                return None
            own = self._column(column.name, value.type)
            self._keys.append((own, value))
            keys.append((column, ref_to(own)))
        # which sets there are decides how each is told from the others
        for _, value in node.aggregates:
            for call in _calls(value):
                if call.unit.name in _SETS and not self._set_of(call):
                    return None
        aggregates: list[tuple[Column, Expr]] = []
        for column, value in node.aggregates:
            merged = self._merged(value)
            if merged is None:
                return None
            aggregates.append((column, merged))
        return replace(node, input=Known(tuple(self.columns), []), keys=keys, aggregates=aggregates)

    def _set_of(self, call: AggregateCall) -> bool:
        value = call.args[0]
        if call.condition is not None or value.type not in _EXACT or not all(is_steady(arg) for arg in call.args):
            return False
        if self._known(self._sets, value) is None:
            self._sets.append((self._column("value", value.type), value))
        if call.unit.name in _SETS.values():
            self._value(call.args[1])
        return True

    @staticmethod
    def _known(pairs: Sequence[tuple[Column, Expr]], value: Expr) -> Column | None:
        for column, known in pairs:
            if known is value or (
                isinstance(known, ColumnRef) and isinstance(value, ColumnRef) and known.column is value.column
            ):
                return column
        return None

    def _value(self, value: Expr) -> Column:
        found = self._known(self._values, value)
        if found is None:
            found = self._column("by", value.type)
            self._values.append((found, value))
        return found

    def _merged(self, value: Expr) -> Expr | None:
        """An aggregate, or an expression of some, in terms of the partial rows."""
        match value:
            case AggregateCall():
                return self._call(value)
            case Constant() | ParameterRef():
                return value
            case Apply() if not value.unit.volatile:
                args = self._each(value.args)
                return None if args is None else replace(value, args=args)
            case Cast():
                operand = self._merged(value.operand)
                return None if operand is None else replace(value, operand=operand)
            case InList():
                parts = self._each([value.left, *value.items, *value.arrays])
                if parts is None:
                    return None
                count = 1 + len(value.items)
                return replace(value, left=parts[0], items=parts[1:count], arrays=parts[count:])
            case Path():
                target = self._merged(value.target)
                plain = all(isinstance(step, str | int) for step in value.steps)
                return replace(value, target=target) if target is not None and plain else None
        return None

    def _each(self, values: Sequence[Expr]) -> list[Expr] | None:
        made = [self._merged(value) for value in values]
        return None if any(each is None for each in made) else [each for each in made if each is not None]

    def _call(self, call: AggregateCall) -> Expr | None:
        name, args = call.unit.name, call.args
        if call.condition is not None or not all(is_steady(arg) for arg in args):
            return None
        if name in _SETS:
            return self._distinct(call)
        if name in ("count", "countif"):
            return self._again("sum", Type.LONG, replace(call, args=[] if name == "count" else args))
        kind = args[0].type if args else Type.UNKNOWN
        if name in ("sum", "sumif") and kind in _WHOLE:
            return self._again("sum", call.type, call)
        if name in ("min", "max") and kind in _EXACT:
            return self._again(name, call.type, call)
        if name in ("minif", "maxif") and kind in _EXACT - {Type.STRING}:
            # of strings, no row that meets the condition gives "", which is a value like others
            return self._again(name[:3], call.type, call)
        if name in ("avg", "avgif") and kind in INTEGERS:
            return self._mean_of(call)
        return None

    def _unit(self, name: str) -> AggregateUnit:
        return self._catalog.aggregates[name]

    def _again(self, name: str, kind: Type, call: AggregateCall) -> AggregateCall:
        """The aggregate of the partial values of a call."""
        own = self._column(name, kind)
        self._calls.append((own, call))
        return AggregateCall(call.type, self._unit(name), [ref_to(own)])

    def _mean_of(self, call: AggregateCall) -> Expr:
        test = call.args[1:]
        total = self._column("total", Type.LONG)
        self._calls.append((total, AggregateCall(Type.LONG, self._unit("sumif" if test else "sum"), call.args)))
        known = Apply(Type.BOOL, self._catalog.scalars["isnotnull"], [call.args[0]])
        both = Apply(Type.BOOL, self._catalog.scalars["and"], [known, *test]) if test else known
        count = self._column("count", Type.LONG)
        self._calls.append((count, AggregateCall(Type.LONG, self._unit("countif"), [both])))
        return AggregateCall(call.type, _MEAN, [ref_to(total), ref_to(count)])

    def _distinct(self, call: AggregateCall) -> Expr:
        """The same aggregate over the different values, which are rows of their own where there are several such sets."""
        own = self._known(self._sets, call.args[0])
        assert own is not None
        conditional = call.unit.name in _SETS.values()
        rest = call.args[2:] if conditional else call.args[1:]
        tests: list[Expr] = [ref_to(self._value(call.args[1]))] if conditional else []
        if self._several:
            place = next(at for at, (column, _) in enumerate(self._sets, 1) if column is own)
            same = self._catalog.scalars["=="]
            tests.append(Apply(Type.BOOL, same, [ref_to(self._tag), Constant(Type.LONG, place)]))
        if not tests:
            return replace(call, args=[ref_to(own), *rest])
        test = tests[0] if len(tests) == 1 else Apply(Type.BOOL, self._catalog.scalars["and"], tests)
        return replace(call, unit=self._unit(_SETS[call.unit.name]), args=[ref_to(own), test, *rest])

    @property
    def _several(self) -> bool:
        return len(self._sets) > 1

    # the first round

    def statement(self, compiler: Compiler, input_: Relation) -> Compiled:
        """The statement that makes partial rows of the rows between `$range_from` and `$range_to`."""
        bin_ = Column(FIRST_COLUMN - 1, "bin", Type.LONG)
        values: list[tuple[Column, Expr]] = [(bin_, self._bin), *self._keys, *self._values, *self._sets]
        inner: list[tuple[Column, Expr]] = []
        calls: list[tuple[Column, AggregateCall]] = []
        number = FIRST_COLUMN - 2
        for column, call in self._calls:
            args: list[Expr] = []
            for arg in call.args:
                own = Column(number, "argument", arg.type)
                number -= 1
                inner.append((own, arg))
                args.append(ref_to(own))
            calls.append((column, replace(call, args=args)))
        made = Project(tuple(column for column, _ in [*values, *inner]), input_, [*values, *inner])
        compiler.root = made
        base = compiler.rel(made).wrapped()
        groups = [name_of(one) for one, _ in [(bin_, self._bin), *self._keys, *self._values]]
        sets = [name_of(one) for one, _ in self._sets]
        tag = "0"
        grouping = ", ".join([*groups, *sets])
        if self._several:
            tag = f"CASE {' '.join(f'WHEN grouping({one}) = 0 THEN {at}' for at, one in enumerate(sets, 1))} ELSE 0 END"
            each = [f"({', '.join([*groups, *one])})" for one in ([], *([one] for one in sets))]
            grouping = f"GROUPING SETS ({', '.join(each)})"
        items = [f"{name_of(bin_)} AS {BIN}", self._plain(tag, "count(*)") + f" AS {COUNT}"]
        items.append(f"CAST({tag} AS BIGINT) AS {name_of(self._tag)}")
        items += groups[1:] + sets
        for column, call in calls:
            text = str(compiler.emitter.emit(call))
            items.append(f"CAST({self._plain(tag, text)} AS {SQL_TYPES[column.type]}) AS {name_of(column)}")
        text = f"SELECT {', '.join(items)} FROM {base.source} GROUP BY {grouping}"
        return compiler.finished(text)

    def _plain(self, tag: str, text: str) -> str:
        """An aggregate of the rows that stand for their groups, and not for one value of a set."""
        return f"CASE WHEN {tag} = 0 THEN {text} END" if self._several else text


def _calls(value: Expr) -> Iterator[AggregateCall]:
    if isinstance(value, AggregateCall):
        yield value
    else:
        for child in children(value):
            yield from _calls(child)
