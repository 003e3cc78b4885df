"""Archives (zip, tar, gzip) → files in a folder of our own, within limits. Names in an archive are told, never used: its members lie
there as numbers."""

from __future__ import annotations

import gzip
import os
import shutil
import stat
import tarfile
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Final

from vedette.collect.files.tarring import NotTar, TarMember, is_tar, tar_members
from vedette.core.errors import InvalidInput, VedetteError

_COPY_AGAIN: Final = "Copy or download it again."
_BLOCK: Final = 1024 * 1024
_SMALL: Final = 16 * 1024 * 1024
"""Bytes below which nobody asks how much a member was packed."""
PREFIX: Final = "unpacked-"
_OWN: Final = f"{PREFIX}{os.getpid()}-{time.time_ns():x}-"
"""What folders of this process begin with; its number alone comes again, in a container even at once."""


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """What an archive may unpack to: bytes in all, members, archives within archives, and times its packed size."""

    bytes: int = 64 * 1024**3
    members: int = 100_000
    depth: int = 4
    ratio: int = 400


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an archive: its file, and what it is called; or why it was not unpacked."""

    shown: Path
    file: Path | None
    error: VedetteError | None = None
    passed_over: str | None = None


class Unpacker:
    """Unpacks the archives of one call into a folder that `close` removes."""

    def __init__(self, parent: Path | None, limits: ArchiveLimits, cancelled: Callable[[], None]) -> None:
        """`parent` is where the folder is made; `cancelled` raises to stop."""
        self._parent = parent
        self.limits = limits
        self._cancelled = cancelled
        self._folder: Path | None = None
        self._number = 0
        self._left = limits.bytes
        self._members_left = limits.members

    def close(self) -> None:
        """Removes what was unpacked."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def unpack(self, file: Path, shown: Path, depth: int) -> Iterator[Member]:
        """The members of a zip or tar file. Raises `VedetteError` where it cannot be read, or unpacks to more than the limits allow."""
        if depth > self.limits.depth:
            raise _refused(
                shown, f"it is an archive within {depth - 1} archives, and {self.limits.depth} are unpacked at most",
                "VEDETTE_ARCHIVE_DEPTH allows more.",
            )  # fmt: skip
        if is_tar(file):
            yield from self._tar(file, shown)
            return
        try:
            archive = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise _refused(
                shown, f"it is not a zip file that can be read ({str(error).rstrip('.')})", _COPY_AGAIN
            ) from None
        with archive:
            if _is_cut(archive):
                raise _refused(
                    shown, "it is cut off or damaged: its list of files leaves out the first of them", _COPY_AGAIN
                )
            for info in archive.infolist():
                if not info.is_dir():
                    yield self._member(archive, info, shown)

    def _tar(self, file: Path, shown: Path) -> Iterator[Member]:
        try:
            for member in tar_members(file):
                yield self._of_tar(member, shown)
        except (NotTar, tarfile.TarError) as error:
            raise _refused(
                shown, f"it is not a tar file that can be read ({str(error).rstrip('.')})", _COPY_AGAIN
            ) from None
        except OSError as error:
            raise _no_room(error) from None

    def _of_tar(self, member: TarMember, shown: Path) -> Member:
        inside, outcome = self._called(member.name, shown, member.special)
        if outcome is not None:
            return outcome
        assert member.content is not None
        file = self._copy(member.content, inside, max(1, member.packed))
        with suppress(OSError, OverflowError, ValueError):  # only for years that lines do not tell
            os.utime(file, (member.changed, member.changed))
        return Member(inside, file)

    def _called(self, name: str, shown: Path, special: str | None) -> tuple[Path, Member | None]:
        """What a member is called where it is told of; and what becomes of one that is not unpacked."""
        self._cancelled()
        self._members_left -= 1
        if self._members_left < 0:
            raise _refused(
                shown, f"it has more than {self.limits.members:,} files", "VEDETTE_ARCHIVE_FILES allows more."
            )
        name = name.replace("\\", "/")
        called = PurePosixPath(name)
        inside = shown.joinpath(*[part for part in called.parts if part not in ("/", "..", ".")][-32:])
        if called.is_absolute() or ".." in called.parts or (len(name) > 1 and name[1] == ":"):
            return inside, Member(
                inside, None, _refused(inside, "its name in the archive leads out of the folder it is unpacked into")
            )
        if special is not None:
            return inside, Member(inside, None, passed_over=special)
        if "__MACOSX" in called.parts or called.name.startswith("."):
            return inside, Member(inside, None, passed_over="a file of the system that packed the archive")
        return inside, None

    def _member(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo, shown: Path) -> Member:
        link = "a symbolic link" if stat.S_ISLNK(info.external_attr >> 16) else None
        inside, outcome = self._called(info.filename, shown, link)
        if outcome is not None:
            return outcome
        if info.flag_bits & 0x1:
            return Member(
                inside,
                None,
                _refused(inside, "it is encrypted", "Unpack the archive with its password, and load the folder."),
            )
        packed = max(1, info.compress_size)
        try:
            with archive.open(info) as source:
                file = self._copy(source, inside, packed)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise _no_room(error) from None
            return Member(inside, None, _refused(inside, f"it is damaged in the archive ({str(error).rstrip('.')})"))
        _set_time(file, info.date_time)
        return Member(inside, file)

    def gunzip(self, file: Path, shown: Path) -> Path:
        """What a gzip file holds, as a file."""
        try:
            with gzip.open(file) as source:
                return self._copy(source, shown, max(1, file.stat().st_size))
        except (zlib.error, EOFError, gzip.BadGzipFile) as error:
            raise _refused(shown, f"its compressed data is damaged ({str(error).rstrip('.')})") from None
        except OSError as error:
            raise _no_room(error) from None

    def _copy(self, source: IO[bytes] | gzip.GzipFile, shown: Path, packed: int) -> Path:
        """A stream as a file; what was written counts, not what an archive says."""
        if self._folder is None:
            self._folder = own_folder(self._parent)
        self._number += 1
        target = self._folder / f"{self._number}"
        written = 0
        with target.open("wb") as out:
            while block := source.read(_BLOCK):
                self._cancelled()
                written += len(block)
                self._left -= len(block)
                if self._left < 0:
                    raise _refused(
                        shown,
                        f"what was packed has more than {self.limits.bytes:,} bytes",
                        "VEDETTE_ARCHIVE_BYTES allows more.",
                    )
                if written > _SMALL and written > packed * self.limits.ratio:
                    raise _refused(
                        shown, f"it unpacks to more than {self.limits.ratio} times its size, as zip bombs do",
                        "VEDETTE_ARCHIVE_RATIO allows more.",
                    )  # fmt: skip
                out.write(block)
        return target


