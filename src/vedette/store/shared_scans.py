"""Looks that queries share: one statement a table tells of many queries whether any row could be a part of what they find.

A look is right for a query only if that query, run at the same moment, would be empty wherever the look says so. So what a
query needs is kept together with all that the binder was told for it (tables, functions, watchlists), and is read off the
query anew when any of that has changed. All statements of a look see the store at one moment, inside of one transaction.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, NamedTuple

import duckdb

from vedette.core.clock import Clock
from vedette.core.errors import VedetteError
from vedette.engine.compiler import Compiled
from vedette.engine.needs import atoms, needed
from vedette.engine.query import Limits, QueryEngine, QueryFailed, QueryOptions, Run
from vedette.engine.rewrites import ALL_REWRITES
from vedette.engine.shared_scans import (
    FIRST,
    REWRITE,
    Formula,
    Look,
    Wanted,
    formula_of,
    met,
    statement,
    varies,
    wanted,
)
from vedette.engine.walking import relations_of
from vedette.kql import ticks
from vedette.kql.bound import Column, Expr, External, Relation
from vedette.kql.diagnostics import KqlError
from vedette.kql.host import Host, Items, SavedFunction, TableSchema
from vedette.kql.types import Type
from vedette.store.logstore import LogStore
from vedette.store.retention.lake import READERS

log = logging.getLogger(__name__)

_MOST_REMEMBERED: Final = 10_000
_HOUR: Final = 3600 * ticks.SECOND
_AGES: Final = (_HOUR, 6 * _HOUR, 24 * _HOUR, 96 * _HOUR)
"""Rows are looked at from the newest to the oldest, in parts that grow: who finds what it needs takes no part in what follows."""
_SLOWLY: Final = 0.3
"""How much of what a part took the last time counts for what it is thought to take."""
_FADING: Final = 0.97
"""How much less a part is thought to take each time that a question is left out because of it."""
_MOST_LOOKS: Final = 200
"""Conditions of one statement."""
_LIMITS: Final = frozenset({"VDT2001", "VDT2002", "VDT2005"})
"""Codes of statements that were ended for their time or memory, or because somebody wanted it."""
_HARMLESS: Final = frozenset({"notruncation", "truncationmaxrecords", "truncationmaxsize", "query_take_max_records"})
"""Options that make no empty result of another, and no other of an empty one."""


class Question(NamedTuple):
    """A query over [start, end) of the time of its tables' rows, with `end` as its now(); and how many seconds a look may take for it."""

    text: str
    start: datetime
    end: datetime
    worth: float


@dataclass(slots=True)
class Answer:
    """What a look tells of a query: that its result is empty, or nothing; and its share of the seconds that the look took."""

    empty: bool = False
    seconds: float = 0.0
    tried: bool = False
    """Whether a look could say no more than this; False where it was not worth it, or failed."""


class _Unclear(Exception):
    """What the query needs depends on more than its text and the schema."""


@dataclass(slots=True)
class _Told:
    """The workspace as the binder sees it, with a record of all that it was told."""

    host: Any
    name: str
    answers: dict[tuple[Any, ...], object] = field(default_factory=dict)

    def _ask(self, *asked: Any) -> Any:
        if asked not in self.answers:
            self.answers[asked] = _answer(self.host, asked)
        return self.answers[asked]

    def table(self, name: str) -> TableSchema | None:
        found: TableSchema | None = self._ask("table", name)
        return found

    def table_names(self) -> Iterable[str]:
        names: tuple[str, ...] = self._ask("table_names")
        return names

    def function(self, name: str) -> SavedFunction | None:
        found: SavedFunction | None = self._ask("function", name)
        return found

    def function_names(self) -> Iterable[str]:
        names: tuple[str, ...] = self._ask("function_names")
        return names

    def watchlist(self, alias: str, keys: Sequence[str] | None) -> Items | None:
        found: Items | None = self._ask("watchlist", alias, None if keys is None else tuple(keys))
        return found

    def watchlist_aliases(self) -> Sequence[str]:
        names: tuple[str, ...] = self._ask("watchlist_aliases")
        return names

    def workspace(self, name: str) -> Host | None:
        raise _Unclear


