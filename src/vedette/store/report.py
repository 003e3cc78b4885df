"""What loading was asked for, and what came of it."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from vedette.core.errors import VedetteError
from vedette.store.coverage import Coverage
from vedette.store.gone import Gone
from vedette.store.known import Known


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How files are loaded.

    `table` is the table of every file (else each file's folder names it). `stamp` is the TimeGenerated of rows without one (the
    time of loading if None). `shift_to` moves every datetime column by one delta per call, so that the newest TimeGenerated over
    all files lands there. `again` loads files whose content the table has already.
    """

    table: str | None = None
    stamp: datetime | None = None
    shift_to: datetime | None = None
    again: bool = False


@dataclass(frozen=True, slots=True)
class LoadProgress:
    """How far a load is. `done` and `total` are bytes of the files; a file that is read twice counts twice."""

    file: Path
    done: int
    total: int
    rows: int
    step: str = ""
    """What is done after the last file; then rows are counted, not bytes."""


def as_shown(error: VedetteError, own: Path, shown: Path) -> VedetteError:
    """An error about a file that lies there under another name, with the name that reports call it."""
    if own == shown or str(own) not in error.message:
        return error
    return VedetteError(
        error.message.replace(str(own), str(shown)), code=error.code, hint=error.hint, file=str(shown), line=error.line,
        column=error.column, target=error.target, status=error.status, exit_code=error.exit_code,
    )  # fmt: skip


ProgressCallback = Callable[[LoadProgress], None]


class Outcome(enum.Enum):
    """What came of one file."""

    LOADED = "loaded"
    PRESENT = "already loaded"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(slots=True)
class FileReport:
    """What came of one file. Only a `LOADED` file has added anything."""

    path: Path
    table: str
    outcome: Outcome
    rows: int = 0
    bad: int = 0
    """Records put aside in the dead-letter table."""
    stamped: int = 0
    """Rows that had no TimeGenerated."""
    drifted: Counter[str] = field(default_factory=Counter)
    """Values that did not convert to their column's type, by column; the originals are in the hidden column."""
    extra: tuple[str, ...] = ()
    """Fields that the table has no column for."""
    new_table: bool = False
    error: VedetteError | None = None
    repeated: int = 0
    """Records that were there already: another file had brought them, or this one before."""
    kind: str = ""
    """What the records are from."""
    days: Counter[int] = field(default_factory=Counter)
    """The rows that the file added on each day (days since 0001-01-01); of one that was loaded before, those that it added then."""
    again: Counter[int] = field(default_factory=Counter)
    """The repeated records of each day."""
    known: Known = field(default_factory=Known)
    """The repeated records that were known before this call."""
    gone: dict[Gone, Counter[int]] = field(default_factory=dict)
    """Of a file that was loaded before: the rows of each day that it had brought and that are not there any more."""
    kinds: Counter[str] = field(default_factory=Counter)
    content: str = ""
    """Of a file that was loaded before: the digest by which the store knows it."""

    def to_dict(self) -> dict[str, object]:
        """The report of the file as JSON."""
        more = {"repeated": self.repeated} if self.repeated else {}
        return {
            "file": str(self.path),
            "table": self.table,
            "outcome": self.outcome.value,
            "rows": self.rows,
            "bad": self.bad,
            "stamped": self.stamped,
            "drifted": dict(self.drifted),
            "extra": list(self.extra),
            "new_table": self.new_table,
            "error": None if self.error is None else self.error.to_dict(),
            **more,
        }

    @classmethod
    def from_dict(cls, made: Mapping[str, Any]) -> FileReport:
        """The report that `to_dict` gave."""
        error = made["error"]
        return cls(
            Path(made["file"]), made["table"], Outcome(made["outcome"]), made["rows"], made["bad"], made["stamped"],
            Counter(made["drifted"]), tuple(made["extra"]), made["new_table"],
            None if error is None else VedetteError(
                error["message"], code=error["code"], hint=error.get("hint"), file=error.get("file"), line=error.get("line"),
                column=error.get("column"), target=error.get("target"),
            ),
            made.get("repeated", 0),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class UnknownFile:
    """A file of which nothing was taken, and why."""

    path: Path
    reason: str
    records: bool = False
    """Whether it has records, of which nobody knows what they are: naming a table takes them all the same."""


@dataclass(slots=True)
class LoadReport:
    """What came of a call of `LogStore.load`."""

    files: list[FileReport] = field(default_factory=list)
    passed_over: list[Path] = field(default_factory=list)
    """Files in directories that are of no form that can be loaded."""
    shifted: timedelta | None = None
    """By how much the datetimes were moved; None where nothing was asked, or no row had a TimeGenerated."""
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)
    """What a user should know, one sentence each."""
    unknown: list[UnknownFile] = field(default_factory=list)
    """Files of which nothing was taken, each with the reason."""
    coverage: list[Coverage] = field(default_factory=list)
    """What the files have day by day, of each source."""
    indexing: float = 0.0
    """Seconds that the term index of the new rows took after `seconds`; 0 where a server makes it by itself."""

    @property
    def rows(self) -> int:
        """Rows added."""
        return sum(file.rows for file in self.files)

    @property
    def bad(self) -> int:
        """Records put aside."""
        return sum(file.bad for file in self.files)

    @property
    def repeated(self) -> int:
        """Records that were there already."""
        return sum(file.repeated for file in self.files)

    @property
    def failed(self) -> list[FileReport]:
        """The files that could not be loaded."""
        return [file for file in self.files if file.outcome is Outcome.FAILED]

    @property
    def cancelled(self) -> bool:
        """Whether the load was stopped before its end."""
        return any(file.outcome is Outcome.CANCELLED for file in self.files)

    def to_dict(self) -> dict[str, object]:
        """The report as JSON."""
        return {
            "rows": self.rows,
            "bad": self.bad,
            "files": [file.to_dict() for file in self.files],
            "passed_over": [str(path) for path in self.passed_over],
            "shifted_seconds": None if self.shifted is None else self.shifted.total_seconds(),
            "seconds": round(self.seconds, 3),
            "cancelled": self.cancelled,
            "notes": self.notes,
            "repeated": self.repeated,
            "unknown": [{"file": str(one.path), "reason": one.reason, "records": one.records} for one in self.unknown],
            "coverage": [one.to_dict() for one in self.coverage],
            "indexing_seconds": round(self.indexing, 3),
        }

    @classmethod
    def from_dict(cls, made: Mapping[str, Any]) -> LoadReport:
        """The report that `to_dict` gave."""
        shifted = made["shifted_seconds"]
        return cls(
            [FileReport.from_dict(one) for one in made["files"]],
            [Path(path) for path in made["passed_over"]],
            None if shifted is None else timedelta(seconds=shifted),
            made["seconds"],
            list(made["notes"]),
            [UnknownFile(Path(one["file"]), one["reason"], one["records"]) for one in made["unknown"]],
            [Coverage.from_dict(one) for one in made["coverage"]],
            made.get("indexing_seconds", 0.0),
        )
