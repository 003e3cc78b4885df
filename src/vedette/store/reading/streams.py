"""The bytes of a log file: decompressed where it is gzip, in UTF-8 where its byte order mark says UTF-16."""

from __future__ import annotations

import codecs
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Final

from vedette.core.errors import InvalidInput, VedetteError, nearest

READ_SIZE: Final = 256 * 1024
BLOCK_SIZE: Final = 1024 * 1024
"""How much one block has at most: a small file may unpack to a very large one."""
_GZIP_MAGIC: Final = b"\x1f\x8b"
_UTF8_MARK: Final = codecs.BOM_UTF8


class TextStream:
    """The text of a log file as blocks of UTF-8 bytes.

    Gzip is told by its first bytes, not by the name. After the last block, `damage` says what is wrong with the compressed data, if
    anything: everything before the damage has been given. `consumed` counts the bytes of the file itself; `seen` is shown them,
    as they lie there.
    """

    def __init__(self, path: Path, seen: Callable[[bytes | memoryview], object] | None = None) -> None:
        self.path = path
        self._seen = seen
        self.consumed = 0
        self.damage: str | None = None

    def blocks(self) -> Iterator[bytes]:
        """The blocks, none of them empty. Raises `VedetteError` where the file cannot be read, or is not what its name says."""
        with open_file(self.path) as file:
            start = file.read(2)
            file.seek(0)
            if start == _GZIP_MAGIC:
                blocks = self._gunzipped(file)
            elif self.path.suffix.lower() == ".gz":
                raise _not_gzip(self.path, "it does not start with a gzip header" if start else "it is empty")
            else:
                blocks = self._plain(file)
            yield from _as_utf8(blocks)

    def put(self, room: Callable[[int], memoryview]) -> Iterator[int]:
        """The same text, each part put at the start of what `room` gives for so many bytes; gives how many it has, which are some.

        A file whose bytes are its text is read into the room itself. Raises as `blocks` does.
        """
        with open_file(self.path) as file:
            if self._is_text(file):
                while True:
                    with room(READ_SIZE) as view:
                        count = self._read_into(file, view)
                    if not count:
                        return
                    yield count
        for block in self.blocks():
            for start in range(0, len(block), READ_SIZE):
                part = block[start : start + READ_SIZE]
                with room(len(part)) as view:
                    view[: len(part)] = part
                yield len(part)

    def check(self, line: int) -> None:
        """Raises `VedetteError` where the compressed data was damaged; `line` is the first one that is missing.

        Asked once the blocks have ended. What came before the damage is not a file: were it loaded, the whole file could not be
        later without doubling it.
        """
        if self.damage is not None:
            raise _not_gzip(self.path, self.damage, line)

    def _is_text(self, file: IO[bytes]) -> bool:
        """Whether the bytes of the file are the text: UTF-8 without a mark, and not packed."""
        if type(self).blocks is not TextStream.blocks or self.path.suffix.lower() == ".gz":
            return False
        try:
            start = file.read(4)
            file.seek(0)
        except OSError as error:
            raise unreadable(self.path, error) from error
        return not start.startswith((_GZIP_MAGIC, _UTF8_MARK)) and _wide(start) is None

    def _plain(self, file: IO[bytes]) -> Iterator[bytes]:
        while chunk := self._read(file):
            yield chunk

    def _gunzipped(self, file: IO[bytes]) -> Iterator[bytes]:
        inflate = zlib.decompressobj(wbits=31)
        inside = given = False
        carry = b""
        while chunk := self._read(file):
            chunk, carry = carry + chunk, b""
            while chunk:
                if not inside:
                    chunk = chunk.lstrip(b"\0")  # members may follow one another, and may be padded
                    if len(chunk) < len(_GZIP_MAGIC):
                        carry = chunk
                        break
                    if not chunk.startswith(_GZIP_MAGIC):
                        self.damage = f"something that is not gzip follows the gzip data, before byte {self.consumed}"
                        return
                    inside, inflate = True, zlib.decompressobj(wbits=31)
                try:
                    block = inflate.decompress(chunk, BLOCK_SIZE)
                except zlib.error as error:
                    if not given:
                        raise _not_gzip(
                            self.path, f"its compressed data is damaged at the start ({_reason(error)})"
                        ) from None
                    self.damage = f"its compressed data is damaged before byte {self.consumed} ({_reason(error)})"
                    return
                if block:
                    given = True
                    yield block
                chunk = inflate.unconsumed_tail
                if inflate.eof:
                    given, inside, chunk = True, False, inflate.unused_data
        if inside or carry:
            if not given:
                raise _not_gzip(self.path, f"it ends after {self.consumed} bytes, before any data")
            self.damage = f"it ends early, at byte {self.consumed}"

    def _read(self, file: IO[bytes]) -> bytes:
        try:
            chunk = file.read(READ_SIZE)
        except OSError as error:
            raise unreadable(self.path, error) from error
        self.consumed += len(chunk)
        if self._seen is not None:
            self._seen(chunk)
        return chunk

    def _read_into(self, file: IO[bytes], view: memoryview) -> int:
        try:
            count: int = file.readinto(view)  # type: ignore[attr-defined]
        except OSError as error:
            raise unreadable(self.path, error) from error
        self.consumed += count
        if self._seen is not None and count:
            with view[:count] as part:
                self._seen(part)
        return count