def _answer(host: Any, asked: tuple[Any, ...]) -> object:
    found = getattr(host, asked[0])(*asked[1:])
    return tuple(found) if asked[0] in ("table_names", "function_names", "watchlist_aliases") else found


def _same(left: object, right: object) -> bool:
    """Whether the binder would make the same of two answers."""
    if left is right:
        return True
    if isinstance(left, TableSchema) and isinstance(right, TableSchema):
        return replace(left, terms=None) == replace(right, terms=None)
    if isinstance(left, SavedFunction) and isinstance(right, SavedFunction):
        return (left.name, left.text, left.open, repr(left.literal)) == (
            right.name,
            right.text,
            right.open,
            repr(right.literal),
        )
    if isinstance(left, Items) and isinstance(right, Items):
        return left.fields == right.fields and list(left.rows) == list(right.rows)
    return bool(left == right)


class _Reading(Run):
    """A run that binds a query and asks nothing of the data."""

    def constant(self, expression: Expr) -> object:
        if varies(expression):
            raise _Unclear
        return super().constant(expression)

    def values(self, relation: Relation, column: Column, most: int) -> list[object] | None:
        raise _Unclear

    def keys(self, relation: Relation, column: Column) -> list[tuple[str, Type]]:
        raise _Unclear

    def distinct(self, relation: Relation, column: Column) -> list[str]:
        raise _Unclear

    def columns(self, relation: Relation) -> list[list[object]]:
        raise _Unclear

    def option(self, name: str, value: object) -> None:
        if name not in _HARMLESS:
            raise _Unclear


@dataclass(frozen=True, slots=True)
class _Known:
    """What a query needs, and what the binder was told when that was read off it; without a formula nothing is known."""

    formula: Formula | int | None
    wanted: tuple[Wanted, ...]
    told: dict[tuple[Any, ...], object]


@dataclass(slots=True)
class _Asked:
    """A question while a look goes on."""

    question: Question
    known: _Known
    times: list[tuple[int, int]]
    conditions: list[str]
    found: list[bool | None]
    read: float
    """Seconds that it took to know what it needs."""
    spent: float = 0.0
    """Seconds of its share of the statements."""

    @property
    def open(self) -> bool:
        formula = self.known.formula
        return formula is not None and met(formula, self.found) is None


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """One of the rows that a question needs."""

    asked: _Asked
    at: int

    @property
    def wanted(self) -> Wanted:
        return self.asked.known.wanted[self.at]

    @property
    def start(self) -> int:
        return self.asked.times[self.at][0]

    @property
    def end(self) -> int:
        return self.asked.times[self.at][1]

    def affords(self, seconds: float) -> bool:
        """Whether the question is worth so many seconds more."""
        return self.asked.spent + seconds <= self.asked.question.worth

    def look(self, start: int, end: int) -> Look:
        """The condition, over the part of its time that lies in another."""
        return Look(self.wanted, self.asked.conditions[self.at], max(start, self.start), min(end, self.end))


