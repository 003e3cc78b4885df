"""CEF events, many at once, as columns of the table CommonSecurityLog.

A device writes the same keys in the same order again and again. The orders of keys that were frequent before are looked for in the whole
batch at once, by splitting all texts at their signs; an event of another order is read by itself. How keys become columns is found
out once for each order. What makes an event special (an escaped pipe, a key that comes twice, a value that is not of its column's
type) leaves it to `cef.parse` and `cef.row`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from vedette.collect.formats import cef, rfc3164, syslog
from vedette.collect.formats.cef_fields import FIELDS
from vedette.collect.formats.timestamps import Moments
from vedette.kql.types import Type
from vedette.store.columnar import SOURCE, Column, columnar
from vedette.store.timestamps import parse_ticks

_INT: Final = 2**31
_FEW: Final = 4
"""Fewer events of one order of keys than this are read one by one."""
_MANY: Final = 64
"""So many events of one order of keys make it one to look for."""
_FREQUENT: Final = 24
"""Orders of keys that are looked for."""
_REMEMBERED: Final = 4096
_BEFORE: Final = 7
"""Parts of an event before its extension: what stands before the first `|`, and the fields of the header."""
_PAIRS: Final = re.compile(rf" ({cef.KEY})=")
_COMMON_HEAD: Final = re.compile(rf"(?:<[0-9]{{1,3}}>)?{rfc3164.TIME_AND_HOST}CEF: ?[0-9]{{1,3}}(?:\.[0-9]{{1,3}})?")
_REAL: Final = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?")
_NO_SPACE_AT_END: Final = r"^$|[!-~]\z"
_KINDS: Final = {"s": Type.STRING, "i": Type.INT, "l": Type.LONG, "r": Type.REAL, "t": Type.DATETIME}

_Keys = tuple[str, ...]
_Places = npt.NDArray[np.int64]
_Head = tuple[str | None, str | None]
"""Time and host of the syslog header."""


class _Events(NamedTuple):
    """Events of one order of keys: their places in the batch, and as columns of texts their parts before the extension and values."""

    places: _Places
    columns: list[pa.Array]

    def filtered(self, kept: pa.Array) -> _Events:
        """Some of them."""
        return _Events(self.places[np.asarray(kept)], [column.filter(kept) for column in self.columns])


class _Plan(NamedTuple):
    """How the values of one order of keys become columns: the place of each column's value, its type, and the older column."""

    columns: tuple[tuple[str, int, str, str | None], ...]
    others: tuple[tuple[str, int], ...]


def _plan(keys: _Keys) -> _Plan | None:
    """None where two keys mean one column: the order of their values decides then."""
    columns: list[tuple[str, int, str, str | None]] = []
    others: list[tuple[str, int]] = []
    taken: set[str] = set()
    for place, key in enumerate(keys, _BEFORE):
        field = FIELDS.get(key)
        if field is None:
            others.append((key, place))
            names = {key}
        else:
            columns.append((field.column, place, field.type, field.also))
            names = {field.column, field.also or field.column}
        if names & taken:
            return None
        taken |= names
    return _Plan(tuple(columns), tuple(others))


