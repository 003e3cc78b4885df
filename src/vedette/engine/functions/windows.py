"""Functions of neighbouring rows: prev, next, row_number, row_cumsum, ranks and sessions (rule 83)."""

from __future__ import annotations

from vedette.engine.catalog import window
from vedette.engine.dialect import DuckDbSql
from vedette.engine.fragment import Fragment
from vedette.engine.functions.arithmetic import wrap
from vedette.engine.windows import Over
from vedette.kql.types import INTEGERS, Type

_SO_FAR = "ROWS UNBOUNDED PRECEDING"


def _neighbour(
    sql: DuckDbSql, over: Over, function: str, column: Fragment, offset: Fragment | None, default: Fragment | None
) -> Fragment:
    beyond = sql.literal(None, column.type) if default is None else sql.cast(default, column.type)
    distance = "1" if offset is None else offset.sql
    text = f"{function}({column}, {distance}, {beyond}) OVER ({over})"
    nullable = column.type is not Type.STRING and (column.nullable or beyond.nullable)
    return Fragment(text, column.type, nullable)


@window(
    "prev(column: any, offset?: const long, default_value?: const any): same(column)",
    about="The value of a row further up; the default where there is none.", page="prev-function",
)  # fmt: skip
def prev(
    sql: DuckDbSql, over: Over, column: Fragment, offset: Fragment | None = None, default: Fragment | None = None
) -> Fragment:
    return _neighbour(sql, over, "lag", column, offset, default)


@window(
    "next(column: any, offset?: const long, default_value?: const any): same(column)",
    about="The value of a row further down; the default where there is none.", page="next-function",
)  # fmt: skip
def next_(
    sql: DuckDbSql, over: Over, column: Fragment, offset: Fragment | None = None, default: Fragment | None = None
) -> Fragment:
    return _neighbour(sql, over, "lead", column, offset, default)


@window(
    "row_number(startingIndex?: const long, restart?: bool): long",
    about="The row's number, from 1 or a given start; it starts anew where `restart` holds.",
    page="row-number-function",
)  # fmt: skip
def row_number(sql: DuckDbSql, over: Over, start: Fragment | None = None, restart: Fragment | None = None) -> Fragment:
    over = over.restarted(restart)
    first = "1" if start is None else start.sql
    return Fragment(f"(row_number() OVER ({over}) + {first} - 1)", Type.LONG, False)


@window(
    "row_cumsum(term: number, restart?: bool): same(term)", "row_cumsum(term: timespan, restart?: bool): timespan",
    about="The sum of the values so far; it starts anew where `restart` holds.", page="row-cumsum-function",
)  # fmt: skip
def row_cumsum(sql: DuckDbSql, over: Over, term: Fragment, restart: Fragment | None = None) -> Fragment:
    over = over.restarted(restart)
    total = f"coalesce(sum({term}) OVER ({over} {_SO_FAR}), 0)"
    if term.type in INTEGERS or term.type is Type.TIMESPAN:
        whole = Fragment(wrap(total), Type.LONG if term.type is Type.INT else term.type, False)
        return sql.cast(whole, term.type)
    return Fragment(total, term.type, False)


def _changes(over: Over, term: Fragment) -> str:
    """The name of whether a row's value differs from the one before; in the first row it does."""
    return over.before(f"(row_number() OVER ({over}) = 1 OR {term} IS DISTINCT FROM lag({term}) OVER ({over}))")


@window(
    "row_rank_dense(term: plain, restart?: bool): long",
    about="How many different values have come so far, in an input sorted by them.", page="row-rank-dense-function",
)  # fmt: skip
def row_rank_dense(sql: DuckDbSql, over: Over, term: Fragment, restart: Fragment | None = None) -> Fragment:
    over = over.restarted(restart)
    changed = _changes(over, term)
    return Fragment(f"count(CASE WHEN {changed} THEN 1 END) OVER ({over} {_SO_FAR})", Type.LONG, False)


@window(
    "row_rank_min(term: plain, restart?: bool): long",
    about="The number of the first row with the row's value, in an input sorted by it.", page="row-rank-min-function",
)  # fmt: skip
def row_rank_min(sql: DuckDbSql, over: Over, term: Fragment, restart: Fragment | None = None) -> Fragment:
    over = over.restarted(restart)
    changed = _changes(over, term)
    place = over.before(f"CASE WHEN {changed} THEN row_number() OVER ({over}) END")
    return Fragment(f"max({place}) OVER ({over} {_SO_FAR})", Type.LONG, False)


def session_starts(rows: object, from_first: int, between: int) -> object:
    """When each row's session started, of [time, restart] pairs; times and distances are ticks."""
    starts: list[int | None] = []
    start: int | None = None
    last: int | None = None
    for moment, restart in rows if isinstance(rows, list) else ():
        if moment is None:
            starts.append(None)
            continue
        if restart or start is None or last is None or moment - start > from_first or moment - last > between:
            start = moment
        last = moment
        starts.append(start)
    return starts


@window(
    "row_window_session(expr: datetime, maxDistanceFromFirst: const timespan, "
    "maxDistanceBetweenNeighbors: const timespan, restart?: bool): datetime",
    about="When the session of a row started: a session ends where the next row is too far from its first row, or from "
    "the row before.",
    page="row-window-session-function",
)
def row_window_session(
    sql: DuckDbSql, over: Over, moment: Fragment, from_first: Fragment, between: Fragment,
    restart: Fragment | None = None,
) -> Fragment:  # fmt: skip
    flag = "false" if restart is None else f"coalesce({restart}, false)"
    pair = f"'[' || coalesce(CAST({moment} AS VARCHAR), 'null') || ',' || {flag} || ']'"
    made = over.of_all(pair, session_starts, "session_starts", from_first, between)
    return Fragment(made, Type.DATETIME, True)
