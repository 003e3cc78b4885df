"""`externaldata`: rows that another host holds, fetched over https from hosts that an administrator allowed.

Source: the KQL page "externaldata operator" and the ingestion formats that it names.
"""

from __future__ import annotations

import csv
import io
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from vedette.core.deferred import deferred
from vedette.core.errors import Forbidden, InvalidInput, Unavailable
from vedette.kql.types import Type

if TYPE_CHECKING:
    import httpx
else:
    httpx = deferred("httpx")

SETTING: Final = "VEDETTE_EXTERNALDATA_HOSTS"
_DELIMITERS: Final = {"csv": ",", "tsv": "\t", "psv": "|", "scsv": ";"}
_FORMATS: Final = (*_DELIMITERS, "txt", "raw", "json", "multijson", "parquet")
_PROPERTIES: Final = frozenset({"format", "ignorefirstrecord"})

Row = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class ExternalLimits:
    """What one address may give."""

    bytes: int = 100 * 1024 * 1024
    """As sent, and after decompression."""
    seconds: float = 60.0
    addresses: int = 100
    """In one operator."""


class ExternalReader:
    """Reads what `externaldata` names. `transport` is the network; None: the machine's own."""

    def __init__(
        self, hosts: Iterable[str] = (), *, transport: httpx.BaseTransport | None = None,
        limits: ExternalLimits | None = None,
    ) -> None:  # fmt: skip
        """`hosts` are names, or names with a port, that may be reached; `*.example.com` stands for every name below."""
        self._hosts = tuple(host.strip().lower() for host in hosts if host.strip())
        self._transport = transport
        self._limits = limits or ExternalLimits()

    def rows(
        self, uris: Sequence[str], properties: Mapping[str, object], columns: Sequence[tuple[str, Type]]
    ) -> Sequence[Row]:
        """The rows of all addresses, as text.

        Raises `Forbidden` for a host that is not allowed, `InvalidInput` for an address, property or format that cannot be, and
        `Unavailable` where an address does not give what it should.
        """
        if len(uris) > self._limits.addresses:
            raise InvalidInput(f"externaldata has more than {self._limits.addresses} addresses.", code="VDT1009")
        for uri in uris:
            self._check(uri)
        chosen = {name.lower(): value for name, value in properties.items()}
        unknown = next((name for name in properties if name.lower() not in _PROPERTIES), None)
        if unknown is not None:
            raise InvalidInput(
                f"externaldata has no property '{unknown}' here; it takes format and ignoreFirstRecord.", code="VDT1009"
            )
        first = str(chosen.get("ignorefirstrecord", "false")).lower() in ("true", "1")
        found: list[Row] = []
        for uri in uris:
            form = _form(uri, chosen.get("format"))
            found += read(self._fetch(uri), form, columns, ignore_first=first, place=_shown(uri))
        return found

    def _check(self, uri: str) -> None:
        parts = urlsplit(uri.split(";", 1)[0])
        if parts.scheme != "https" or not parts.hostname or "@" in parts.netloc:
            raise InvalidInput(f"externaldata reads https addresses alone, and {_shown(uri)} is none.", code="VDT1006")
        host = parts.hostname.lower()
        try:
            full = f"{host}:{parts.port or 443}"
        except ValueError:
            raise InvalidInput(f"{_shown(uri)} is not an address.", code="VDT1006") from None
        for allowed in self._hosts:
            wanted = allowed if ":" in allowed else f"{allowed}:443"
            if full == wanted or (wanted.startswith("*.") and full.endswith(wanted[1:])):
                return
        raise Forbidden(
            f"externaldata may not reach {full.removesuffix(':443')}: an administrator allows hosts with {SETTING}.",
            code="VDT1006",
        )

    def _fetch(self, uri: str) -> bytes:
        limits = self._limits
        end = time.monotonic() + limits.seconds
        address = uri.split(";", 1)[0]
        content = bytearray()
        try:
            with (
                httpx.Client(
                    transport=self._transport,
                    timeout=min(30.0, limits.seconds),
                    follow_redirects=False,
                    trust_env=False,
                ) as client,
                client.stream("GET", address, headers={"Accept-Encoding": "identity"}) as answer,
            ):
                if answer.status_code != 200:
                    raise Unavailable(f"{_shown(uri)} answered with status {answer.status_code}.", code="VDT2006")
                for chunk in answer.iter_raw():
                    content += chunk
                    if len(content) > limits.bytes:
                        raise Unavailable(f"{_shown(uri)} has more than {limits.bytes:,} bytes.", code="VDT2006")
                    if time.monotonic() > end:
                        raise Unavailable(f"{_shown(uri)} took more than {limits.seconds:g} seconds.", code="VDT2006")
        except httpx.HTTPError as error:
            raise Unavailable(
                f"{_shown(uri)} cannot be read: {error or type(error).__name__}.", code="VDT2006"
            ) from None
        return _unzipped(bytes(content), limits.bytes, _shown(uri))


def _shown(uri: str) -> str:
    """An address without what may be secret in it."""
    parts = urlsplit(uri.split(";", 1)[0])
    return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"[:200] if parts.scheme else "the address"


