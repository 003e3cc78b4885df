"""The tables of files of one folder whose rows are of no known table: the folder's, or where they are of several kinds, each file's own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from vedette.store.reading.forms import TABLE_NAME, Form, Source

_COUNTED: Final = re.compile(r"^[\W\d_]+|[\W\d_]+$")
"""What tells the parts of one export apart in names: dates and numbers before and after the name."""
_TIMES: Final = frozenset({"TimeGenerated", "Timestamp"})
_ALIKE: Final = 0.5
"""The share of columns that files of one kind have in common."""


@dataclass(frozen=True, slots=True)
class ByFolder:
    """A file that would go into the table of its folder's name; `columns` are those of its first records."""

    source: Source
    columns: frozenset[str]

    @property
    def folder(self) -> Path:
        """The folder that it lies in, as it is shown."""
        return self.source.shown.parent

    @property
    def name(self) -> str:
        """The file's name without its ending, and without dates and numbers at its ends."""
        return _COUNTED.sub("", self.source.shown.name.split(".", 1)[0])


def columns_of(file: Path, form: Form, sample: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """The columns of a file by its first records, without that of their time, which all logs have."""
    if form is Form.PARQUET:
        import pyarrow.parquet

        with suppress(OSError, pa.ArrowException):  # whoever reads its rows says what is wrong
            return frozenset(pyarrow.parquet.read_schema(file).names) - _TIMES
    return frozenset(name for record in sample for name in record) - _TIMES


def tables_of(files: Sequence[ByFolder]) -> dict[Source, str]:
    """The tables of those files that do not go into the table of their folder: it has files of several kinds. Files of one name are of
    one kind, and so are those that have most of their columns in common."""
    found: dict[Source, str] = {}
    folders: dict[Path, dict[str, list[ByFolder]]] = {}
    for one in files:
        folders.setdefault(one.folder, {}).setdefault(one.name, []).append(one)
    for named in folders.values():
        kinds = {frozenset().union(*(one.columns for one in some)) for some in named.values()}
        if all(_alike(one, other) for one, other in combinations(kinds, 2)):
            continue
        for name, some in named.items():
            table = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_")
            if TABLE_NAME.fullmatch(table):
                found.update((one.source, table) for one in some)
    return found


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    if one <= other or other <= one:
        return True
    return len(one & other) >= _ALIKE * len(one | other)
