"""`vedette incidents close`, and the commands about its alerts where they come from: changed, and new ones suppressed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote

import typer

from vedette.cli.incidents import Format, FormatOption, group
from vedette.cli.opening import operations
from vedette.cli.options import DataDir, WorkspaceName
from vedette.cli.output import harmless, json_line, print_table
from vedette.core.errors import InvalidInput

Incident = Annotated[str, typer.Argument(help="The incident's number or id.", metavar="ID")]
_ACTIONS = "Dismiss, Resolve, InProgress or Activate"


def register(app: typer.Typer) -> None:
    """Its commands are of the group of incidents, which is there."""


@group.command("close")
def close(
    incident: Incident,
    as_: Annotated[str, typer.Option("--as", help="TruePositive, BenignPositive, FalsePositive or Undetermined.")],
    reason: Annotated[str | None, typer.Option(help="Why it is that; it goes with the classification.")] = None,
    comment: Annotated[str | None, typer.Option(help="What was found.", metavar="TEXT")] = None,
    source_alerts: Annotated[
        str | None, typer.Option(help=f"What becomes of its alerts in Defender for Cloud: {_ACTIONS}. They stay as they are without it.")
    ] = None,
    data: DataDir = None,
    workspace: WorkspaceName = "default",
) -> None:  # fmt: skip
    """Close an incident; with --source-alerts, its alerts where they come from, too."""
    values = {
        "status": "Closed",
        "classification": as_,
        "classificationReason": reason,
        "classificationComment": comment,
    }
    body = {"set": {name: value for name, value in values.items() if value is not None}, "sourceAlerts": source_alerts}
    path = f"/incidents/{quote(incident, safe='')}"
    with operations(data, workspace) as held:
        found = held.request("PATCH", path, json=body)
        asked = held.request("GET", f"{path}/source-alerts")["value"] if source_alerts else []
    typer.echo(f"Incident {found['number']} is closed as {found['classification']}.")
    if source_alerts and not asked:
        typer.echo("None of its alerts comes from Microsoft Defender for Cloud.")
    waiting = sum(one["change"] is not None and one["change"]["state"] == "waiting" for one in asked)
    if waiting:
        typer.echo(
            f"Alerts to change at their source: {waiting}. It is done while a server runs; `source-alerts` tells."
        )


@group.command("source-alerts")
def source_alerts_(
    incident: Incident,
    do: Annotated[str | None, typer.Option(help=f"Do this with them there, now: {_ACTIONS}.", metavar="ACTION")] = None,
    data: DataDir = None,
    workspace: WorkspaceName = "default",
    format_: FormatOption = Format.TABLE,
) -> None:
    """Show the incident's alerts that come from Microsoft Defender for Cloud, or change them there."""
    path = f"/incidents/{quote(incident, safe='')}/source-alerts"
    with operations(data, workspace) as held:
        found = held.request("GET", path) if do is None else held.request("POST", path, json={"action": do})
    if format_ is Format.JSON:
        typer.echo(json_line(found))
    else:
        print_table(["alert", "title", "subscription", "asked", "state", "why"], [_line(one) for one in found["value"]])
    if do is not None and any(one["change"]["state"] == "failed" for one in found["value"]):
        raise typer.Exit(1)


def _line(one: dict[str, Any]) -> list[object]:
    change = one["change"] or {}
    why = " ".join(part for part in (change.get("message"), change.get("hint")) if part)
    return [
        one["sourceId"],
        one["title"],
        one["subscriptionId"] or "",
        change.get("action", ""),
        change.get("state", ""),
        why,
    ]


@group.command("suppress")
def suppress(
    incident: Incident,
    alert: Annotated[str | None, typer.Option(help="The alert that new ones are like, where there are several.", metavar="ID")] = None,
    reason: Annotated[str, typer.Option(help="FalsePositive, Noise or Other.")] = "FalsePositive",
    comment: Annotated[str, typer.Option(help="Why, for those who find the rule there.", metavar="TEXT")] = "",
    until: Annotated[datetime | None, typer.Option(help="When it ends (UTC); it does not, without.", formats=["%Y-%m-%d"])] = None,
    entity: Annotated[
        list[str] | None, typer.Option(help="Only alerts with this value; repeatable.", metavar="entities.ip.address=VALUE")
    ] = None,
    data: DataDir = None,
    workspace: WorkspaceName = "default",
) -> None:  # fmt: skip
    """Have new alerts like the incident's dismissed by Microsoft Defender for Cloud itself."""
    entities: dict[str, list[str]] = {}
    for one in entity or []:
        name, equals, value = one.partition("=")
        if not equals:
            raise InvalidInput(f"'{one[:100]}' is not PROPERTY=VALUE.", target="--entity")
        entities.setdefault(name.strip(), []).append(value)
    body = {
        "sourceId": alert, "reason": reason, "comment": comment, "entities": entities,
        "expiresOn": None if until is None else until.replace(tzinfo=UTC).isoformat(),
    }  # fmt: skip
    with operations(data, workspace) as held:
        made = held.request("POST", f"/incidents/{quote(incident, safe='')}/source-alerts/suppress", json=body)
    typer.echo(harmless(f"New alerts of {made['alertType']} are dismissed there by the rule {made['name']}."))


@group.command("suppressions")
def suppressions(
    data: DataDir = None, workspace: WorkspaceName = "default", format_: FormatOption = Format.TABLE
) -> None:
    """List the suppression rules of the subscriptions that connectors of Defender for Cloud collect from."""
    with operations(data, workspace) as held:
        found = held.request("GET", "/source-suppressions")
    if format_ is Format.JSON:
        typer.echo(json_line(found))
        return
    names = ("name", "subscriptionId", "alertType", "reason", "state", "expiresTimeUtc", "comment")
    print_table(
        ["name", "subscription", "alert type", "reason", "state", "until", "comment"],
        [[one[name] or "" for name in names] for one in found["value"]],
    )


@group.command("unsuppress")
def unsuppress(
    name: Annotated[str, typer.Argument(help="The rule's name.", metavar="NAME")],
    subscription: Annotated[str, typer.Option(help="The subscription that it is in.", metavar="ID")],
    data: DataDir = None,
    workspace: WorkspaceName = "default",
) -> None:
    """Delete a suppression rule; new alerts are active again."""
    with operations(data, workspace) as held:
        held.request("DELETE", f"/source-suppressions/{quote(subscription, safe='')}/{quote(name, safe='')}")
    typer.echo(harmless(f"The rule {name} is deleted."))
