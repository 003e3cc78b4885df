"""`vedette load`: files, folders and archives of whatever a log can come as, into the tables that their records belong to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from vedette.collect.files.naming import ByFolder, columns_of, tables_of
from vedette.collect.files.reading import FileToRead
from vedette.collect.files.recognising import NOT_UTF8, Content, Looked, look
from vedette.collect.files.unpacking import ArchiveLimits, Unpacker, own_folder, remove_left
from vedette.collect.formats import log_rows
from vedette.core.clock import Clock
from vedette.core.errors import InvalidInput, VedetteError
from vedette.core.files import no_file
from vedette.store.catalog import is_known, may_be_table
from vedette.store.loading import AnySource, Cancelled
from vedette.store.logstore import LogStore
from vedette.store.reading.forms import TABLE_NAME, Form, Source, check_table_name, files_in, form_of, size_of
from vedette.store.records import RecordSource
from vedette.store.report import FileReport, LoadOptions, LoadReport, Outcome, ProgressCallback, UnknownFile, as_shown

_FORMS: Final = {Content.JSON: Form.JSON, Content.CSV: Form.CSV, Content.PARQUET: Form.PARQUET}
_LARGE: Final = 32 * 1024 * 1024
"""Bytes from which one object around all records is read as a stream of records."""
_NAMED: Final = 5
"""Files that a note names; of more it says how many."""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file to load. `folder` is the name of the folder it lies in, `direct` whether a path names the file or its folder."""

    file: Path
    shown: Path
    folder: str
    direct: bool
    named: bool = False
    """A path names the file itself."""


@dataclass(slots=True)
class LoadPlan:
    """What is to be done with files: sources of rows, files that were put aside already, and those that nobody knows."""

    sources: list[AnySource] = field(default_factory=list)
    failed: list[FileReport] = field(default_factory=list)
    unknown: list[UnknownFile] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    assumed: list[tuple[Path, str, str]] = field(default_factory=list)
    """Files whose dates are read month first though none tells, each with a date of it and how it is read."""
    by_folder: list[ByFolder] = field(default_factory=list)
    """Those sources that have the table of their folder's name, since nothing else names one."""
    alone: bool = False
    """One path is to be loaded: a file of no form is an error then, and else does not keep the others from being loaded."""