class CefBatches:
    """Reads batches of texts; `collector` is the name of this machine."""

    def __init__(self, moments: Moments, collector: str) -> None:
        self._moments = moments
        self._collector = collector
        self._plans: dict[_Keys, _Plan | None] = {}
        self._frequent: dict[_Keys, int] = {}
        self._heads: dict[str, _Head | None] = {}

    def read(self, texts: Sequence[str], sources: Sequence[str]) -> tuple[list[pa.Table], list[tuple[str, str]]]:
        """Columns, and the texts that are special in some way with their senders."""
        self._heads = {}
        self._frequent = {keys: count // 2 for keys, count in self._frequent.items() if count > 1}
        orders: list[tuple[_Keys, _Events]] = []
        odd: list[int] = []
        rest = self._look_for_frequent(texts, orders)
        self._read_others(texts, rest, orders, odd)
        made: list[pa.Table] = []
        for keys, events in orders:
            count = len(events.places)
            if count >= _MANY:
                self._frequent[keys] = self._frequent.get(keys, 0) + count
            plan = self._planned(keys) if count >= _FEW else None
            bad = events.places
            if plan is not None:
                table, bad = self._table(plan, events, sources)
                if table is not None:
                    made.append(table)
            odd += bad.tolist()
        most = sorted(self._frequent.items(), key=lambda item: -item[1])[:_FREQUENT]
        self._frequent = dict(most)
        odd.sort()
        return made, [(texts[place], sources[place]) for place in odd]

    # -- all texts at once

    def _look_for_frequent(self, texts: Sequence[str], orders: list[tuple[_Keys, _Events]]) -> Sequence[int]:
        """Reads the events that have one of the frequent orders of keys, and no backslash; the places of all others."""
        if not self._frequent:
            return range(len(texts))
        whole = pa.array(texts, pa.string())
        split = pc.split_pattern(whole, "|", max_splits=_BEFORE)
        plain = pc.and_(pc.equal(pc.list_value_length(split), _BEFORE + 1), pc.invert(pc.match_substring(whole, "\\")))
        places = np.flatnonzero(np.asarray(plain))
        if len(places) < len(texts):
            split = split.filter(plain)
        parts = [pc.list_element(split, number) for number in range(_BEFORE + 1)] if len(places) else []
        if not parts:
            return range(len(texts))
        coded = pc.dictionary_encode(parts[0])
        known = pa.array([self._head_of(text) is not None for text in coded.dictionary.to_pylist()])
        pieces = pc.split_pattern(parts.pop(), "=")
        if not pc.all(known).as_py():
            right = known.take(coded.indices)
            places, pieces = places[np.asarray(right)], pieces.filter(right)
            parts = [part.filter(right) for part in parts]
        left = np.ones(len(texts), dtype=np.bool_)
        lengths = np.asarray(pc.list_value_length(pieces))
        free = np.ones(len(places), dtype=np.bool_)
        for keys in self._frequent:
            chosen = np.flatnonzero(free & (lengths == len(keys) + 1))
            found, values = _values_of(keys, pieces if len(chosen) == len(places) else pieces.take(chosen))
            chosen = chosen[found]
            if len(chosen):
                columns = parts if len(chosen) == len(places) else [part.take(pa.array(chosen)) for part in parts]
                orders.append((keys, _Events(places[chosen], columns + values)))
                free[chosen] = False
                left[places[chosen]] = False
        return np.flatnonzero(left).tolist()

    # -- one text

    def _read_others(
        self, texts: Sequence[str], places: Sequence[int], orders: list[tuple[_Keys, _Events]], odd: list[int]
    ) -> None:
        """Reads events one by one, and sorts them by their keys."""
        found: dict[_Keys, tuple[list[int], list[list[str]]]] = {}
        for place in places:
            text = texts[place]
            parts = text.split("|", _BEFORE)
            if len(parts) <= _BEFORE or "\\|" in text or self._head_of(parts[0]) is None:
                odd.append(place)
                continue
            pairs = _PAIRS.split(" " + parts.pop().rstrip())
            if pairs[0].strip():  # text before the first key, or a sign of its own kind
                odd.append(place)
                continue
            if "\\" in text:
                parts[1:] = map(cef.unescaped_header, parts[1:])
            for number in range(2, len(pairs) - 1, 2):
                if pairs[number][-1:] == " " and cef.is_exact(pairs[number - 1]):
                    pairs[number] = pairs[number].rstrip(" ")
            parts += [cef.unescaped(value) if "\\" in value else value for value in pairs[2::2]]
            own = found.setdefault(tuple(pairs[1::2]), ([], []))
            own[0].append(place)
            own[1].append(parts)
        for keys, (own_places, rows) in found.items():
            columns = [pa.array(column, pa.string()) for column in zip(*rows)] if len(rows) >= _FEW else []
            orders.append((keys, _Events(np.array(own_places, dtype=np.int64), columns)))

    def _head_of(self, text: str) -> _Head | None:
        """What the syslog header says; None where `CEF:version` does not end the text."""
        try:
            return self._heads[text]
        except KeyError:
            head = self._heads[text] = self._head(text)
            return head

    def _head(self, text: str) -> _Head | None:
        if (common := _COMMON_HEAD.fullmatch(text)) is not None and (
            time := self._moments.stamp(common[1])
        ) is not None:
            return time, common[2]
        start = cef.find(text + "|")
        if start < 0:
            return None
        if not start:
            return None, None
        header = syslog.parse(text[:start], self._moments)
        return header.time, header.host

    def _planned(self, keys: _Keys) -> _Plan | None:
        try:
            return self._plans[keys]
        except KeyError:
            if len(self._plans) >= _REMEMBERED:  # keys are chosen by senders
                self._plans.clear()
            found = self._plans[keys] = _plan(keys)
            return found

    # -- one order of keys

    def _table(self, plan: _Plan, events: _Events, sources: Sequence[str]) -> tuple[pa.Table | None, _Places]:
        """The columns, and the places of the events that are not in them."""
        bad: set[int] = set()
        read = self._columns(plan, events, bad)
        wrong = events.places[:0]
        if bad:
            kept = np.ones(len(events.places), dtype=np.bool_)
            kept[list(bad)] = False
            wrong = events.places[~kept]
            events = events.filtered(pa.array(kept))
            if not len(events.places):
                return None, wrong
            read = self._columns(plan, events, set())
        return columnar(self._common(events, sources) | read | _derived(read, len(events.places))), wrong

    def _common(self, events: _Events, sources: Sequence[str]) -> dict[str, Column]:
        """What every event has."""
        size = len(events.places)
        own = [sources[place] for place in events.places.tolist()]
        source = pa.repeat(own[0], size) if own.count(own[0]) == size else pa.array(own)
        coded = pc.dictionary_encode(events.columns[0])
        heads = [self._heads[text] or (None, None) for text in coded.dictionary.to_pylist()]
        times = pa.array([parse_ticks(self._moments.generated(time)) for time, _ in heads], pa.int64())
        host = pa.array([host for _, host in heads], pa.string()).take(coded.indices)
        texts = dict(zip(cef.HEADER, events.columns[1:_BEFORE]))
        texts["OriginalLogSeverity"] = texts["LogSeverity"]
        texts["Computer"] = pc.coalesce(host, source) if host.null_count else host
        texts[SOURCE] = source
        texts["CollectorHostName"] = pa.repeat(self._collector, size)
        moment = Column(Type.DATETIME, times.take(coded.indices))
        return {"TimeGenerated": moment} | {name: Column(Type.STRING, values) for name, values in texts.items()}

    def _columns(self, plan: _Plan, events: _Events, bad: set[int]) -> dict[str, Column]:
        """The columns of the extension; `bad` gets those events of which a value is not of its column's type."""
        made: dict[str, Column] = {}
        for column, place, letter, also in plan.columns:
            own = events.columns[place]
            if letter == "s":
                made[column] = Column(Type.STRING, own)
                if column == "ExtID":
                    made["ExternalID"] = Column(
                        Type.INT, pa.array([_external(one) for one in own.to_pylist()], pa.int32())
                    )
                continue
            array = self._typed(own, letter, bad)
            if array is None:
                continue
            made[column] = Column(_KINDS[letter], array)
            if also is not None:
                small = pc.and_(pc.less(array, _INT), pc.greater(array, -_INT))
                made[also] = Column(Type.INT, pc.if_else(small, array, pa.scalar(None, pa.int64())).cast(pa.int32()))
        if plan.others:
            parts: list[object] = []
            for key, place in plan.others:
                parts += [f";{key}=" if parts else f"{key}=", events.columns[place]]
            made["AdditionalExtensions"] = Column(Type.STRING, pc.binary_join_element_wise(*parts, ""))
        return made

    def _typed(self, texts: pa.Array, letter: str, bad: set[int]) -> pa.Array | None:
        """The values in the storage type of a column; None where some are not of it. An empty value is an absent one."""
        kind = {"i": pa.int32(), "r": pa.float64()}.get(letter, pa.int64())
        found: list[object]
        if letter in "il":
            longest = 9 if letter == "i" else 18
            if pc.all(pc.and_(pc.ascii_is_decimal(texts), pc.less_equal(pc.binary_length(texts), longest))).as_py():
                return texts.cast(kind)
            found = [_NOTHING if value == "" else _number(value, letter) for value in texts.to_pylist()]
        elif letter == "r":
            found = [
                _NOTHING if value == "" else float(value) if _REAL.fullmatch(value) else None
                for value in texts.to_pylist()
            ]
        else:
            found = [_NOTHING if value == "" else self._moment(value) for value in texts.to_pylist()]
        wrong = [number for number, value in enumerate(found) if value is None]
        if wrong:
            bad.update(wrong)
            return None
        return pa.array([None if value is _NOTHING else value for value in found], kind)

    def _moment(self, value: str) -> int | None:
        text = self._moments.read(value)
        return None if text is None else parse_ticks(text)


def _values_of(keys: _Keys, pieces: pa.Array) -> tuple[npt.NDArray[np.bool_], list[pa.Array]]:
    """Which extensions, split at their signs, have these keys; and the values of those that have.

    A piece is a value, a space, and the next key. `pieces` has one piece more than there are keys in every extension.
    """
    size = len(pieces)
    found = np.ones(size, dtype=np.bool_)
    columns: list[pa.Array] = []
    for number in range(len(keys) + 1 if size and keys else 0):
        piece = pc.list_element(pieces, number)
        if number == 0:
            right = pc.equal(pc.utf8_ltrim(piece, " "), keys[0])
        elif number == len(keys):
            right = pc.match_substring_regex(piece, _NO_SPACE_AT_END)
        else:
            right = pc.ends_with(piece, f" {keys[number]}")
        found &= np.asarray(right)
        if not found.any():
            break
        columns.append(piece)
    if not found.any() or not keys:
        return np.zeros(size, dtype=np.bool_), []
    if not found.all():
        columns = [column.filter(pa.array(found)) for column in columns]
    values = []
    for column, key, following in zip(columns[1:-1], keys, keys[1:]):
        value = pc.utf8_slice_codeunits(column, 0, -len(following) - 1)
        values.append(pc.utf8_rtrim(value, " ") if cef.is_exact(key) else value)
    return found, [*values, columns[-1]]


def _derived(read: dict[str, Column], size: int) -> dict[str, Column]:
    """What `cef.row` derives from other columns."""
    made: dict[str, Column] = {}
    if (action := read.get("DeviceAction")) is not None:
        coded = pc.dictionary_encode(action.values)
        simple = pa.array([cef.simplified(text) for text in coded.dictionary.to_pylist()], pa.string())
        made["SimplifiedDeviceAction"] = Column(Type.STRING, simple.take(coded.indices))
    if "CommunicationDirection" in read:
        names = ("CommunicationDirection", "SourceIP", "SourcePort", "DestinationIP", "DestinationPort")
        lists = {name: read[name].values.to_pylist() if name in read else [None] * size for name in names}
        remote = [
            cef.remote({name: values[number] for name, values in lists.items() if values[number] is not None})
            for number in range(size)
        ]
        for name in ("RemoteIP", "RemotePort"):
            if any(name in one for one in remote):
                made[name] = Column(Type.STRING, pa.array([one.get(name) for one in remote], pa.string()))
    return made


class _Nothing:
    """An empty value."""


_NOTHING: Final = _Nothing()


def _number(value: str, letter: str) -> int | None:
    if cef.NUMBER.fullmatch(value) is None:
        return None
    number, bound = int(value), _INT if letter == "i" else 2**63
    return number if -bound <= number < bound else None


def _external(value: str) -> int | None:
    return int(value) if cef.NUMBER.fullmatch(value) and abs(int(value)) < _INT else None
