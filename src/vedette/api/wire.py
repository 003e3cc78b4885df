"""The JSON of the REST API: camelCase models, times in UTC with a trailing Z."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Generic, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict, PlainSerializer, create_model
from pydantic.alias_generators import to_camel

from vedette.core.errors import InvalidInput
from vedette.kql import ticks

T = TypeVar("T")


def utc_text(moment: datetime) -> str:
    """A time as the API writes it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def duration_text(span: timedelta) -> str:
    """A span of time as ISO 8601 writes it (`PT5M`, `P14D`)."""
    days, seconds = span.days, span.seconds
    hours, seconds = divmod(seconds, 3600)
    minutes, seconds = divmod(seconds, 60)
    clock = "".join(f"{count}{unit}" for count, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if count)
    return f"P{f'{days}D' if days else ''}{'T' + clock if clock else ''}" if days or clock else "PT0S"


Utc = Annotated[datetime, PlainSerializer(utc_text, return_type=str)]
Span = Annotated[timedelta, PlainSerializer(duration_text, return_type=str)]


class Wire(BaseModel):
    """A body of the API. Unknown fields of a request are refused: a misspelt one would be lost in silence."""

    model_config = ConfigDict(
        defer_build=True, alias_generator=to_camel, populate_by_name=True, extra="forbid", from_attributes=True
    )


def wire_model(
    name: str, about: str, *shapes: type, omit: frozenset[str] = frozenset(), **more: type[Wire]
) -> type[Wire]:
    """The body that shows dataclasses as they are, their fields in order: the shape of a thing is written once, where it is kept.

    `more` are fields that have a body of their own.
    """
    found: dict[str, Any] = {field: (body, ...) for field, body in more.items()}
    for shape in shapes:
        hints = get_type_hints(shape)
        for field in fields(shape):
            if field.name not in omit:
                kind = Utc if hints[field.name] is datetime else hints[field.name]
                found[field.name] = (kind, ...)
    made: type[Wire] = create_model(name, __base__=Wire, __doc__=about, **found)
    return made


class Page(Wire, Generic[T]):
    """A list, and how many there are in all."""

    value: list[T]
    count: int


class ErrorBody(Wire):
    """What went wrong."""

    code: str
    message: str
    hint: str | None = None
    details: dict[str, Any] | None = None


class ErrorEnvelope(Wire):
    """The one shape of every error."""

    error: ErrorBody


class Column(Wire):
    """A column of a result."""

    name: str
    type: str


class DiagnosticBody(Wire):
    """A finding in a query; `start` and `length` count UTF-16 units, as editors do."""

    code: str
    severity: str
    message: str
    start: int
    length: int
    hint: str | None = None
    fix: str | None = None


def moment_of(ticks_or_text: Any) -> datetime | None:
    """The time of a wire value of type datetime."""
    value = ticks.parse_datetime(ticks_or_text) if isinstance(ticks_or_text, str) else None
    return None if value is None else ticks.to_datetime(value)


def camel(value: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping with camelCase keys."""
    return {to_camel(key): item for key, item in value.items()}


def in_utc(moment: datetime | None, target: str) -> datetime | None:
    """A time that was sent, in UTC, which it is in where it names no zone. `InvalidInput` beyond the years 1 to 9999."""
    if moment is None:
        return None
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        raise InvalidInput(f"'{target}' is a time between the years 1 and 9999, in UTC.", target=target) from None
