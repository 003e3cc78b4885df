"""Which files can be loaded, into which table, and how they are read."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vedette.core.errors import InvalidInput, VedetteError
from vedette.kql.types import Type
from vedette.store.batch import Batch
from vedette.store.reading.csvfile import read_csv
from vedette.store.reading.enginelines import read_lines
from vedette.store.reading.jsonfile import read_json
from vedette.store.reading.jsonlines import read_json_lines
from vedette.store.reading.parquetfile import read_parquet
from vedette.store.reading.streams import TextStream, unreadable

TABLE_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")


class Form(enum.Enum):
    """A form of log file."""

    JSON_LINES = "JSON lines"
    JSON = "JSON"
    CSV = "CSV"
    PARQUET = "Parquet"


FORMS: Final[dict[str, Form]] = {
    ".jsonl": Form.JSON_LINES,
    ".ndjson": Form.JSON_LINES,
    ".json": Form.JSON,
    ".csv": Form.CSV,
    ".parquet": Form.PARQUET,
}
"""By the end of the name, which `.gz` may follow (not for Parquet)."""

_TEXT_READERS: Final[dict[Form, Callable[[TextStream], Iterator[Batch]]]] = {
    Form.JSON_LINES: read_json_lines,
    Form.JSON: read_json,
    Form.CSV: read_csv,
}


@dataclass(frozen=True, slots=True)
class Source:
    """A file to load, and the table it goes into."""

    path: Path
    table: str
    form: Form
    size: int
    name: Path | None = None
    """What reports call it, if it lies there under another name."""

    @property
    def shown(self) -> Path:
        """What reports call the file."""
        return self.name or self.path


def form_of(path: Path) -> Form | None:
    """The form that the file's name tells, or None if it is not a form that can be loaded."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] == ".gz":
        form = FORMS.get(suffixes[-2]) if len(suffixes) > 1 else None
        return None if form is Form.PARQUET else form
    return FORMS.get(suffixes[-1]) if suffixes else None


def read(
    source: Source,
    types: Mapping[str, Type] | None = None,
    seen: Callable[[bytes | memoryview], object] | None = None,
) -> Iterator[Batch]:
    """The rows of a source in batches. With the types of its table, columns may be in them already.

    `seen` is shown the bytes of the file as they are read, one after another; not those of Parquet, which is read here and there.
    """
    if source.form is Form.PARQUET:
        return read_parquet(source.path)
    stream = TextStream(source.path, seen)
    if types is not None and source.form is Form.JSON_LINES:
        return read_lines(stream, types)
    if types is not None and source.form is Form.JSON:
        return read_json(stream, types=types)
    return _TEXT_READERS[source.form](stream)


def discover(paths: Sequence[Path], table: str | None) -> tuple[list[Source], list[Path]]:
    """The sources that some paths name, directories with all that is in them, and the files there that no form fits.

    A file's table is `table`, or else the name of the folder it lies in. Raises `VedetteError` if a path is not there, cannot be
    read, is a single file of no known form, or if a table's name cannot be one.
    """
    if table is not None:
        check_table_name(table)
    sources: list[Source] = []
    passed_over: list[Path] = []
    for path in paths:
        for file in files_in(path):
            form = form_of(file)
            if form is None:
                if file == path:
                    raise _no_form(file)
                passed_over.append(file)
                continue
            sources.append(Source(file, table or _folder_table(file), form, size_of(file)))
    return _without_repeats(sources), passed_over


def check_table_name(name: str) -> str:
    """The name, if a table may have it; else `InvalidInput`."""
    if not TABLE_NAME.fullmatch(name):
        raise InvalidInput(
            f"'{name[:80]}' is not a table name: at most 128 letters, digits and underscores, not starting with a digit.",
            code="VDT0606",
            target=name,
        )
    return name


def files_in(path: Path) -> Iterable[Path]:
    """The files of a path: itself, or all below it whose names do not start with a dot. Raises `VedetteError` if it is not there."""
    try:
        if path.is_dir():
            return sorted(_walk(path))
        path.stat()
    except OSError as error:
        raise unreadable(path, error) from error
    return [path]


def _walk(folder: Path) -> Iterator[Path]:
    for entry in folder.iterdir():
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            if not entry.is_symlink():  # a link may lead back up
                yield from _walk(entry)
        else:
            yield entry


def size_of(file: Path) -> int:
    """The bytes of a file."""
    try:
        return file.stat().st_size
    except OSError as error:
        raise unreadable(file, error) from error


def _folder_table(file: Path) -> str:
    name = file.absolute().parent.name
    if not TABLE_NAME.fullmatch(name):
        raise InvalidInput(
            f"No table is named for {file}, and its folder '{name}' is not a table name.",
            code="VDT0606",
            hint="Name the table (--table), or put the file into a folder with the table's name.",
            file=str(file),
            exit_code=1,
        )
    return name


def _no_form(file: Path) -> VedetteError:
    return InvalidInput(
        f"The file {file} is of no form that can be loaded.",
        code="VDT0607",
        hint=f"Files end in {', '.join(FORMS)}; all but Parquet also with .gz.",
        file=str(file),
        exit_code=1,
    )


def _without_repeats(sources: list[Source]) -> list[Source]:
    seen: set[tuple[Path, str]] = set()
    kept = []
    for source in sources:
        key = (source.path.absolute(), source.table)
        if key not in seen:
            seen.add(key)
            kept.append(source)
    return kept