def _unzipped(content: bytes, most: int, place: str) -> bytes:
    if content[:2] != b"\x1f\x8b":
        return content
    out = bytearray()
    try:
        while content:
            unpacker = zlib.decompressobj(wbits=31)
            out += unpacker.decompress(content, most + 1 - len(out))
            if len(out) > most or unpacker.unconsumed_tail:
                raise Unavailable(f"{place} has more than {most:,} bytes when it is unpacked.", code="VDT2006")
            if not unpacker.eof:
                raise Unavailable(f"{place} is cut off: its gzip data has no end.", code="VDT2006")
            content = unpacker.unused_data.lstrip(b"\x00")
    except zlib.error as error:
        raise Unavailable(f"{place} is not gzip: {error}.", code="VDT2006") from None
    return bytes(out)


def _form(uri: str, given: object) -> str:
    if given is not None:
        form = str(given).lower()
        if form not in _FORMATS:
            raise InvalidInput(
                f"externaldata does not read the format '{str(given)[:40]}'; it reads {', '.join(_FORMATS)}.",
                code="VDT1009",
            )
        return form
    name = urlsplit(uri).path.lower().removesuffix(".gz")
    ending = name.rsplit(".", 1)[-1]
    return ending if ending in _FORMATS else "csv"


def read(
    content: bytes,
    form: str,
    columns: Sequence[tuple[str, Type]],
    *,
    ignore_first: bool = False,
    place: str = "the data",
) -> list[Row]:
    """The rows of a file. Raises `Unavailable` where the file is not of that form."""
    if form == "parquet":
        return _parquet(content, columns, place)
    text = content.decode("utf-8-sig", "replace")
    if form == "raw":
        return [_placed([text], columns)]
    if form == "txt":
        lines = text.split("\n")
        lines = lines[:-1] if lines and not lines[-1] else lines
        return [_placed([line.removesuffix("\r")], columns) for line in lines[1 if ignore_first else 0 :]]
    if form in _DELIMITERS:
        return _delimited(text, _DELIMITERS[form], columns, ignore_first, place)
    return [_picked(one, columns) for one in _objects(text, form, place)]


def _delimited(
    text: str, delimiter: str, columns: Sequence[tuple[str, Type]], ignore_first: bool, place: str
) -> list[Row]:
    try:
        rows = [cells for cells in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if cells]
    except csv.Error as error:
        raise Unavailable(f"{place} cannot be read: {error}.", code="VDT2006") from None
    return [_placed(cells, columns) for cells in rows[1 if ignore_first else 0 :]]


def _placed(cells: Sequence[str], columns: Sequence[tuple[str, Type]]) -> Row:
    """Values by their place; those that are missing are null."""
    return tuple(
        _text_for(cells[place], kind) if place < len(cells) else None for place, (_, kind) in enumerate(columns)
    )


def _text_for(text: str, kind: Type) -> str | None:
    """A text of a file for a column; what is no JSON is a string, as `todynamic()` has it."""
    if kind is not Type.DYNAMIC:
        return text
    if not text.strip():
        return None
    try:
        return orjson.dumps(orjson.loads(text)).decode()
    except orjson.JSONDecodeError:
        return orjson.dumps(text).decode()


def _objects(text: str, form: str, place: str) -> Iterator[Mapping[str, Any]]:
    """The objects of JSON lines, or of one JSON value (an array or an object) over several lines."""
    try:
        whole = form == "multijson" or text.lstrip().startswith("[")
        values = (
            _flat(orjson.loads(text)) if whole else [orjson.loads(line) for line in text.splitlines() if line.strip()]
        )
    except orjson.JSONDecodeError as error:
        try:  # several values one after the other, each over several lines
            values = _several(text)
        except ValueError:
            raise Unavailable(f"{place} is not JSON: {error}.", code="VDT2006") from None
    for one in values:
        if isinstance(one, dict):
            yield one


def _flat(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _several(text: str) -> list[object]:
    import json

    decoder, found, start = json.JSONDecoder(), [], 0
    while start < len(text):
        if text[start].isspace() or text[start] == ",":
            start += 1
            continue
        value, start = decoder.raw_decode(text, start)
        found += _flat(value)
    return found


def _picked(value: Mapping[str, Any], columns: Sequence[tuple[str, Type]]) -> Row:
    """Values by their name."""
    return tuple(_plain(value.get(name), kind) for name, kind in columns)


def _plain(value: object, kind: Type) -> str | None:
    if value is None:
        return None
    if kind is Type.DYNAMIC:
        return orjson.dumps(value, default=str).decode()
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    return orjson.dumps(value, default=str).decode()


def _parquet(content: bytes, columns: Sequence[tuple[str, Type]], place: str) -> list[Row]:
    try:
        table = pq.read_table(io.BytesIO(content))
    except (pa.ArrowException, OSError) as error:
        raise Unavailable(f"{place} is not Parquet: {error}.", code="VDT2006") from None
    names = set(table.column_names)
    wanted = table.select([name for name, _ in columns if name in names])
    return [_picked(row, columns) for row in wanted.to_pylist()]