def open_file(path: Path) -> IO[bytes]:
    """The file, open for reading; `VedetteError` with one clear sentence where that is refused."""
    try:
        return path.open("rb")
    except OSError as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: OSError) -> VedetteError:
    """What to say about a file that the operating system does not let us read."""
    if isinstance(error, FileNotFoundError):
        return VedetteError(
            f"There is no file or folder {path}.", code="VDT0601", hint=_near_file(path), file=str(path), status=404
        )
    if isinstance(error, PermissionError):
        return VedetteError(
            f"The file {path} may not be read by this user.",
            code="VDT0602",
            hint="Give this user the right to read it.",
            file=str(path),
        )
    return VedetteError(
        f"The file {path} cannot be read: {(error.strerror or str(error)).lower()}.", code="VDT0602", file=str(path)
    )


def _near_file(path: Path) -> str | None:
    try:
        near = nearest(path.name, [entry.name for entry in path.absolute().parent.iterdir()])
    except OSError:
        return None
    return None if near is None else f"Did you mean '{path.with_name(near)}'?"


def _not_gzip(path: Path, why: str, line: int | None = None) -> VedetteError:
    return InvalidInput(
        f"The file {path} is not valid gzip: {why}.",
        code="VDT0603",
        hint="Copy or download it again; nothing of it was loaded.",
        file=str(path),
        line=line,
        exit_code=1,
    )


def _reason(error: zlib.error) -> str:
    """`invalid block type` out of `Error -3 while decompressing data: invalid block type`."""
    return str(error).rpartition(": ")[2]


def _as_utf8(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The blocks without a byte order mark, decoded first where it is that of UTF-16 or UTF-32 (what Windows PowerShell writes)."""
    start = b""
    for block in blocks:
        start += block
        if len(start) >= 4:
            break
    form = _wide(start)
    if form is not None:
        decoder = codecs.getincrementaldecoder(form)(errors="replace")
        yield decoder.decode(start).encode()
        for block in blocks:
            yield decoder.decode(block).encode()
        yield decoder.decode(b"", final=True).encode()
        return
    start = start.removeprefix(_UTF8_MARK)
    if start:
        yield start
    yield from blocks


def _wide(start: bytes) -> str | None:
    """The form of UTF-16 or UTF-32 that a text is in: by its mark, or of UTF-16 by its first two characters, which in JSON, CSV and log
    lines are ASCII."""
    if start.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    zeros = [byte == 0 for byte in start[:4]]
    if zeros == [False, True, False, True]:
        return "utf-16-le"
    if zeros == [True, False, True, False]:
        return "utf-16-be"
    return None
