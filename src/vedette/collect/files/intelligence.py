"""Files of threat intelligence among those that are loaded: bundles and lists of STIX objects, and Microsoft's CSV of indicators.

They are told by their content. Their objects are kept, in the newest version of each, and the rows that tell of them come from there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from vedette.collect.files.loader import FileLoader, FoundFile
from vedette.collect.files.recognising import Content, Looked
from vedette.collect.files.unpacking import ArchiveLimits
from vedette.core.clock import Clock
from vedette.core.errors import InvalidInput, VedetteError
from vedette.intel.csvfile import is_heading, read_csv
from vedette.intel.indicators import Indicators
from vedette.intel.rows import INDICATORS
from vedette.intel.stix import objects_in
from vedette.store.batch import BadRecord
from vedette.store.logstore import LogStore
from vedette.store.reading.streams import TextStream
from vedette.store.report import FileReport, Outcome

FILE: Final = "File"
"""The source of objects whose file does not say who made them."""
MOST_BYTES: Final = 256 * 1024**2
_HEAD: Final = 8 * 1024
_AT_ONCE: Final = 2_000
_STIX_ID: Final = re.compile(rb'"id"\s*:\s*"[a-z0-9-]{2,250}--[0-9a-fA-F]{8}-')
_BUNDLE: Final = re.compile(rb'"type"\s*:\s*"bundle"')
_ID: Final = re.compile(r"[a-z0-9-]{2,250}--[0-9a-fA-F]{8}-.+")

Aside = Callable[[str, Sequence[BadRecord], str], object]
"""Keeps records that are no objects: the table that they were meant for, the records, and where they come from."""


_OTHERS: Final = frozenset({Content.EVTX, Content.PARQUET, Content.LINES, Content.W3C, Content.EMPTY})
"""What is nothing of threat intelligence, and need not be read for it."""


@dataclass(slots=True)
class _Objects:
    """What is in a file. `dated`: the objects say when they were modified."""

    by_source: dict[str, list[tuple[int, object]]]
    bad: list[BadRecord]
    dated: bool = True


class IntelligenceLoader(FileLoader):
    """Loads files, and takes those of threat intelligence for what they are."""

    def __init__(
        self,
        logs: LogStore,
        clock: Clock,
        limits: ArchiveLimits | None,
        indicators: Callable[[], Indicators],
        aside: Aside,
    ) -> None:
        super().__init__(logs, clock, limits)
        self._indicators, self._aside = indicators, aside

    def _taken(self, found: FoundFile, looked: Looked) -> FileReport | None:
        """What came of a file of threat intelligence; None for any other file."""
        if looked.content in _OTHERS:
            return None
        report = FileReport(found.shown, INDICATORS, Outcome.LOADED, kind="Threat intelligence")
        try:
            objects = self._read(found)
        except VedetteError as error:
            report.outcome, report.error = Outcome.FAILED, error
            return report
        if objects is None:
            return None
        bad = objects.bad
        for source, placed in objects.by_source.items():
            for start in range(0, len(placed), _AT_ONCE):
                some = placed[start : start + _AT_ONCE]
                taken = self._indicators().take([one for _, one in some], source, "File", dated=objects.dated)
                report.rows += taken.added + taken.changed
                report.repeated += taken.unchanged
                bad += [
                    BadRecord(some[place][0], 0, error.message, json.dumps(some[place][1], ensure_ascii=False))
                    for place, error in taken.refused
                ]
        report.bad = len(bad)
        if bad:
            self._aside(INDICATORS, bad, str(found.shown))
        if not report.rows and report.repeated:
            report.outcome = Outcome.PRESENT
        return report

    def _read(self, found: FoundFile) -> _Objects | None:
        try:
            head = next(TextStream(found.file).blocks(), b"")[:_HEAD]
        except (VedetteError, OSError):
            return None  # whoever loads it says why it cannot be read
        start = head.lstrip()[:1]
        if start in (b"{", b"[") and _STIX_ID.search(head) and b'"TimeGenerated"' not in head:
            return _stix(found.file, bundle=_BUNDLE.search(head) is not None)
        lines = head.decode("utf-8", "replace").splitlines()
        if lines and is_heading(lines[0]):
            return self._csv(found.file)
        return None

    def _csv(self, file: Path) -> _Objects:
        objects = _Objects({FILE: []}, [], dated=False)
        for record in read_csv(_text(file).decode("utf-8", "replace"), self._clock.now()):
            if record.content is None:
                objects.bad.append(BadRecord(record.line, 0, record.reason, record.text))
            else:
                objects.by_source[FILE].append((record.line, record.content))
        return objects


def _text(file: Path) -> bytes:
    """The whole text. Raises `VedetteError` where it is too much, or damaged."""
    parts: list[bytes] = []
    size = 0
    stream = TextStream(file)
    for block in stream.blocks():
        size += len(block)
        if size > MOST_BYTES:
            raise InvalidInput(
                f"A file of threat intelligence has at most {MOST_BYTES // 1024**2} MiB.",
                code="VDT0905",
                hint="Part it into several.",
            )
        parts.append(block)
    stream.check(1)
    return b"".join(parts)


def _stix(file: Path, *, bundle: bool) -> _Objects | None:
    """The objects of a bundle, a list, or lines, each under who made it; None where it is something else."""
    try:
        text = _text(file)
    except VedetteError:
        if bundle:
            raise
        return None  # a log that names such objects, for all that is known
    try:
        given: Iterable[tuple[int, object]] = enumerate(objects_in(orjson.loads(text)), 1)
    except orjson.JSONDecodeError:
        try:
            lines = [(number, orjson.loads(line)) for number, line in enumerate(text.split(b"\n"), 1) if line.strip()]
        except orjson.JSONDecodeError:
            return None
        given = [(number, one) for number, line in lines for one in objects_in(line)]
    objects = list(given)
    if not objects or not all(_is_stix(one) for _, one in objects):
        return None
    names = {
        one["id"]: one["name"].strip()
        for _, one in objects
        if isinstance(one, dict) and one.get("type") == "identity" and isinstance(one.get("name"), str)
    }
    found = _Objects({}, [])
    for place, one in objects:
        assert isinstance(one, dict)
        maker = one.get("id") if one.get("type") == "identity" else one.get("created_by_ref")
        name = names.get(maker, "") if isinstance(maker, str) else ""
        usable = 0 < len(name) <= 200 and name.casefold() != "vedette"
        found.by_source.setdefault(name if usable else FILE, []).append((place, one))
    return found


def _is_stix(one: object) -> bool:
    if not isinstance(one, Mapping) or "TimeGenerated" in one:
        return False
    identity: Any = one.get("id")
    return isinstance(one.get("type"), str) and isinstance(identity, str) and _ID.fullmatch(identity) is not None