class SharedScans:
    """Looks over the tables of one store. Safe to use from several threads."""

    def __init__(self, logs: LogStore, clock: Clock, rewrites: frozenset[str] = ALL_REWRITES) -> None:
        """Without the rewrite `shared-scan` no look says anything."""
        self._logs = logs
        self._clock = clock
        self._rewrites = rewrites
        self._remembered: dict[str, _Known] = {}
        self._rates: dict[tuple[str, int], float] = {}
        """Of a part of a table's rows the seconds that one condition took."""
        self._registered: tuple[QueryEngine | None, frozenset[str]] = (None, frozenset())
        """Row functions that an engine has been told of here."""
        self._doubtful: set[str] = set()
        """Queries of which one was in a statement that failed."""

    def look(self, asked: Sequence[tuple[str, datetime, datetime, float]], seconds: float) -> list[Answer]:
        """What one look of so many seconds at most tells of some queries: of each its `Question`.

        Never raises for what the engine does: where a statement fails, nothing is said of the queries that it was for.
        """
        answers = [Answer() for _ in asked]
        if not asked or REWRITE not in self._rewrites:
            return answers
        questions = [Question(*one) for one in asked]
        found: list[_Asked] = []
        run: Run | None = None
        with READERS.reading():
            try:
                run = Run(self._logs.engine, QueryOptions(questions[0].end, limits=Limits(seconds=seconds)))
                found = self._at_one_moment(run, questions)
                run.deadline = time.monotonic() + seconds
                for table in dict.fromkeys(one.table for each in found for one in each.known.wanted):
                    self._look_at(run, table, [each for each in found if each.open])
            except (duckdb.Error, QueryFailed, VedetteError) as error:
                log.warning("a look that rules share has failed: %s", str(error).split("\n", 1)[0])
            except Exception:  # no look is ever needed: who is not answered is run
                log.exception("a look that rules share has failed")
            finally:
                if run is not None:
                    run.connection.close()
        for answer, each in zip(answers, found):
            formula = each.known.formula
            answer.empty = formula is not None and met(formula, each.found) is False
            answer.seconds = each.read + each.spent
            answer.tried = formula is None or each.spent > 0 or answer.empty
        return answers

    def _at_one_moment(self, run: Run, questions: Sequence[Question]) -> list[_Asked]:
        """The questions, and what they need of the tables as they are in the transaction that begins here."""
        while True:
            run.connection.execute("BEGIN TRANSACTION")
            run.connection.execute("SELECT count(*) FROM store_catalog.tables").fetchall()
            found = self._asked(run, questions)
            uses = {use.key: use for each in found for one in each.known.wanted for use in one.functions}
            if self._registered[0] is run.engine and uses.keys() <= self._registered[1]:
                return found
            # a transaction does not see functions that came after it had begun
            run.connection.execute("ROLLBACK")
            run.engine.register(Compiled("", (), set(), list(uses.values())))
            known = self._registered[1] if self._registered[0] is run.engine else frozenset()
            self._registered = (run.engine, known | uses.keys())

    def _asked(self, run: Run, questions: Sequence[Question]) -> list[_Asked]:
        told: dict[tuple[Any, ...], object] = {}
        found = []
        for question in questions:
            began = self._clock.monotonic()
            known = self._known(run.engine, question, told)
            now, start = ticks.from_datetime(question.end), ticks.from_datetime(question.start)
            times = [one.between(start, now, now) for one in known.wanted]
            # conditions that leave no time are met by no row
            nothing: list[bool | None] = [False if first >= last else None for first, last in times]
            conditions = [one.at(now, run.number) for one in known.wanted]
            read = self._clock.monotonic() - began
            found.append(_Asked(question, known, times, conditions, nothing, read))
        return found

    def _known(self, engine: QueryEngine, question: Question, told: dict[tuple[Any, ...], object]) -> _Known:
        known = self._remembered.get(question.text)
        if known is None or not all(self._still(asked, answer, told) for asked, answer in known.told.items()):
            known = _read(engine, self._logs.host, question)
            if len(self._remembered) >= _MOST_REMEMBERED:
                self._remembered.clear()
            self._remembered[question.text] = known
        return known

    def _still(self, asked: tuple[Any, ...], answer: object, told: dict[tuple[Any, ...], object]) -> bool:
        if asked not in told:
            try:
                told[asked] = _answer(self._logs.host, asked)
            except VedetteError:
                return False
        return _same(answer, told[asked])

    def _look_at(self, run: Run, table: str, asked: Sequence[_Asked]) -> None:
        """Looks at a table, from its newest rows to the oldest, for as long as a question is open and worth it."""
        left = [
            _Place(each, at) for each in asked for at, one in enumerate(each.known.wanted)
            if one.table == table and each.found[at] is None
        ]  # fmt: skip
        if not left:
            return
        last = max(place.end for place in left)
        timed = left[0].wanted.moment is not None
        starts = [*(last - age for age in _AGES), FIRST] if timed else [FIRST]
        ends = [last, *starts[:-1]]
        for age, (start, end) in enumerate(zip(starts, ends, strict=True)):
            rate = self._rates.get((table, age), 0.0)
            left = [place for place in left if place.asked.open]
            wanted = len(left)
            left = [place for place in left if place.start >= end or place.affords(rate)]
            if len(left) < wanted:  # until it is tried again: what it took may have been another's fault
                self._rates[table, age] = rate * _FADING
            part = [place for place in left if place.start < end and place.end > start]
            doubtful = [place for place in part if place.asked.question.text in self._doubtful]
            sound = [place for place in part if place not in doubtful]
            groups = [sound[first : first + _MOST_LOOKS] for first in range(0, len(sound), _MOST_LOOKS)]
            for group in [*groups, *([place] for place in doubtful)]:
                self._look_in(run, (table, age), group, start, end)
            for place in left:
                if place.asked.found[place.at] is None and place.start >= start:  # all of its time was looked at
                    place.asked.found[place.at] = False
            left = [place for place in left if place.asked.found[place.at] is None]
            if not left:
                return

    def _look_in(self, run: Run, part: tuple[str, int], places: list[_Place], start: int, end: int) -> None:
        """Looks at the rows of a table from one time up to another for some questions."""
        looks = {place: place.look(start, end) for place in places}
        distinct = {look.key: look for look in looks.values()}  # many rules ask for the same rows
        run.proceed()
        began = self._clock.monotonic()
        try:
            row = run.fetch(statement(list(distinct.values())))[0]
        except QueryFailed as failure:
            if failure.code not in _LIMITS:  # which are nobody's fault by himself
                self._doubt([place.asked for place in places])
            raise
        finally:
            spent = (self._clock.monotonic() - began) / len(places)
            before = self._rates.get(part)
            self._rates[part] = spent if before is None else before + _SLOWLY * (spent - before)
            for place in places:
                place.asked.spent += spent
        if len(places) == 1:
            self._doubtful.discard(places[0].asked.question.text)
        found = dict(zip(distinct, row, strict=True))
        for place, look in looks.items():
            if found[look.key]:
                place.asked.found[place.at] = True

    def _doubt(self, asked: Sequence[_Asked]) -> None:
        """Looks for these by themselves from now on; for one that fails by itself, not at all."""
        texts = {each.question.text for each in asked}
        if len(texts) == 1:
            known = asked[0].known
            self._remembered[asked[0].question.text] = _Known(None, (), known.told)
        self._doubtful |= texts


def _read(engine: QueryEngine, host: Any, question: Question) -> _Known:
    """What a query needs, read off its bound tree."""
    told = _Told(host, host.name)
    options = QueryOptions(question.end, (question.start, question.end), limits=Limits(seconds=60), host=told)
    run = _Reading(engine, options)
    nothing = _Known(None, (), told.answers)
    try:
        bound = run.bound(question.text)
        if len(bound.results) != 1 or any(isinstance(one, External) for one in relations_of(bound.results[0])):
            return nothing
        need = needed(bound.results[0])
        if need is None:
            return nothing
        rows = list(atoms(need))
        places = {id(one): at for at, one in enumerate(rows)}
        return _Known(formula_of(need, places), tuple(map(wanted, rows)), told.answers)
    except (_Unclear, KqlError, QueryFailed, VedetteError, RecursionError):
        return nothing
    except Exception:
        log.exception("what a query needs cannot be read off it")
        return nothing
    finally:
        run.connection.close()
