"""Options that several commands share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vedette.core.errors import InvalidInput
from vedette.kql import ticks

if TYPE_CHECKING:
    from vedette.core.clock import Clock

DataDir = Annotated[Path | None, typer.Option("--data", help="The data directory.", metavar="DIR")]
WorkspaceName = Annotated[str, typer.Option("--workspace", "-w", help="The workspace, by name or id.")]
BatchMode = Annotated[
    bool, typer.Option("--batch", help='Read {"id", "query"} lines from standard input, answer each with a line.')
]
JsonReport = Annotated[bool, typer.Option("--json", help="Print the report as JSON.")]


def moment(text: str, option: str, clock: Clock) -> datetime:
    """A time as a person writes it: ISO 8601 (UTC unless it says otherwise), or `now`.

    Raises InvalidInput that names the option.
    """
    if text.strip().lower() == "now":
        return clock.now()
    value = ticks.parse_datetime(text)
    if value is None:
        raise InvalidInput(
            f"'{text}' after {option} is not a time.",
            hint="Write it like 2021-08-02T13:30:00Z, or 'now'.",
            target=option,
        )
    return ticks.to_datetime(value).astimezone(UTC)


def duration(text: str, option: str) -> timedelta:
    """A span of time as KQL writes it: `14d`, `1h`, `1.12:00:00`.

    Raises InvalidInput that names the option.
    """
    value = ticks.parse_timespan(text)
    if value is None or value <= 0:
        raise InvalidInput(
            f"'{text}' after {option} is not a span of time.", hint="Write it like 14d, 6h or 30m.", target=option
        )
    return ticks.to_timedelta(value)
