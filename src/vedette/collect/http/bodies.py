"""The bodies of requests: unpacked within a limit, and read as JSON records."""

from __future__ import annotations

import zlib
from typing import Final

import orjson

from vedette.core.errors import InvalidInput, VedetteError
from vedette.store.batch import BadRecord
from vedette.store.reading.jsonlines import parse_object

Row = dict[str, object]
_STEP: Final = 1024 * 1024
_GZIP: Final = 16 + zlib.MAX_WBITS


def too_large(limit: int, size: int | None = None) -> VedetteError:
    """The error for a body beyond a door's limit."""
    given = "" if size is None else f" Provided content length: {size} bytes."
    return VedetteError(
        f"Maximum allowed content length: {limit} bytes ({limit / 2**20:g} MB).{given}", code="VDT0413", status=413
    )


def unpacked(body: bytes, encoding: str, limit: int) -> bytes:
    """The body as it was before `Content-Encoding` (gzip or deflate); never makes more than `limit` bytes of it."""
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise VedetteError(
            f"The content encoding '{encoding[:40]}' is not understood.", code="VDT0415", status=415, hint="Use gzip."
        )
    parts: list[bytes] = []
    size = 0
    rest = body
    try:
        while rest:
            packed = zlib.decompressobj(zlib.MAX_WBITS if encoding == "deflate" else _GZIP)
            while not packed.eof:
                part = packed.decompress(rest, _STEP)
                rest = packed.unconsumed_tail
                size += len(part)
                if size > limit:
                    raise too_large(limit)
                parts.append(part)
                if not part and not rest and not packed.eof:
                    raise InvalidInput(f"The body ends in the middle of its {encoding} data.", code="VDT0630")
            rest = packed.unused_data  # a gzip file may have several members
    except zlib.error as error:
        raise InvalidInput(f"The body is not valid {encoding} data.", code="VDT0630") from error
    return b"".join(parts)


def objects(body: bytes) -> list[Row]:
    """The objects of a JSON array, or the one object. Raises `InvalidInput` that says where it is not."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        # half of a surrogate pair is valid JSON: what reads files repairs it
        repaired = parse_object(b'{"v":' + body + b"}") if "surrogate" in str(error) else None
        if not isinstance(repaired, dict):
            raise InvalidInput(
                f"The body is not valid JSON: {error.msg} (line {error.lineno}, column {error.colno}).", code="VDT0631"
            ) from None
        value = repaired["v"]
    rows = value if isinstance(value, list) else [value]
    for position, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise InvalidInput(f"Record {position} is not a JSON object.", code="VDT0631")
    return rows


def records(body: bytes) -> tuple[list[Row], list[BadRecord]]:
    """The records of an object, an array, or lines of JSON; what is no object among lines is set aside.

    Raises `InvalidInput` where nothing can be read.
    """
    start = body.lstrip()[:1]
    if start == b"[":
        return objects(body), []
    lines = body.split(b"\n")
    if start == b"{" and len(lines) > 1:
        try:
            return [orjson.loads(body)], []  # one object over several lines
        except orjson.JSONDecodeError:
            pass
    rows: list[Row] = []
    bad: list[BadRecord] = []
    offset = 0
    for number, line in enumerate(lines, 1):
        if line.strip():
            row = parse_object(line)
            if isinstance(row, str):
                bad.append(BadRecord(number, offset, row, line.decode(errors="backslashreplace").rstrip("\r")))
            else:
                rows.append(row)
        offset += len(line) + 1
    if bad and not rows:
        raise InvalidInput(f"Line {bad[0].line}: {bad[0].reason}.", code="VDT0631", line=bad[0].line)
    return rows, bad
