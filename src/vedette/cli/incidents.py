"""`vedette incidents`: the queue, and one incident whole."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from vedette.cli.opening import operations
from vedette.cli.options import DataDir, WorkspaceName
from vedette.cli.output import harmless, json_line, listed, print_table, screen

if TYPE_CHECKING:
    from rich.console import Console

group = typer.Typer(no_args_is_help=True, help="Incidents.")


class Format(enum.StrEnum):
    """How incidents are printed."""

    TABLE = "table"
    JSON = "json"


FormatOption = Annotated[Format, typer.Option("--format", help="For people, or JSON.")]


def register(app: typer.Typer) -> None:
    """Adds the group."""
    app.add_typer(group, name="incidents")


@group.command("list")
def list_(
    data: DataDir = None,
    workspace: WorkspaceName = "default",
    status: Annotated[str | None, typer.Option(help="New, Active or Closed; several with commas.")] = None,
    severity: Annotated[
        str | None, typer.Option(help="High, Medium, Low or Informational; several with commas.")
    ] = None,
    query: Annotated[str | None, typer.Option("--query", "-q", help="Words that must all occur.")] = None,
    top: Annotated[int, typer.Option(min=1, max=10_000, help="The most incidents to print.")] = 100,
    format_: FormatOption = Format.TABLE,
) -> None:
    """List incidents, the newest first."""
    filters = {"status": status, "severity": severity, "q": query, "top": str(top)}
    with operations(data, workspace) as held:
        page = held.incidents({name: value for name, value in filters.items() if value})
    if format_ is Format.JSON:
        typer.echo(json_line(page))
        return
    print_table(
        ["number", "severity", "status", "title", "alerts", "entities", "created"],
        [
            [
                one["number"],
                one["severity"],
                one["status"],
                one["title"],
                one["alertCount"],
                listed(one["entityNames"]),
                one["createdTimeUtc"],
            ]
            for one in page["value"]
        ],
    )


@group.command("show")
def show(
    incident: Annotated[str, typer.Argument(help="The incident's number or id.", metavar="ID")],
    data: DataDir = None,
    workspace: WorkspaceName = "default",
    format_: FormatOption = Format.TABLE,
) -> None:
    """Show an incident: its story, entities, what is known of them, alerts and timeline."""
    with operations(data, workspace) as held:
        found = held.incident(incident)
        found["enrichment"] = held.request("GET", f"/incidents/{found['number']}/enrichment")
    if format_ is Format.JSON:
        typer.echo(json_line(found))
        return
    _print(found)


@group.command("take-action")
def take_action(
    incident: Annotated[str, typer.Argument(help="The incident's number or id.", metavar="ID")],
    data: DataDir = None,
    workspace: WorkspaceName = "default",
    format_: FormatOption = Format.TABLE,
) -> None:
    """Show what to do about an incident: how to mitigate the threat, and what would prevent the next one."""
    with operations(data, workspace) as held:
        found = held.request("GET", f"/incidents/{quote(incident, safe='')}/take-action")
    if format_ is Format.JSON:
        typer.echo(json_line(found))
        return
    console = screen()
    console.print("Mitigate the threat", style="bold")
    for one in found["mitigate"]:
        console.print(harmless(f"{one['title']} ({one['productName']})"))
        _print_steps(console, one["steps"])
    if not found["mitigate"]:
        console.print("None of its alerts tells how.")
    console.print()
    console.print("Prevent future attacks", style="bold")
    prevent = found["prevent"]
    if prevent["reason"]:
        console.print(harmless(prevent["reason"]))
    for one in prevent["value"]:
        resource = one["resource"]
        console.print(harmless(f"{one['severity'] or 'No severity'}: {one['title']}"))
        console.print(harmless(f"  {resource['type']} {resource['name']}, open since {one['since']}"))
        _print_steps(console, one["steps"])
        if one["link"]:
            console.print(harmless(f"  {one['link']}"))
    if prevent["more"]:
        console.print(f"There are more than these {len(prevent['value'])}; ask SecurityRecommendation for all.")


def _print_steps(console: Console, steps: list[str]) -> None:
    for number, step in enumerate(steps, start=1):
        console.print(harmless(f"  {number}. {step}"))


@group.command("escalate")
def escalate(
    incident: Annotated[str, typer.Argument(help="The incident's number or id.", metavar="ID")],
    to: Annotated[str, typer.Option("--to", help="The team or person that takes it over.", metavar="NAME")],
    findings: Annotated[str, typer.Option(help="What was found; it becomes a comment.", metavar="TEXT")] = "",
    severity: Annotated[str | None, typer.Option(help="High, Medium, Low or Informational.")] = None,
    data: DataDir = None,
    workspace: WorkspaceName = "default",
    format_: FormatOption = Format.TABLE,
) -> None:
    """Hand an incident over for further investigation, as a true positive: owner, status and classification at once."""
    body = {"to": to, "findings": findings, "severity": severity}
    with operations(data, workspace) as held:
        found = held.request("POST", f"/incidents/{quote(incident, safe='')}/escalate", json=body)
    if format_ is Format.JSON:
        typer.echo(json_line(found))
        return
    typer.echo(harmless(f"Incident {found['number']} is with {found['owner']['name']}, as a true positive."))


def _print_known(console: Console, found: dict[str, Any]) -> None:
    """What enrichments have found of the entities; JSON has the properties, and why others have found nothing."""
    names = {entity["id"]: entity["name"] for entity in found["entities"]}
    rows = [
        [one["title"], names.get(fact["entityId"], ""), fact["title"]]
        for one in found["enrichment"]["value"]
        for fact in [*one["facts"], *([{"entityId": None, "title": "and more"}] if one["more"] else [])]
    ]
    if rows:
        print_table(["known", "of", "what"], rows)
        console.print()
    if found["enrichment"]["state"] == "Waiting":
        console.print("What is known of its entities is being looked up.")
        console.print()


def _print(found: dict[str, Any]) -> None:
    console = screen()
    owner = found["owner"]["name"] if found["owner"] else "nobody"
    summary = [found["severity"], found["status"], f"owner: {owner}", ", ".join(found["tactics"])]
    console.print(harmless(f"{found['number']}  {found['title']}"), style="bold")
    console.print(harmless(" · ".join(part for part in summary if part)))
    for paragraph in (found["story"], *(f"  {reason}" for reason in found["together"])):
        console.print(harmless(paragraph))
    if found["campaign"] is not None:  # its story
        console.print()
        console.print(harmless(found["description"]))
    console.print()
    print_table(["entity", "name"], [[entity["type"], entity["name"]] for entity in found["entities"]])
    console.print()
    _print_known(console, found)
    print_table(
        ["alert", "severity", "start", "end", "rows"],
        [
            [alert["ruleName"], alert["severity"], alert["start"], alert["end"], alert["rows"]]
            for alert in found["alerts"]
        ],
    )
    console.print()
    print_table(["time", "what"], [[item["time"], item["title"]] for item in found["timeline"]])