class FileLoader:
    """Loads files into one workspace. Safe to use from several threads."""

    def __init__(self, logs: LogStore, clock: Clock, limits: ArchiveLimits | None = None) -> None:
        self._logs = logs
        self._clock = clock
        self._limits = limits or ArchiveLimits()
        self._parent = None if logs.path is None else logs.path.parent
        if self._parent is not None:
            remove_left(self._parent)

    def upload_folder(self) -> Path:
        """A folder for files that come over the network, in which they lie until they are loaded; the caller removes it."""
        return own_folder(self._parent)

    def load(
        self, paths: Sequence[Path], options: LoadOptions | None = None, progress: ProgressCallback | None = None,
        cancelled: Callable[[], bool] | None = None, *, within: Path | None = None,
    ) -> LoadReport:  # fmt: skip
        """Loads files, and folders and archives with all that is in them; each file wholly or not at all.

        What a file is its content tells; the table of rows that have a table's columns is the one that they name, or else that
        of their folder's name, or of the file's, or the one whose columns they have. Rows of no known table make one with the
        name of the file, if a path names it, or else of the folder. `options.table` is the table of every file.
        `within` is a folder that the files lie in and whose own name says nothing.
        Raises `VedetteError` if a path is not there or cannot be read, or if the only path names a file that is of no form; what is
        wrong with other files is in the report.
        """
        options = options or LoadOptions()
        if options.table is not None:
            check_table_name(options.table)
        started = self._clock.monotonic()

        def ended() -> bool:
            return self._logs.closing() or (cancelled is not None and cancelled())

        def check() -> None:
            if ended():
                raise Cancelled

        unpacker = Unpacker(self._parent, self._limits, check)
        try:
            plan = LoadPlan(alone=len(paths) == 1)
            try:
                for found in _files(paths, within):
                    self._plan(found, 0, plan, unpacker, options)
            except Cancelled:
                report = LoadReport([FileReport(path, options.table or "", Outcome.CANCELLED) for path in paths])
                report.seconds = self._clock.monotonic() - started
                return report
            # what has more of a record comes first: of two exports of the same, CSV has less
            plan.sources.sort(key=_is_poorer)
            own = tables_of(plan.by_folder)
            plan.sources = [
                replace(one, table=own[one]) if isinstance(one, Source) and one in own else one for one in plan.sources
            ]
            report = self._logs.load_sources(plan.sources, options, progress, ended)
        finally:
            unpacker.close()
        report.files += plan.failed
        report.notes += plan.notes + _month_first(plan.assumed)
        report.unknown = plan.unknown
        report.passed_over = [one.path for one in plan.unknown]
        report.seconds = self._clock.monotonic() - started
        return report

    # -- what is to be done with a file

    def _plan(self, found: FoundFile, depth: int, plan: LoadPlan, unpacker: Unpacker, options: LoadOptions) -> None:
        try:
            strange = no_file(found.file)
        except OSError:
            strange = None  # whoever reads it says why that cannot be
        if strange is not None:
            if found.named:
                raise InvalidInput(
                    f"{found.shown} is {strange}, not a file.", code="VDT0607", file=str(found.shown),
                    hint="Write what comes out of it into a file, and load that.", exit_code=1,
                )  # fmt: skip
            plan.unknown.append(UnknownFile(found.shown, f"it is {strange}, not a file"))
            return
        try:
            looked = look(found.file)
            if looked.content is Content.GZIP:
                file = unpacker.gunzip(found.file, found.shown)
                found = FoundFile(file, found.shown, found.folder, found.direct, found.named)
                looked = look(file)
        except VedetteError as error:
            plan.failed.append(_failure(found, error, options))
            return
        if looked.content in (Content.ZIP, Content.TAR):
            self._unpack(found, depth + 1, plan, unpacker, options)
            return
        if options.table is None and (taken := self._taken(found, looked)) is not None:
            plan.failed.append(taken)  # nothing is left to be done with it
            return
        if looked.error is not None and (options.table or form_of(found.shown) is not None):
            plan.failed.append(_failure(found, looked.error, options))
            return
        outcome = self._source(found, looked, options)
        if not isinstance(outcome, str):
            plan.sources.append(outcome)
            if isinstance(outcome, Source) and self._is_folder_alone(found, outcome, looked, options):
                plan.by_folder.append(ByFolder(outcome, columns_of(found.file, outcome.form, looked.sample)))
            if not looked.utf8 and looked.content in (Content.CSV, Content.JSON):
                plan.notes.append(f"Of {found.shown}, records with letters beyond ASCII are put aside: {NOT_UTF8}.")
            if isinstance(outcome, RecordSource):
                assumed = FileToRead(found.file, found.shown, looked, self._clock.now()).assumed()
                plan.assumed += [] if assumed is None else [(found.shown, *assumed)]
        else:
            why = looked.error or _no_form(found.shown, outcome, records=bool(looked.sample))
            _not_taken(found, UnknownFile(found.shown, outcome, bool(looked.sample)), why, plan, options)

    def _taken(self, found: FoundFile, looked: Looked) -> FileReport | None:
        """What came of a file that is no rows of a table, and is taken for what it is; None for any other file."""
        return None

    def _unpack(self, found: FoundFile, depth: int, plan: LoadPlan, unpacker: Unpacker, options: LoadOptions) -> None:
        part = LoadPlan()
        try:
            for member in unpacker.unpack(found.file, found.shown, depth):
                if member.error is not None:
                    part.failed.append(
                        FileReport(member.shown, options.table or "", Outcome.FAILED, error=member.error)
                    )
                elif member.file is None:
                    part.unknown.append(UnknownFile(member.shown, member.passed_over or "not a file"))
                else:
                    inside = member.shown.parent
                    folder = "" if inside == found.shown else inside.name
                    self._plan(FoundFile(member.file, member.shown, folder, False), depth, part, unpacker, options)
        except VedetteError as error:  # nothing of an archive that is refused is loaded
            part = LoadPlan(failed=[_failure(found, error, options)])
        if any(file.shown.name == "[Content_Types].xml" for file in _paths(part)):
            what = "an Office document"
            _not_taken(found, UnknownFile(found.shown, what), _no_form(found.shown, what), plan, options)
            part = LoadPlan()
        plan.sources += part.sources
        plan.failed += part.failed
        plan.unknown += part.unknown
        plan.notes += part.notes
        plan.assumed += part.assumed
        plan.by_folder += part.by_folder

    def _source(self, found: FoundFile, looked: Looked, options: LoadOptions) -> AnySource | str:
        """How a file is read, or why it is not."""
        size = size_of(found.file)
        asked = options.table
        if looked.content in (Content.EVTX, Content.EVENT_XML, Content.LINES, Content.W3C):
            return FileToRead(found.file, found.shown, looked, self._clock.now(), asked).source(size)
        kinds = [kind for kind in looked.kinds if kind.label != "Log table rows"]
        if kinds and asked is not None:
            kinds = kinds if self._all_of(found, looked, asked) else []
        if kinds:
            array_at = looked.array_at and size > _LARGE
            looked.array_at = array_at
            return FileToRead(found.file, found.shown, looked, self._clock.now()).source(size)
        form = _FORMS.get(looked.content) or (form_of(found.shown) if looked.content is Content.EMPTY else None)
        if asked is not None:
            form = form or form_of(found.shown)
            if form is None:
                return looked.reason or "its records are of no form that can be loaded"
            return self._by_columns(found, asked, form, size)
        if form is None:
            return looked.reason
        table = self._table(found, looked)
        if table is not None:
            return self._by_columns(found, table, form, size)
        if looked.kinds:
            return FileToRead(found.file, found.shown, looked, self._clock.now()).source(size)
        return _why_unknown(looked)

    def _by_columns(self, found: FoundFile, table: str, form: Form, size: int) -> Source:
        shown = form_of(found.shown)
        if form is Form.JSON and shown is Form.JSON_LINES:
            form = Form.JSON_LINES
        return Source(found.file, table, form, size, None if found.file == found.shown else found.shown)

    def _all_of(self, found: FoundFile, looked: Looked, table: str) -> bool:
        """Whether the records' own table is the one that was asked for."""
        maker = FileToRead(found.file, found.shown, looked, self._clock.now())
        tables = maker.tables()
        return bool(tables) and tables <= {table}

    def _is_table(self, folder: str) -> bool:
        """Whether the name of a folder is that of a table, and so tells what is in it."""
        return bool(
            is_known(folder)
            or (folder.endswith("_CL") and TABLE_NAME.fullmatch(folder))
            or self._logs.has_table(folder)
        )

    def _is_folder_alone(self, found: FoundFile, source: Source, looked: Looked, options: LoadOptions) -> bool:
        """Whether a file goes into the table of its folder's name only since nothing else names one."""
        return (
            options.table is None and source.table == found.folder and not found.named and not self._is_table(found.folder)
            and looked.content is not Content.EMPTY
        )  # fmt: skip

    def _table(self, found: FoundFile, looked: Looked) -> str | None:
        """The table of rows that have a table's columns, or None if their records themselves have to tell."""
        folder = found.folder
        if self._is_table(folder):
            return folder
        sample: Mapping[str, Any] = looked.sample[0] if looked.sample else {}
        rows = "TimeGenerated" in sample or "Timestamp" in sample or looked.content is Content.PARQUET
        if any(log_rows.named_table(record) is not None for record in looked.sample):
            return None
        if rows and (by_name := _named_by_file(found.shown.name)) is not None:
            return by_name
        if looked.kinds:
            return None
        named = found.direct and form_of(found.shown) is not None and looked.content is not Content.EMPTY
        stem = found.shown.name.split(".", 1)[0]
        if named and found.named and TABLE_NAME.fullmatch(stem):
            return stem  # whoever names a file means it, not the folder that it happens to lie in
        if TABLE_NAME.fullmatch(folder) and (named or "TimeGenerated" in sample):
            return folder
        return None