def _is_cut(archive: zipfile.ZipFile) -> bool:
    """Whether a zip file begins with a file that its list leaves out.

    The list stands at the end. Of an archive that is cut behind another one stored in it, the end is that one's, and its list would
    pass for the whole.
    """
    assert archive.fp is not None
    archive.fp.seek(0)
    first = min((info.header_offset for info in archive.infolist()), default=None)
    return archive.fp.read(4) == b"PK\x03\x04" and first != 0


def own_folder(parent: Path | None) -> Path:
    """A new folder that this process removes, or else whoever holds the parent next; without a parent, a temporary one."""
    return Path(tempfile.mkdtemp(prefix=_OWN, dir=parent))


def remove_left(parent: Path) -> None:
    """Remove what processes that were killed have left in a folder that this process holds alone."""
    for left in parent.glob(f"{PREFIX}*"):
        if not left.name.startswith(_OWN):
            shutil.rmtree(left, ignore_errors=True)


def _set_time(file: Path, at: tuple[int, int, int, int, int, int]) -> None:
    try:
        moment = time.mktime((*at, 0, 0, -1))
        os.utime(file, (moment, moment))
    except (ValueError, OverflowError, OSError):
        return  # only for years that lines do not tell


def _refused(shown: Path, why: str, hint: str | None = None) -> VedetteError:
    return InvalidInput(
        f"The file {shown} cannot be unpacked: {why}.", code="VDT0650", hint=hint, file=str(shown), exit_code=1
    )


def _no_room(error: OSError) -> VedetteError:
    return VedetteError(
        f"An archive cannot be unpacked: {(error.strerror or str(error)).lower()}.",
        code="VDT0651",
        hint="Make room on the disk of the data directory.",
    )
