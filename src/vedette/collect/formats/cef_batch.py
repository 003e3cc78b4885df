"""CEF events, many at once, as columns of the table CommonSecurityLog.

A device writes the same keys in the same order again and again. So events are sorted by their keys; how keys become columns is found
out once for each order, and the values of a column are converted together. What makes an event special (an escaped pipe, a key
that comes twice, a value that is not of its column's type) leaves it to `cef.parse` and `cef.row`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

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
"""So many events of one order of keys in a batch are worth an expression of their own."""
_REMEMBERED: Final = 4096
_COMPILED: Final = 256
_PAIRS: Final = re.compile(r" +([\w.\-\[\]]++)=")
_COMMON_HEAD: Final = re.compile(rf"(?:<[0-9]{{1,3}}>)?{rfc3164.TIME_AND_HOST}CEF: ?[0-9]{{1,3}}(?:\.[0-9]{{1,3}})?")
_REAL: Final = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?")
_KINDS: Final = {"s": Type.STRING, "i": Type.INT, "l": Type.LONG, "r": Type.REAL, "t": Type.DATETIME}


class _Plan(NamedTuple):
    """How the values of one order of keys become columns: the place of each column's value, its type, and the older column."""

    columns: tuple[tuple[str, int, str, str | None], ...]
    others: tuple[tuple[str, int], ...]


class _Events:
    """The events of one order of keys, in columns of Python's: their places, times and hosts, split heads, and values."""

    __slots__ = ("heads", "parts", "places", "values")

    def __init__(self) -> None:
        self.places: list[int] = []
        self.heads: list[_Head] = []
        self.parts: list[list[str]] = []
        self.values: list[Sequence[str]] = []

    def without(self, numbers: set[int]) -> _Events:
        """All but some of them."""
        rest = _Events()
        for number, values in enumerate(self.values):
            if number not in numbers:
                rest.places.append(self.places[number])
                rest.heads.append(self.heads[number])
                rest.parts.append(self.parts[number])
                rest.values.append(values)
        return rest


_Head = tuple[str | None, str | None]
"""Time and host of the syslog header."""
_Keys = tuple[str, ...]


