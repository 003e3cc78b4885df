"""Encodings of text: base64, URL, compression, Punycode, code points."""

from __future__ import annotations

import base64
import binascii
import re
import struct
import zlib
from typing import TYPE_CHECKING

from vedette.core.deferred import deferred
from vedette.engine.catalog import scalar
from vedette.engine.dialect import DuckDbSql
from vedette.engine.fragment import Fragment
from vedette.kql.types import Type

if TYPE_CHECKING:
    import urllib.parse as url
    import uuid
else:
    uuid = deferred("uuid")
    url = deferred("urllib.parse")

_MOST_BYTES = 16 * 1024 * 1024
"""What a compressed text may grow to; more is refused as if it were damaged."""


# -- base64


def base64_bytes(text: str) -> bytes | None:
    """The bytes of a base64 text, padding optional; None where it is none."""
    body = text.strip()
    try:
        return base64.b64decode(body + "=" * (-len(body) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def _utf8(data: bytes | None) -> str | None:
    try:
        return None if data is None else data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def decoded_text(text: str) -> str | None:
    """The UTF-8 text of a base64 text; None where it is none."""
    return _utf8(base64_bytes(text))


def decoded_bytes(text: str) -> list[int] | None:
    """The bytes of a base64 text as numbers."""
    data = base64_bytes(text)
    return None if data is None else list(data)


def decoded_guid(text: str) -> str | None:
    """The guid of the 16 bytes of a base64 text, in Windows' byte order."""
    data = base64_bytes(text)
    return str(uuid.UUID(bytes_le=data)) if data is not None and len(data) == 16 else None


def encoded_bytes(values: object) -> str | None:
    """The base64 text of an array of numbers from 0 to 255."""
    if not isinstance(values, list):
        return None
    try:
        return base64.b64encode(bytes(int(value) for value in values)).decode("ascii")
    except (ValueError, TypeError):
        return None


def encoded_guid(value: str) -> str:
    """The base64 text of a guid's 16 bytes, in Windows' byte order."""
    return base64.b64encode(uuid.UUID(value).bytes_le).decode("ascii")


@scalar(
    "base64_encode_tostring(string: string): string",
    about="The base64 text of a text's UTF-8 bytes.",
    page="base64-encode-tostring-function",
    aliases=("base64_encodestring",),
    nulls="total",
)
def base64_encode_tostring(sql: DuckDbSql, text: Fragment) -> str:
    return f"base64(encode({text}))"


scalar(
    "base64_decode_tostring(base64_string: string): string",
    about="The text whose UTF-8 bytes a base64 text holds; empty where it is none.",
    page="base64-decode-tostring-function",
    aliases=("base64_decodestring",),
    kind="row",
)(decoded_text)
scalar(
    "base64_decode_toarray(base64_string: string): dynamic",
    about="The bytes of a base64 text as an array of numbers; null where it is none.",
    page="base64-decode-toarray-function",
    kind="row",
)(decoded_bytes)
scalar(
    "base64_decode_toguid(base64_string: string): guid",
    about="The guid whose 16 bytes a base64 text holds; null where it is none.",
    page="base64-decode-toguid-function",
    kind="row",
)(decoded_guid)
scalar(
    "base64_encode_fromarray(base64_string_decoded_as_array: array): string",
    about="The base64 text of an array of bytes.",
    page="base64-encode-fromarray-function",
    kind="row",
)(encoded_bytes)
scalar(
    "base64_encode_fromguid(guid: guid): string",
    about="The base64 text of a guid's 16 bytes.",
    page="base64-encode-fromguid-function",
    kind="row",
)(encoded_guid)


# -- compression


def inflated(text: str, window_bits: int) -> str | None:
    """The text of a compressed stream in base64; None where it is damaged or grows too large."""
    data = base64_bytes(text)
    if data is None:
        return None
    stream = zlib.decompressobj(window_bits)
    try:
        plain = stream.decompress(data, _MOST_BYTES)
    except zlib.error:
        return None
    return _utf8(plain) if stream.eof else None


def gunzipped(text: str) -> str | None:
    """The text of a gzip stream in base64."""
    return inflated(text, 31)


def unzlibbed(text: str) -> str | None:
    """The text of a zlib stream in base64."""
    return inflated(text, 15)


def _deflated(data: bytes) -> bytes:
    """A raw deflate stream: stored as it is unless compression saves a fifth."""
    streams = []
    for level in (0, 6):
        stream = zlib.compressobj(level, zlib.DEFLATED, -15)
        streams.append(stream.compress(data) + stream.flush())
    stored, small = streams
    return small if len(small) < 0.8 * len(stored) else stored


def gzipped(text: str) -> str:
    """A text as a gzip stream in base64 (RFC 1952), without time and of no particular system."""
    data = text.encode("utf-8")
    head, tail = b"\x1f\x8b\x08" + bytes(6) + b"\xff", struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)
    return base64.b64encode(head + _deflated(data) + tail).decode("ascii")


def zlibbed(text: str) -> str:
    """A text as a zlib stream in base64 (RFC 1950)."""
    data = text.encode("utf-8")
    return base64.b64encode(b"\x78\x01" + _deflated(data) + struct.pack(">I", zlib.adler32(data))).decode("ascii")


for _name, _codec, _about in (
    ("gzip_compress_to_base64_string", gzipped, "The gzip stream of a text, in base64."),
    (
        "gzip_decompress_from_base64_string",
        gunzipped,
        "The text of a gzip stream in base64; empty where it is damaged.",
    ),
    ("zlib_compress_to_base64_string", zlibbed, "The zlib stream of a text, in base64."),
    (
        "zlib_decompress_from_base64_string",
        unzlibbed,
        "The text of a zlib stream in base64; empty where it is damaged.",
    ),
):
    _kind, _verb = _name.split("_")[:2]
    _page = f"{_kind}-base64-{_verb}" + ("-function" if _kind == "zlib" else "")
    scalar(f"{_name}(string: string): string", about=_about, page=_page, kind="row")(_codec)


# -- URLs


_ESCAPE = re.compile(r"%[0-9A-F]{2}")


def url_encoded(text: str) -> str:
    """A text as a URL's form data has it: `+` for a space, lower-case escapes."""
    return _ESCAPE.sub(lambda found: found[0].lower(), url.quote_plus(text, safe="!()*-._").replace("~", "%7e"))


def url_component_encoded(text: str) -> str:
    """A text as a component of a URL: `%20` for a space, lower-case escapes."""
    return _ESCAPE.sub(lambda found: found[0].lower(), url.quote(text, safe="-._~"))


def url_decoded(text: str) -> str:
    """A text whose escapes are undone; `+` becomes a space."""
    return url.unquote_to_bytes(text.replace("+", " ")).decode("utf-8", "replace")


for _name, _function, _about in (
    ("url_encode", url_encoded, "A text as a URL's query has it, a space as +."),
    ("url_encode_component", url_component_encoded, "A text as a component of a URL, a space as %20."),
    ("url_decode", url_decoded, "The text of a URL's escapes."),
):
    scalar(f"{_name}({'encoded_' if _name == 'url_decode' else ''}url: string): string", about=_about,
           page=f"{_name.replace('_', '-')}-function", kind="row")(_function)  # fmt: skip


# -- Punycode


_DOTS = re.compile("[.\u3002\uff0e\uff61]")


def punycode(text: str) -> str:
    """A text in Punycode (RFC 3492), without the prefix of domain names."""
    return (
        text.encode("punycode").decode("ascii").removesuffix("-")
        if text.isascii()
        else text.encode("punycode").decode()
    )


def of_punycode(text: str) -> str | None:
    """The text that a Punycode text stands for."""
    try:
        return text.encode("ascii").decode("punycode")
    except (UnicodeError, ValueError):
        return None


def punycode_domain(domain: str) -> str:
    """A domain name with each label that is not ASCII in Punycode."""
    return ".".join(label if label.isascii() else "xn--" + punycode(label) for label in _DOTS.split(domain))


def of_punycode_domain(domain: str) -> str | None:
    """A domain name with each label's Punycode undone; None where one is damaged."""
    labels = []
    for label in domain.split("."):
        plain = of_punycode(label[4:]) if label[:4].lower() == "xn--" else label
        if plain is None:
            return None
        labels.append(plain)
    return ".".join(labels)


for _name, _puny, _about in (
    ("punycode_from_string", punycode, "A text in Punycode."),
    ("punycode_to_string", of_punycode, "The text that a Punycode text stands for; empty where it is none."),
    ("punycode_domain_from_string", of_punycode_domain, "A domain name with its Punycode undone."),
    ("punycode_domain_to_string", punycode_domain, "A domain name in Punycode."),
):
    scalar(f"{_name}(string: string): string", about=_about, page=f"{_name.replace('_', '-')}-function", kind="row")(
        _puny
    )


# -- code points


def code_points(text: str) -> list[int]:
    """The code points of a text."""
    return [ord(character) for character in text]


def text_of_code_points(*values: object) -> str | None:
    """The text of code points, each argument one or an array of them; None where one is none."""
    numbers: list[object] = []
    for value in values:
        numbers += value if isinstance(value, list) else [value]
    try:
        return "".join(chr(int(number)) for number in numbers if number is not None)  # type: ignore[call-overload]
    except (ValueError, TypeError, OverflowError):
        return None


@scalar(
    "unicode_codepoints_from_string(value: any): dynamic",
    about="The code points of a text.",
    page="unicode-codepoints-from-string-function",
    aliases=("to_utf8",),
    nulls="own",
)
def unicode_codepoints_from_string(sql: DuckDbSql, value: Fragment) -> str:
    return sql.row("code_points", code_points, Type.DYNAMIC, sql.tostring(value))


@scalar(
    "unicode_codepoints_to_string(value: integer|dynamic...): string",
    about="The text of code points, given one by one or in arrays.",
    page="unicode-codepoints-to-string-function",
    aliases=("make_string",),
)
def unicode_codepoints_to_string(sql: DuckDbSql, *values: Fragment) -> str:
    row = sql.row(f"text_of_code_points{len(values)}", text_of_code_points, Type.STRING, *values, strict=False)
    return f"coalesce({row}, '')"


@scalar("isascii(value: any): bool", about="Whether a text holds ASCII characters only.", page="isascii", nulls="total")
def isascii(sql: DuckDbSql, value: Fragment) -> str:
    text = sql.tostring(value)
    return f"(length({text}) = strlen({text}))"


@scalar("isutf8(value: any): bool", about="Whether a text is valid UTF-8.", page="isutf8-function", nulls="total")
def isutf8(sql: DuckDbSql, value: Fragment) -> str:
    # the engine holds no other text: bytes that are no UTF-8 are turned away where they come in
    return "true"
