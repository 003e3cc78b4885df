"""Analysis windows of the plugins for user activity: a timeline between two ends, cut into periods."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction

from vedette.engine.compiler import Compiler
from vedette.engine.dialect import SQL_TYPES
from vedette.engine.fragment import Fragment
from vedette.engine.plugged import Arguments, rows_of
from vedette.engine.relations import Rel, name_of
from vedette.kql import syntax, ticks
from vedette.kql.bound import Column
from vedette.kql.diagnostics import KqlError
from vedette.kql.types import NUMBERS, Type

CALENDAR = ("day", "week", "month", "year")
MOST_PERIODS = 1_000_000


class Timeline:
    """A column of times or numbers, the ends of the analysis, and the step of its periods.

    A step is a size, whose periods begin at the start of the analysis, or the word week, month or year.
    """

    def __init__(self, args: Arguments, column: str, start: str | None, end: str | None, step: str) -> None:
        self.args = args
        self.column = args.column(column, "summable")
        self.type = self.column.type
        self.start = self.end = None
        if start is not None and end is not None:
            self.start, self.end = self.moment(args.given[start]), self.moment(args.given[end])
        self.step: object = self.size(args.given[step], words=True)

    def moment(self, node: syntax.Expression) -> object:
        """A constant on the timeline."""
        kind, value = self.args.fixed(node)
        if not _same(kind, self.type):
            message = f"A value of type {self.type} is expected here, as '{self.column.name}' is, not {kind}"
            raise self.args.binder.stop("KS107", message, node)
        return value

    def size(self, node: syntax.Expression, *, words: bool = False) -> object:
        """A constant distance on the timeline; it must be positive. With `words` also week, month, year."""
        kind, value = self.args.fixed(node)
        stop = self.args.binder.stop
        if kind is Type.STRING and words:
            if self.type not in (Type.DATETIME, Type.UNKNOWN):
                raise stop("KS107", "A period of the calendar needs a timeline of type datetime", node)
            if value is not None and value not in CALENDAR:
                raise stop("VDT1008", f"'{value}' is not a period; it is a size, or one of week, month, year", node)
            return value
        wanted = Type.TIMESPAN if self.type is Type.DATETIME else self.type
        if not _same(kind, wanted):
            raise stop("KS107", f"A size of type {wanted} is expected here, not {kind}", node)
        if value is not None and not float(str(value)) > 0:
            raise stop("VDT1008", "The size must be greater than zero", node)
        return value

    # -- SQL

    def literal(self, compiler: Compiler, value: object) -> str:
        """A place or distance on the timeline as SQL."""
        kind = Type.REAL if isinstance(value, float) else Type.DECIMAL if self.type is Type.DECIMAL else Type.LONG
        return compiler.sql.literal(value, kind).sql

    def period(self, compiler: Compiler, moment: str, *, aligned: bool = True) -> str:
        """The start of the period of a moment; not `aligned` to the analysis it counts from zero."""
        scalars = self.args.binder.catalog.scalars
        value = Fragment(moment, self.type)
        if isinstance(self.step, str):
            return str(scalars[f"startof{self.step}"].emit(compiler.sql, value))
        timed = self.type in (Type.DATETIME, Type.TIMESPAN)
        step = Fragment(self.literal(compiler, self.step), Type.TIMESPAN if timed else self._number(self.step))
        if not aligned or self.start is None:
            return str(scalars["bin"].emit(compiler.sql, value, step))
        origin = Fragment(self.literal(compiler, self.start), self.type if timed else self._number(self.start))
        return str(scalars["bin_at"].emit(compiler.sql, value, step, origin))

    def before(self, compiler: Compiler, period: str) -> str:
        """The start of the period before one."""
        if isinstance(self.step, str):
            return self.period(compiler, f"({period} - 1)")
        return f"({period} - {self.literal(compiler, self.step)})"

    def _number(self, value: object) -> Type:
        return Type.REAL if isinstance(value, float) else Type.DECIMAL if self.type is Type.DECIMAL else Type.LONG

    def within(self, compiler: Compiler, moment: str | None = None, back: object = None) -> list[str]:
        """The conditions that a row lies between the ends, or so far before the start."""
        when = moment or name_of(self.column)
        if self.start is None or self.end is None:
            return [f"{when} IS NOT NULL"]
        start, end = self.literal(compiler, self.start), self.literal(compiler, self.end)
        if back is not None:
            start = f"{start} - {self.literal(compiler, back)}"
        return [f"{when} >= {start}", f"{when} <= {end}"]

    def rows(
        self, compiler: Compiler, rel: Rel, identity: Column | None, dims: list[Column], *, back: object = None,
        extra: tuple[str, ...] = (), aligned: bool = True,
    ) -> str:  # fmt: skip
        """A CTE of the rows of the analysis: t, p (period), i (identity), d0 ... (dimensions)."""
        when = name_of(self.column)
        items = [f"{when} AS t", f"{self.period(compiler, when, aligned=aligned)} AS p"]
        if identity is not None:
            items.append(f"{name_of(identity)} AS i")
        items += [f"{name_of(dim)} AS d{index}" for index, dim in enumerate(dims)]
        return compiler.add_cte(rows_of(rel, [*items, *extra], self.within(compiler, back=back)))

    def shown(self, period: str, column: Column) -> str:
        """A period as a value of a result's column."""
        return f"CAST({period} AS {SQL_TYPES[column.type]}) AS {name_of(column)}"

    def periods(self, compiler: Compiler) -> str:
        """A CTE of the starts (q) of all periods from the start of the analysis to its end."""
        start, end = self.start, self.end
        assert start is not None
        assert end is not None
        if isinstance(self.step, str):
            moments = calendar(int(str(start)), int(str(end)), self.step)
            values = ", ".join(f"({self.literal(compiler, moment)})" for moment in moments) or "(NULL)"
            return compiler.add_cte(f"SELECT q FROM (VALUES {values}) AS v(q) WHERE q IS NOT NULL")
        # Exact: the ticks of a moment are more than the digits of a float.
        size, span = Fraction(str(self.step)), Fraction(str(end)) - Fraction(str(start))
        count = 0 if span < 0 else span // size + 1
        if count > MOST_PERIODS:
            message = f"the analysis has {count} periods, more than {MOST_PERIODS}; take a greater step"
            raise KqlError("", [self.args.binder.stop("VDT1008", message, self.args.node.call).diagnostic])
        first, step = self.literal(compiler, start), self.literal(compiler, self.step)
        return compiler.add_cte(f"SELECT {first} + v.n * {step} AS q FROM range({count}) AS v(n)")


