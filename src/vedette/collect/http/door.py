"""What a front door is: it admits a sender by the headers of a request, reads the body, and takes what was in it.

Reading needs nothing but the request and what the door says of the workspace beforehand, and changes nothing: a process beside the
server's may do it (`collect.http.beside`).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from vedette.collect.reserved import kept_apart
from vedette.core.errors import InvalidInput, VedetteError
from vedette.store import catalog
from vedette.store.batch import BadRecord
from vedette.store.rowlines import TableLines, lines_of

if TYPE_CHECKING:
    from vedette.collect.http.gate import Gate, Grant


@dataclass(frozen=True, slots=True)
class DoorRequest:
    """A request without its body. Header names are lower case; `parts` are the variable parts of the path."""

    method: str
    path: str
    parts: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    address: str

    def bearer(self, *schemes: str) -> str | None:
        """The credential of the Authorization header, if its scheme is one of these (lower case)."""
        scheme, _, credential = self.headers.get("authorization", "").strip().partition(" ")
        return credential.strip() or None if scheme.lower() in schemes else None

    def basic_password(self, *schemes: str) -> str | None:
        """What follows the colon in a credential that is base64 of `name:secret`."""
        encoded = self.bearer(*schemes)
        if encoded is None:
            return None
        try:
            return base64.b64decode(encoded, validate=True).decode().partition(":")[2] or None
        except (binascii.Error, UnicodeDecodeError):
            return None

    @property
    def media_type(self) -> str:
        """The content type without its parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a door answers."""

    status: int
    body: bytes = b""
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


def json_answer(status: int, value: object, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer in JSON."""
    return Answer(status, orjson.dumps(value, default=str), headers=headers or {})


def for_senders(error: VedetteError) -> VedetteError:
    """The error as senders are told it: where this server keeps what, and why that fails, is for those who run it."""
    if error.file is None or error.status < 500:
        return error
    return VedetteError(
        "Nothing can be stored at the moment; send it again later.", code=error.code, status=error.status
    )


def rows_for(
    table: str, rows: Sequence[Mapping[str, object]], record_ids: Sequence[str] | None = None, resource: str = ""
) -> TableLines:
    """Rows for a table that senders may write, without what a sender does not say of a row (`collect.reserved`).

    `resource` is the `_ResourceId` of the rows, where the protocol has a place of its own for it. Raises `InvalidInput` for a
    table that Vedette keeps itself.
    """
    if catalog.is_own(table):
        raise InvalidInput(
            f"The table {table} is written by Vedette itself, and takes no rows of senders.",
            code="VDT0637",
            target=table,
        )
    taken = kept_apart(rows)
    if resource:
        taken = [{**row, "_ResourceId": resource} for row in taken]
    return TableLines(table, lines_of(table, taken), record_ids)


@dataclass(frozen=True, slots=True)
class Arrived:
    """What was in a body: rows for tables, records that are none (with the table that they were meant for), and what the door says of
    it to itself, as JSON has it."""

    rows: Sequence[TableLines] = ()
    bad: Sequence[tuple[str, Sequence[BadRecord]]] = ()
    told: Any = None


Routes = tuple[tuple[tuple[str, ...], str], ...]
"""Methods, and the template of a path."""


class Door(Protocol):
    """A front door. `routes` are methods and path templates; `limit` is the most bytes of a body, and `limit_unpacked` of what it
    unpacks to."""

    name: str
    limit: int
    limit_unpacked: int
    routes: Routes

    def admit(self, request: DoorRequest, gate: Gate) -> Grant | Answer:
        """Who sends, and where to; an answer where no body is needed for one. Raises `VedetteError` for nobody known."""
        ...

    def facts(self, request: DoorRequest, grant: Grant) -> Any:
        """What reading has to know of the workspace, as JSON has it."""
        ...

    def read(self, request: DoorRequest, body: bytes, facts: Any) -> Arrived:
        """What is in a body. Raises `VedetteError` where it cannot be read."""
        ...

    def take(self, request: DoorRequest, grant: Grant, arrived: Arrived) -> Answer:
        """Take what was in a body; when this returns, what it says is taken is on disk, and when it raises, nothing is."""
        ...

    def failed(self, request: DoorRequest, error: VedetteError) -> Answer:
        """The error as the protocol tells it."""
        ...


def source(door: Door, request: DoorRequest, grant: Grant) -> str:
    """Where rows come from, for the load's record: the door, the sender's account and address."""
    return f"{door.name} {grant.sender} {request.address}"
