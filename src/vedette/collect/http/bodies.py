"""The bodies of requests: unpacked within a limit, and read as JSON records."""

from __future__ import annotations

import re
import zlib
from typing import Any, Final

import orjson

from vedette.core.errors import InvalidInput, VedetteError
from vedette.store.batch import BadRecord
from vedette.store.reading.jsonfile import located_values_in, values_in
from vedette.store.reading.jsonlines import parse_object

Row = dict[str, object]
_STEP: Final = 1024 * 1024
_GZIP: Final = 16 + zlib.MAX_WBITS
_FIRST: Final = 1024
"""Bytes that a member of gzip is given first: what follows it is copied, and there may be very many small members."""
_PIECE: Final = 64 * 1024
"""Bytes of an array that are read at once."""
_SPACE: Final = b" \t\r\n"
_BETWEEN: Final = re.compile(rb"\}[ \t\r\n]*,[ \t\r\n]*\{")
_TOO_MUCH: Final = ("number is infinity", "depth limit", "surrogate")
"""What orjson says of JSON that is valid. Of half of a surrogate it says so first, whatever else there is."""
_MARKS: Final = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))


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
    view, place = memoryview(body), 0
    parts: list[bytes] = []
    size = 0
    try:
        while place < len(view):
            packed = zlib.decompressobj(zlib.MAX_WBITS if encoding == "deflate" else _GZIP)
            given = _FIRST
            while not packed.eof:
                taken = view[place : place + given]
                part = packed.decompress(taken, _STEP)
                place += len(taken) - len(packed.unused_data if packed.eof else packed.unconsumed_tail)
                given = min(2 * given, _STEP)
                size += len(part)
                if size > limit:
                    raise too_large(limit)
                parts.append(part)
                if not part and not taken and not packed.eof:
                    raise InvalidInput(f"The body ends in the middle of its {encoding} data.", code="VDT0630")
            # a gzip file may have several members
    except zlib.error as error:
        raise InvalidInput(f"The body is not valid {encoding} data.", code="VDT0630") from error
    return b"".join(parts)


def in_utf_8(body: bytes) -> bytes:
    """A text without its byte order mark, in UTF-8 where the mark says UTF-16: clients of Windows send either.

    Raises `InvalidInput` where it is not in the encoding that its mark says.
    """
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            rest = body[len(mark) :]
            if encoding == "utf-8":
                return rest
            try:
                return rest.decode(encoding).encode()
            except UnicodeError as error:
                raise InvalidInput(f"The body is not valid {encoding.upper()}.", code="VDT0631") from error
    return body


def not_json(error: orjson.JSONDecodeError) -> InvalidInput:
    """What to say of a body that cannot be read as JSON, with the place."""
    message = f"The body is not valid JSON: {error.msg} (line {error.lineno}, column {error.colno})."
    return InvalidInput(message, code="VDT0631")


def objects(body: bytes) -> list[Row]:
    """The objects of a JSON array, or the one object. Raises `InvalidInput` that says where it is not."""
    body = in_utf_8(body)
    try:
        return _all_objects(body)
    except orjson.JSONDecodeError as error:
        raise not_json(error) from None


def array(body: bytes) -> tuple[list[Row], list[BadRecord]]:
    """As `objects`; records that are JSON, and more than can be read (a number of 400 digits, two thousand lists in one another), are set
    aside, and the others are given."""
    body = in_utf_8(body)
    try:
        return _all_objects(body), []
    except orjson.JSONDecodeError as error:
        apart = _apart(body) if _is_too_much(str(error)) else None
        if apart is None:
            raise not_json(error) from None
        return apart


def _all_objects(body: bytes) -> list[Row]:
    try:
        value: Any = _in_pieces(body)
        if value is None:
            value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        # half of a surrogate pair is valid JSON: what reads files repairs it
        repaired = parse_object(b'{"v":' + body + b"}") if "surrogate" in str(error) else None
        if not isinstance(repaired, dict):
            raise
        value = repaired["v"]
    rows = value if isinstance(value, list) else [value]
    for position, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise InvalidInput(f"Record {position} is not a JSON object.", code="VDT0631")
    return rows


def _is_too_much(reason: str) -> bool:
    return any(one in reason for one in _TOO_MUCH)


def _apart(body: bytes) -> tuple[list[Row], list[BadRecord]] | None:
    """The records of an array, and those that are too much; None where anything else is wrong with it."""
    rows: list[Row] = []
    bad: list[BadRecord] = []
    between: list[bytes] = []
    place = 0
    for line, offset, text in located_values_in(body):
        between.append(body[place:offset])
        place = offset + len(text)
        row = parse_object(text)
        if not isinstance(row, str):
            rows.append(row)
        elif text.startswith(b"{") and _is_too_much(row):
            bad.append(BadRecord(line, offset, row, text.decode(errors="backslashreplace")))
        else:
            return None
    try:
        array_of_none = orjson.loads(b"null".join([*between, body[place:]]))
    except orjson.JSONDecodeError:
        return None
    return (rows, bad) if isinstance(array_of_none, list) else None


def _in_pieces(body: bytes) -> list[Row] | None:
    """The objects of a long array, or None where it must be read at once.

    While a text is read, nobody else has the interpreter: some megabytes would keep all queries waiting. A text that was cut
    between two objects and is an array in all its pieces was cut at its outermost level, since any other place leaves a bracket or a
    quote open.
    """
    start, end = body.find(b"["), body.rfind(b"]")
    if len(body) < 2 * _PIECE or start < 0 or body[:start].strip(_SPACE) or body[end + 1 :].strip(_SPACE):
        return None
    rows: list[Row] = []
    start += 1
    while start < end:
        between = _BETWEEN.search(body, start + _PIECE, start + 2 * _PIECE) if end - start > 2 * _PIECE else None
        stop = between.start() + 1 if between else end
        try:
            rows += orjson.loads(b"".join((b"[", memoryview(body)[start:stop], b"]")))
        except orjson.JSONDecodeError:
            return None  # cut in the wrong place, or not valid: what is wrong with it, the whole tells
        start = between.end() - 1 if between else end
    return rows


def _one_after_another(body: bytes) -> list[Row] | None:
    """Objects one after the other, whatever stands on a line, or None where one of them is none."""
    texts = list(values_in(body))
    rows = [row for text in texts if not isinstance(row := parse_object(text), str)]
    whole = len(rows) == len(texts) and b"".join(b"".join(texts).split()) == b"".join(body.split())
    return rows if whole else None


def records(body: bytes) -> tuple[list[Row], list[BadRecord]]:
    """The records of an object, an array, lines of JSON, or objects one after the other in other lines than one each; what is no
    object is set aside.

    Raises `InvalidInput` where nothing can be read.
    """
    body = in_utf_8(body)
    start = body.lstrip()[:1]
    if start == b"[":
        return array(body)
    lines = body.split(b"\n")
    if start == b"{":
        if len(lines) > 1:
            try:
                return [orjson.loads(body)], []  # one object over several lines
            except orjson.JSONDecodeError:
                pass
        # several objects on one line, as Fluent Bit streams them, or over several lines
        if isinstance(parse_object(body.lstrip().split(b"\n", 1)[0]), str) and (several := _one_after_another(body)):
            return several, []
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
