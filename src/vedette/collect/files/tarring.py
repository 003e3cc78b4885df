"""Tar archives (POSIX ustar and pax, GNU) as a sequence of members; nothing is written, and no name is used.

`tarfile` ends in silence where a header is damaged, as if the archive ended there. Evidence that is cut must be told, so the end is
looked at: POSIX.1 has at least one block of zeros there.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final, NamedTuple, cast

_BLOCK: Final = 512
_MAGIC: Final = b"ustar"
_LONGEST_HEADER: Final = 4 * 1024 * 1024
"""Bytes that one header (a long name, pax attributes) may have: `tarfile` reads it whole."""


class NotTar(Exception):
    """The file is no tar archive, or is damaged; the text says why."""


class TarMember(NamedTuple):
    """A member: its name, when it was changed (seconds since 1970), the bytes that it takes in the archive, and its content; or what it
    is where it is no plain file."""

    name: str
    changed: float
    packed: int
    content: IO[bytes] | None
    special: str | None


class _Bounded:
    """A file that gives no more at once than a header may have."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _LONGEST_HEADER:
            raise NotTar(f"a header has more than {_LONGEST_HEADER:,} bytes")
        return self._file.read(size)

    def seek(self, position: int, whence: int = 0) -> int:
        return self._file.seek(position, whence)

    def tell(self) -> int:
        return self._file.tell()


def is_tar(file: Path) -> bool:
    """Whether a file begins as a tar archive does."""
    with file.open("rb") as opened:
        return has_magic(opened.read(_BLOCK))


def has_magic(start: bytes) -> bool:
    """Whether the first block of a file is that of a tar archive."""
    return start[257:262] == _MAGIC and not start.startswith(b"PK")


def tar_members(file: Path) -> Iterator[TarMember]:
    """The members but for folders; each is read before the next is asked for. Raises `NotTar`."""
    with file.open("rb") as opened:
        try:
            with tarfile.open(fileobj=cast("IO[bytes]", _Bounded(opened)), mode="r:", errorlevel=2) as archive:
                for info in archive:
                    if not info.isdir():
                        yield _member(archive, info)
                end = archive.offset
        except tarfile.TarError as error:
            raise NotTar(str(error).rstrip(".")) from None
        except (ValueError, EOFError, UnicodeError) as error:  # numbers and names in headers
            raise NotTar(f"a header is damaged: {error}") from None
        opened.seek(end)
        block = opened.read(_BLOCK)
        if len(block) < _BLOCK:
            raise NotTar("it is cut: it has no end")
        if any(block):
            raise NotTar(f"it is damaged at byte {end:,}")


def _member(archive: tarfile.TarFile, info: tarfile.TarInfo) -> TarMember:
    special = None
    if info.issym() or info.islnk():
        special = "a symbolic link" if info.issym() else "a link to another member"
    elif not info.isreg():
        special = "no plain file but a device or a pipe"
    if special is not None:
        return TarMember(info.name, info.mtime, 0, None, special)
    parts = cast("list[tuple[int, int]] | None", info.sparse)
    packed = sum(size for _, size in parts) if parts else info.size
    return TarMember(info.name, info.mtime, packed, archive.extractfile(info), None)