def _plan(keys: _Keys) -> _Plan | None:
    """None where two keys mean one column: the order of their values decides then."""
    columns: list[tuple[str, int, str, str | None]] = []
    others: list[tuple[str, int]] = []
    taken: set[str] = set()
    for place, key in enumerate(keys):
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
        self._compiled: dict[_Keys, Callable[[str], re.Match[str] | None]] = {}
        self._forms: dict[tuple[str, str], list[tuple[Callable[[str], re.Match[str] | None], _Keys]]] = {}

    def read(self, texts: Sequence[str], sources: Sequence[str]) -> tuple[list[pa.Table], list[tuple[str, str]]]:
        """Columns, and the texts that are special in some way with their senders."""
        heads: dict[str, _Head | None] = {}
        orders: dict[_Keys, _Events] = {}
        odd: list[int] = []
        forms = self._forms
        split = _PAIRS.split
        for place, text in enumerate(texts):
            parts = text.split("|", 7)
            try:
                head = heads[parts[0]]
            except KeyError:
                head = heads[parts[0]] = self._head(parts[0])
            if head is None or len(parts) < 8 or "\\|" in text:
                odd.append(place)
                continue
            rest = " " + parts[7].rstrip()
            device = parts[2], parts[4]
            values: Sequence[str]
            for form, keys in forms.get(device, ()):
                if (found := form(rest)) is not None:
                    values = found.groups()
                    break
            else:
                pairs = split(rest)
                if "=" in pairs[0]:
                    odd.append(place)
                    continue
                keys, values = tuple(pairs[1::2]), pairs[2::2]
                if keys in self._compiled:
                    self._remember(device, keys)
                if "\\" in rest:
                    values = [cef.unescaped(value) if "\\" in value else value for value in values]
            if "\\" in text:
                parts[1:7] = map(cef.unescaped_header, parts[1:7])
            try:
                events = orders[keys]
            except KeyError:
                events = orders[keys] = _Events()
            events.places.append(place)
            events.heads.append(head)
            events.parts.append(parts)
            events.values.append(values)
        made: list[pa.Table] = []
        for keys, events in orders.items():
            count = len(events.places)
            if count >= _MANY and keys not in self._compiled:
                self._compile(keys)
            plan = self._planned(keys) if count >= _FEW else None
            bad: Sequence[int] = range(count)
            if plan is not None:
                table, bad = self._table(plan, events, sources)
                if table is not None:
                    made.append(table)
            odd += [events.places[number] for number in bad]
        odd.sort()
        return made, [(texts[place], sources[place]) for place in odd]

    def _compile(self, keys: _Keys) -> None:
        """Make an expression for an order of keys: three times as fast as finding the keys, where no value has `=` or `\\`."""
        if len(self._compiled) >= _COMPILED:  # keys are chosen by senders
            self._compiled.clear()
            self._forms.clear()
        text = "(?<! )".join(rf" {re.escape(key)}=([^=\\]*)" for key in keys)
        self._compiled[keys] = re.compile(text).fullmatch

    def _remember(self, device: tuple[str, str], keys: _Keys) -> None:
        """What this product writes for this class of events, the latest first."""
        if len(self._forms) >= _REMEMBERED:
            self._forms.clear()
        before = [one for one in self._forms.get(device, ()) if one[1] != keys]
        self._forms[device] = [(self._compiled[keys], keys), *before[:2]]

    def _planned(self, keys: _Keys) -> _Plan | None:
        try:
            return self._plans[keys]
        except KeyError:
            if len(self._plans) >= _REMEMBERED:  # keys are chosen by senders
                self._plans.clear()
            found = self._plans[keys] = _plan(keys)
            return found

    def _head(self, text: str) -> _Head | None:
        """Time and host of the syslog header before `CEF:version`; None where that does not end the text."""
        if (common := _COMMON_HEAD.fullmatch(text)) is not None and (time := self._moments.stamp(common[1])) is not None:
            return time, common[2]
        start = cef.find(text + "|")
        if start < 0:
            return None
        if not start:
            return None, None
        header = syslog.parse(text[:start], self._moments)
        return header.time, header.host

    # -- one order of keys

    def _table(self, plan: _Plan, events: _Events, sources: Sequence[str]) -> tuple[pa.Table | None, Sequence[int]]:
        """The columns, and which of the events are not in them."""
        bad: set[int] = set()
        read = self._columns(plan, events, bad)
        if bad:
            events = events.without(bad)
            if not events.places:
                return None, sorted(bad)
            read = self._columns(plan, events, set())
        return columnar(self._common(events, sources) | read | self._derived(plan, events, read)), sorted(bad)

    def _common(self, events: _Events, sources: Sequence[str]) -> dict[str, Column]:
        """What every event has."""
        size = len(events.places)
        own = [sources[place] for place in events.places]
        source = pa.repeat(own[0], size) if own.count(own[0]) == size else pa.array(own)
        times, hosts = zip(*events.heads)
        known = {time: parse_ticks(self._moments.generated(time)) for time in set(times)}
        _, *header, _ = zip(*events.parts)
        texts = {name: pa.array(values, pa.string()) for name, values in zip(cef.HEADER, header)}
        texts["OriginalLogSeverity"] = texts["LogSeverity"]
        texts["Computer"] = pc.coalesce(pa.array(hosts, pa.string()), source) if None in hosts else pa.array(hosts)
        texts[SOURCE] = source
        texts["CollectorHostName"] = pa.repeat(self._collector, size)
        moment = Column(Type.DATETIME, pa.array([known[time] for time in times], pa.int64()))
        return {"TimeGenerated": moment} | {name: Column(Type.STRING, values) for name, values in texts.items()}

    def _columns(self, plan: _Plan, events: _Events, bad: set[int]) -> dict[str, Column]:
        """The columns of the extension; `bad` gets those events of which a value is not of its column's type."""
        values = list(zip(*events.values))
        made: dict[str, Column] = {}
        for column, place, letter, also in plan.columns:
            own = values[place]
            if letter == "s":
                made[column] = Column(Type.STRING, pa.array(own, pa.string()))
                if column == "ExtID":
                    made["ExternalID"] = Column(Type.INT, pa.array([_external(value) for value in own], pa.int32()))
                continue
            array = self._typed(own, letter, bad)
            if array is None:
                continue
            made[column] = Column(_KINDS[letter], array)
            if also is not None:
                small = pc.and_(pc.less(array, _INT), pc.greater(array, -_INT))
                made[also] = Column(Type.INT, pc.if_else(small, array, pa.scalar(None, pa.int64())).cast(pa.int32()))
        if plan.others:
            form = ";".join(f"{key}=%s" for key, _ in plan.others)
            texts = [form % others for others in zip(*[values[place] for _, place in plan.others])]
            made["AdditionalExtensions"] = Column(Type.STRING, pa.array(texts))
        return made

    def _typed(self, values: tuple[str, ...], letter: str, bad: set[int]) -> pa.Array | None:
        """The values in the storage type of a column; None where some are not of it. An empty value is an absent one."""
        if letter in "il":
            texts = pa.array(values, pa.string())
            lengths = pc.binary_length(texts)
            if pc.all(pc.and_(pc.ascii_is_decimal(texts), pc.less_equal(lengths, 9 if letter == "i" else 18))).as_py():
                return texts.cast(pa.int32() if letter == "i" else pa.int64())
            longest = 9 if letter == "i" else 18
            found: list[object] = [
                int(value)
                if value.isdigit() and value.isascii() and len(value) <= longest
                else _NOTHING if value == "" else self._number(value, letter)
                for value in values
            ]
        elif letter == "r":
            found = [
                _NOTHING if value == "" else float(value) if _REAL.fullmatch(value) else None for value in values
            ]
        else:
            found = [_NOTHING if value == "" else self._moment(value) for value in values]
        wrong = [number for number, value in enumerate(found) if value is None]
        if wrong:
            bad.update(wrong)
            return None
        kind = {"i": pa.int32(), "r": pa.float64()}.get(letter, pa.int64())
        return pa.array([None if value is _NOTHING else value for value in found], kind)

    def _number(self, value: str, letter: str) -> int | None:
        if cef.NUMBER.fullmatch(value) is None:
            return None
        number, bound = int(value), _INT if letter == "i" else 2**63
        return number if -bound <= number < bound else None

    def _moment(self, value: str) -> int | None:
        text = self._moments.read(value)
        return None if text is None else parse_ticks(text)

    def _derived(self, plan: _Plan, events: _Events, read: dict[str, Column]) -> dict[str, Column]:
        """What `cef.row` derives from other columns."""
        made: dict[str, Column] = {}
        size = len(events.places)
        if "DeviceAction" in read:
            place = next(place for column, place, _, _ in plan.columns if column == "DeviceAction")
            actions = [values[place] for values in events.values]
            known = {action: cef.simplified(action) for action in set(actions)}
            made["SimplifiedDeviceAction"] = Column(Type.STRING, pa.array([known[action] for action in actions]))
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


def _external(value: str) -> int | None:
    return int(value) if cef.NUMBER.fullmatch(value) and abs(int(value)) < _INT else None

