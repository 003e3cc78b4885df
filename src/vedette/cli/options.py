"""Options that several commands share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from vedette.core.errors import InvalidInput, nearest
from vedette.kql import ticks

if TYPE_CHECKING:
    from vedette.core.clock import Clock

MAX_SAMPLE: Final = 1_000
"""Rows of a file that a transformation is tried on."""


def _directory(text: str) -> Path:
    """A path that is none at all is a variable of a script that was not set, not the folder that it stands in."""
    if not text.strip():
        raise typer.BadParameter("it is empty, and names no directory")
    return Path(text)


DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="The data directory; without it, that of VEDETTE_DATA_DIR.",
        metavar="DIR",
        envvar="VEDETTE_DATA_DIR",
        show_envvar=False,
        parser=_directory,
    ),
]
WorkspaceName = Annotated[str, typer.Option("--workspace", "-w", help="The workspace, by name or id.")]
BatchMode = Annotated[
    bool, typer.Option("--batch", help='Read {"id", "query"} lines from standard input, answer each with a line.')
]
ColumnOptions = Annotated[
    list[str] | None, typer.Option("--column", help="A column and its type, like RiskScore:real.", metavar="NAME:TYPE")
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


def column_of(text: str) -> dict[str, str]:
    """A column and its type as a person writes them, as the API takes them: `RiskScore:real`. Raises InvalidInput."""
    from vedette.kql.types import TYPE_NAMES

    name, _, kind = text.rpartition(":")
    if not name or kind not in TYPE_NAMES:
        close = nearest(kind, TYPE_NAMES)
        raise InvalidInput(
            f"'{text}' is not a column and its type.",
            hint=f"Did you mean '{name}:{close}'?" if name and close else "Write it like RiskScore:real.",
        )
    return {"name": name, "type": TYPE_NAMES[kind].value}


def columns_of(texts: list[str] | None) -> list[dict[str, str]]:
    """Several columns with their types."""
    return [column_of(text) for text in texts or ()]


def sample_rows(path: Path) -> list[dict[str, Any]]:
    """The first rows of a file: JSON, JSON lines, CSV or TSV. Raises InvalidInput."""
    from vedette.store.watchlists.files import read_file

    return list(read_file(path))[:MAX_SAMPLE]


def sampled(stream: str, rows: list[dict[str, Any]]) -> list[dict[str, str]]:
    """The columns of some rows of a stream; of a known table none, since it has its own."""
    from vedette.store import catalog
    from vedette.store.transformations.transform import sample_columns, table_of_stream

    table = table_of_stream(stream)
    if catalog.is_known(table):
        return []
    return [{"name": each.name, "type": each.type.value} for each in sample_columns(table, rows)]