def _not_taken(found: FoundFile, unknown: UnknownFile, why: VedetteError, plan: LoadPlan, options: LoadOptions) -> None:
    """A file of no form: an error where a path names it, which is raised if it is the only one."""
    if not found.named:
        plan.unknown.append(unknown)
    elif plan.alone:
        raise why
    else:
        plan.failed.append(_failure(found, why, options))


def _month_first(assumed: Sequence[tuple[Path, str, str]]) -> list[str]:
    """What a report says of files whose dates may be day first."""
    if not assumed:
        return []
    _, date, read = assumed[0]
    names = ", ".join(str(shown) for shown, _, _ in assumed[:_NAMED])
    more = f" and {len(assumed) - _NAMED} more" if len(assumed) > _NAMED else ""
    return [
        f"Of {names}{more}, dates are read month first ('{date}' as {read[:10]}), since none there tells their order. If the day "
        "comes first, write the dates like 2026-03-31, and load all into a new data directory."
    ]


def _files(paths: Sequence[Path], within: Path | None) -> Iterator[FoundFile]:
    seen: set[Path] = set()
    for path in paths:
        for file in files_in(path):
            if file.absolute() in seen:
                continue
            seen.add(file.absolute())
            folder = file.absolute().parent
            if within is not None:
                yield FoundFile(file, file, "" if folder == within else folder.name, False)
                continue
            yield FoundFile(file, file, folder.name, file == path or file.parent == path, file == path)


