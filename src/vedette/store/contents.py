"""Which content a table has already: 'the same file' is the same bytes, whatever its name.

Contents are told by their BLAKE3 digest, which takes a sixth of the time of the BLAKE2b that earlier versions kept, and that half of
SHA-256's before it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import duckdb
from blake3 import blake3

from vedette.store.reading.forms import Source, size_of
from vedette.store.reading.streams import open_file, unreadable
from vedette.store.statements import engine_errors, run

_BLOCK: Final = 1024 * 1024
_NOW: Final = "blake3"
_MARKS: Final = {"blake3": "b3:", "blake2b": "b2:", "sha256": ""}
"""What digests of a kind begin with; the first kind is the one of today."""


class _Digest(Protocol):
    def update(self, data: bytes | memoryview, /) -> object: ...

    def hexdigest(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Load:
    """What the store's catalogue remembers of a load. `id` is in every row that it brought; `sha256` is "" where no file was read."""

    id: int
    table: str
    source: str
    sha256: str
    size: int
    rows: int
    stamped: int
    bad: int
    drifted: Mapping[str, int]
    at: int
    """Ticks."""


def digest_of(source: Source) -> str:
    """The digest of the file as it lies there."""
    return _hashed(source.path)


class PassingDigest:
    """The digest of a file that is being read by somebody: made of the bytes as they pass.

    To read a file for its digest alone takes more time than to reckon it.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._digest = blake3()
        self._size = 0

    def take(self, block: bytes | memoryview) -> None:
        """The next bytes of the file."""
        self._digest.update(block)
        self._size += len(block)

    def value(self) -> str:
        """The digest. If not the whole file has passed, it is read now."""
        if self._size != size_of(self._source.path):
            return digest_of(self._source)
        return _MARKS[_NOW] + self._digest.hexdigest()


def digest_of_file(path: Path) -> str:
    """The same of a file by its path."""
    return _hashed(path)


def load_id(*parts: str) -> int:
    """The number of a load: 63 bits derived from what was loaded, so that the ids of its rows are the same wherever it is loaded."""
    return int.from_bytes(hashlib.sha256("\0".join(parts).encode()).digest()[:8], "big") >> 1


def new_load_id(connection: duckdb.DuckDBPyConnection, source: Source) -> int:
    """The number of a load of this file: told by its table, size and start, and by how many such loads there were before.

    The whole digest would do as well, but is not known yet when the first rows are stored.
    """
    start = _hashed(source.path, start_only=True)
    number = 0
    while True:
        found = load_id(source.table, str(source.size), start, str(number))
        with engine_errors():
            if not run(connection, "SELECT 1 FROM store_catalog.loads WHERE id = ?", [found]):
                return found
        number += 1


def digests_to_look_for(connection: duckdb.DuckDBPyConnection, source: Source) -> set[str]:
    """The kinds of digests of those files of this size that were loaded into the table: only these are needed beforehand."""
    with engine_errors():
        rows = run(
            connection,
            "SELECT DISTINCT left(sha256, 3) FROM store_catalog.loads WHERE table_name = ? AND bytes = ? AND sha256 <> ''",
            [source.table, source.size],
        )
    return kinds_of(start for (start,) in rows)


def kinds_of(starts: Iterable[str]) -> set[str]:
    """The kinds of digests that begin with these three characters."""
    kinds = {mark: kind for kind, mark in _MARKS.items()}
    return {kinds.get(start, "sha256") for start in starts}


def earlier_digests(path: Path, kinds: Iterable[str]) -> list[str]:
    """The digests that earlier versions kept, as far as these kinds are asked for."""
    return [_hashed(path, kind) for kind in sorted(kinds) if kind != _NOW]


def is_present(connection: duckdb.DuckDBPyConnection, table: str, digest: str) -> bool:
    """Whether the table has this content."""
    with engine_errors():
        return bool(
            run(
                connection,
                "SELECT 1 FROM store_catalog.loads WHERE table_name = ? AND sha256 = ? LIMIT 1",
                [table, digest],
            )
        )


def record(
    connection: duckdb.DuckDBPyConnection, load: Load, first_row: int = -(2**63) + 1, last_row: int = 2**63 - 1
) -> None:
    """Note a load, in the transaction that adds its rows: those of it whose numbers are from `first_row` to `last_row`.

    What has arrived is only added to, so that its row numbers are the order of the commits (`arrivals.position`); a load that
    takes rows several times is one load, and an arrival each time.
    """
    drifted = json.dumps(dict(load.drifted), sort_keys=True) if load.drifted else None
    values = [
        load.id, load.table, load.source, load.sha256, load.size, load.rows, load.stamped, load.bad, drifted, load.at
    ]  # fmt: skip
    with engine_errors():
        run(connection, f"INSERT INTO store_catalog.loads VALUES ({', '.join('?' * len(values))})", values)
        arrived = [load.id, load.table, first_row, last_row, load.at]
        run(connection, "INSERT INTO store_catalog.arrivals VALUES (?, ?, ?, ?, ?)", arrived)


def _hashed(path: Path, kind: str = _NOW, *, start_only: bool = False) -> str:
    """The digest of a file, with its kind's mark; of its start it is SHA-256 without one, since ids of rows are made of it."""
    digest: _Digest
    if start_only or kind == "sha256":
        digest = hashlib.sha256()
    else:
        digest = blake3() if kind == _NOW else hashlib.blake2b(digest_size=32)
    with open_file(path) as file:
        try:
            while block := file.read(_BLOCK):
                digest.update(block)
                if start_only:
                    break
        except OSError as error:
            raise unreadable(path, error) from error
    return ("" if start_only else _MARKS[kind]) + digest.hexdigest()