def _same(have: Type, wanted: Type) -> bool:
    return Type.UNKNOWN in (have, wanted) or have is wanted or (have in NUMBERS and wanted in NUMBERS)


def same(dims: list[Column], left: str, right: str) -> str:
    """The condition that two rows have the same dimensions, with AND in front."""
    return "".join(f" AND {left}.d{index} IS NOT DISTINCT FROM {right}.d{index}" for index in range(len(dims)))


def names(dims: list[Column], prefix: str = "") -> list[str]:
    """The names of the dimensions in the CTE of rows."""
    return [f"{prefix}d{index}" for index in range(len(dims))]


def calendar(first: int, last: int, word: str) -> list[int]:
    """The starts of the periods of the calendar that touch a time between two moments, in ticks."""
    moment: datetime | None = _start(ticks.to_datetime(first), word)
    found: list[int] = []
    while moment is not None and ticks.from_datetime(moment) <= last:
        found.append(ticks.from_datetime(moment))
        if len(found) > MOST_PERIODS:
            break
        moment = _next(moment, word)
    return found


def _start(moment: datetime, word: str) -> datetime:
    day = datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    if word == "day":
        return day
    if word == "week":
        # weeks start on Sunday
        return day - timedelta(days=(day.weekday() + 1) % 7)
    return day.replace(day=1) if word == "month" else day.replace(month=1, day=1)


def _next(moment: datetime, word: str) -> datetime | None:
    try:
        if word in ("day", "week"):
            return moment + timedelta(days=7 if word == "week" else 1)
        if word == "year":
            return moment.replace(year=moment.year + 1)
        return (moment + timedelta(days=32)).replace(day=1)
    except (OverflowError, ValueError):
        # the last period that datetime can hold
        return None