def _named_by_file(name: str) -> str | None:
    """The known table that a file is named after: `SigninLogs_2026-03.csv`."""
    stem = name.split(".", 1)[0]
    while stem:
        if may_be_table(stem):
            return stem
        cut = max(stem.rfind("_"), stem.rfind("-"), stem.rfind(" "))
        stem = stem[:cut] if cut > 0 else ""
    return None


def _is_poorer(source: AnySource) -> bool:
    return source.shown.name.lower().removesuffix(".gz").endswith(".csv")


def _paths(plan: LoadPlan) -> Iterator[FoundFile]:
    for one in plan.unknown:
        yield FoundFile(one.path, one.path, "", False)


def _failure(found: FoundFile, error: VedetteError, options: LoadOptions) -> FileReport:
    return FileReport(found.shown, options.table or "", Outcome.FAILED, error=as_shown(error, found.file, found.shown))


def _why_unknown(looked: Looked) -> str:
    sample = looked.sample[0] if looked.sample else None
    if sample is None:
        return looked.reason or "there are no records in it that can be read"
    found = log_rows.candidates(sample)
    names = ", ".join(list(sample)[:6]) + (", …" if len(sample) > 6 else "")
    if len(found) > 1:
        return f"its columns are those of {', '.join(found[:4])} alike"
    return f"its records are of no kind that is known ({names})"


def _no_form(file: Path, why: str, *, records: bool = False) -> VedetteError:
    """`records`: there are some, of no known kind, which a table can be named for."""
    return InvalidInput(
        f"The file {file} is of no form that can be loaded: {why}.",
        code="VDT0607",
        hint="Name the table (--table), or put the file into a folder with the table's name." if records else None,
        file=str(file),
        exit_code=1,
    )
