"""Hashes of values. A hash of a scalar that is no string is that of its bytes (xxhash) or of its text (the others)."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING

from vedette.core.deferred import deferred
from vedette.engine.catalog import scalar
from vedette.engine.dialect import DuckDbSql
from vedette.engine.fragment import Fragment
from vedette.kql.types import Type

if TYPE_CHECKING:
    import uuid

    import xxhash
else:
    uuid = deferred("uuid")
    xxhash = deferred("xxhash")


def _signed(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value


def xxhash_text(text: str) -> int:
    """The 64-bit xxHash of a text's UTF-8 bytes."""
    return _signed(xxhash.xxh64_intdigest(text.encode("utf-8")))


def xxhash_long(value: int) -> int:
    """The 64-bit xxHash of a long's (datetime's, timespan's) eight bytes."""
    return _signed(xxhash.xxh64_intdigest(struct.pack("<q", value)))


def xxhash_int(value: int) -> int:
    """The 64-bit xxHash of an int's four bytes."""
    return _signed(xxhash.xxh64_intdigest(struct.pack("<i", value)))


def xxhash_real(value: float) -> int:
    """The 64-bit xxHash of a real's eight bytes."""
    return _signed(xxhash.xxh64_intdigest(struct.pack("<d", value)))


def xxhash_bool(value: bool) -> int:
    """The 64-bit xxHash of a bool's byte."""
    return _signed(xxhash.xxh64_intdigest(struct.pack("<?", value)))


def xxhash_guid(value: str) -> int:
    """The 64-bit xxHash of a guid's 16 bytes in Windows' order."""
    return _signed(xxhash.xxh64_intdigest(uuid.UUID(value).bytes_le))


_XXHASH: dict[Type, Callable[..., object]] = {
    Type.STRING: xxhash_text, Type.LONG: xxhash_long, Type.DATETIME: xxhash_long, Type.TIMESPAN: xxhash_long,
    Type.INT: xxhash_int, Type.REAL: xxhash_real, Type.BOOL: xxhash_bool, Type.GUID: xxhash_guid,
}  # fmt: skip


@scalar(
    "hash(source: string|int|long|real|bool|datetime|timespan|guid, mod?: integer): long",
    about="The 64-bit xxHash of a value, or its remainder by a number.",
    page="hash-function",
    aliases=("hash_xxhash64",),
    nulls="own",
)
def hash_(sql: DuckDbSql, source: Fragment, mod: Fragment | None = None) -> str:
    function = _XXHASH[source.type]
    value = sql.row(f"xxhash_{source.type}", function, Type.LONG, source)
    if mod is None:
        return value
    wide = f"CAST({mod} AS HUGEINT)"  # the sum of a rest and its modulus can pass a long
    return f"CASE WHEN {mod} <> 0 THEN CAST((({value} % {wide}) + abs({wide})) % {wide} AS BIGINT) END"


def _digest(name: str, function: str) -> None:
    algorithm = name.removeprefix("hash_").upper()

    @scalar(f"{name}(source: plain): string", about=f"The {algorithm} of a value's text, in hexadecimal digits; of an empty text empty.",
            page=f"{name.replace('_', '-')}-function", nulls="total")  # fmt: skip
    def emit(sql: DuckDbSql, source: Fragment) -> str:
        text = sql.tostring(source)
        return f"CASE WHEN {text} = '' THEN '' ELSE {function}({text}) END"


for _name in ("hash_md5", "hash_sha1", "hash_sha256"):
    _digest(_name, _name.removeprefix("hash_"))
