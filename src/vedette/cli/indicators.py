"""`vedette indicators`: the threat intelligence of a workspace, and what people add to it."""

from __future__ import annotations

import enum
from typing import Annotated, Any
from urllib.parse import quote

import typer

from vedette.cli.opening import operations
from vedette.cli.options import DataDir, JsonReport, WorkspaceName
from vedette.cli.output import counted, harmless, json_line, note, print_list
from vedette.core.errors import InvalidInput

group = typer.Typer(no_args_is_help=True, help="Threat intelligence: indicators, where they come from, and your own.")

Indicator = Annotated[str, typer.Argument(help="Its id, or its id of STIX.", metavar="INDICATOR")]


class State(enum.Enum):
    """Which indicators are listed."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    ALL = "all"


def register(app: typer.Typer) -> None:
    """Adds the group."""
    app.add_typer(group, name="indicators")


@group.command("list")
def list_(
    words: Annotated[list[str] | None, typer.Argument(help="Words of the name or the pattern.", metavar="WORD")] = None,
    data: DataDir = None,
    workspace: WorkspaceName = "default",
    source: Annotated[str | None, typer.Option("--source", help="Only of this source.", metavar="NAME")] = None,
    kind: Annotated[
        str, typer.Option("--type", help="Objects of this type of STIX; 'all' for every one.", metavar="TYPE")
    ] = "indicator",
    state: Annotated[State, typer.Option("--state", help="In force, not in force any more, or both.")] = State.ACTIVE,
    top: Annotated[int, typer.Option("--top", min=1, max=1000, help="How many.", metavar="COUNT")] = 100,
    json_: JsonReport = False,
) -> None:
    """List indicators, the one that changed last first.

    `vedette indicators list 203.0.113.45 --state all`
    """
    params: dict[str, Any] = {"q": " ".join(words or ()), "type": kind, "state": state.value, "top": top}
    with operations(data, workspace) as held:
        answer = held.request("GET", "/indicators", params=params | ({"source": source} if source else {}))
    print_list(
        answer["value"],
        json_,
        ["id", "name", "pattern", "source", "in force", "until", "confidence", "tags"],
        lambda one: [
            one["id"], one["name"], one["pattern"] or one["type"], one["source"], "yes" if one["active"] else "no",
            (one["validUntil"] or "")[:10], one["confidence"], ", ".join(one["tags"]),
        ],
        none="There is no such indicator.",
    )  # fmt: skip
    if not json_ and answer["count"] > len(answer["value"]):
        note(f"{counted(answer['count'], 'indicator')} in all")


@group.command("sources")
def sources(data: DataDir = None, workspace: WorkspaceName = "default", json_: JsonReport = False) -> None:
    """List the sources, and how many indicators of each are in force."""
    with operations(data, workspace) as held:
        found = held.request("GET", "/indicator-sources")["value"]
    print_list(
        found,
        json_,
        ["source", "in force"],
        lambda one: [one["source"], one["inForce"]],
        none="There are no indicators.",
    )


@group.command("show")
def show(indicator: Indicator, data: DataDir = None, workspace: WorkspaceName = "default") -> None:
    """Show an indicator as JSON: what is kept of it, and the object of STIX."""
    with operations(data, workspace) as held:
        typer.echo(json_line(held.request("GET", _path(indicator))))


@group.command("add")
def add(
    kind: Annotated[
        str | None,
        typer.Argument(
            help="ip, domain, url, email, hash, file, account, registry-key, mutex, or a property of STIX (file:hashes.MD5).",
            metavar="KIND",
        ),
    ] = None,
    value: Annotated[str | None, typer.Argument(help="What is looked for.", metavar="VALUE")] = None,
    data: DataDir = None,
    workspace: WorkspaceName = "default",
    incident: Annotated[
        str | None,
        typer.Option(
            "--incident", help="Take an entity of this incident, in place of KIND and VALUE.", metavar="NUMBER"
        ),
    ] = None,
    entity: Annotated[
        str | None, typer.Option("--entity", help="The entity, by its name or id.", metavar="NAME")
    ] = None,
    name: Annotated[str, typer.Option("--name", help="A name; otherwise the value.", metavar="NAME")] = "",
    description: Annotated[str, typer.Option("--description", help="What is known of it.", metavar="TEXT")] = "",
    confidence: Annotated[
        int | None, typer.Option("--confidence", min=0, max=100, help="From 0 to 100.", metavar="NUMBER")
    ] = None,
    days: Annotated[
        float, typer.Option("--days", min=0, help="How long it is in force; 0 for ever.", metavar="DAYS")
    ] = 90,
    tag: Annotated[list[str] | None, typer.Option("--tag", help="A tag; several.", metavar="TAG")] = None,
    threat_type: Annotated[
        list[str] | None,
        typer.Option("--threat-type", help="A type of STIX's vocabulary, such as malicious-activity.", metavar="TYPE"),
    ] = None,
    tlp: Annotated[str, typer.Option("--tlp", help="white, green, amber or red.", metavar="LEVEL")] = "",
    json_: JsonReport = False,
) -> None:
    """Add an indicator, or an entity of an incident as one.

    `vedette indicators add ip 203.0.113.45 --days 30`, `vedette indicators add --incident 12 --entity 203.0.113.45`
    """
    body: dict[str, Any] = {
        "name": name, "description": description, "confidence": confidence, "days": days, "tags": tag or [],
        "threatTypes": threat_type or [], "tlp": tlp,
    }  # fmt: skip
    if incident is None:
        if not kind or not value or entity is not None:
            raise InvalidInput("An indicator needs a KIND and a VALUE, or --incident and --entity.")
        path, body = "/indicators", body | {"type": kind, "value": value}
    else:
        if kind or entity is None:
            raise InvalidInput("With --incident goes --entity, and neither KIND nor VALUE.")
        path, body = f"/incidents/{quote(incident, safe='')}/indicators", body | {"entity": entity}
    with operations(data, workspace, makes=True) as held:
        made = held.request("POST", path, json=body)
    _print(made, "added", json_)


@group.command("revoke")
def revoke(
    indicator: Indicator, data: DataDir = None, workspace: WorkspaceName = "default", json_: JsonReport = False
) -> None:
    """Take an indicator out of force for good: later versions of its source do not bring it back."""
    with operations(data, workspace) as held:
        _print(held.request("POST", f"{_path(indicator)}/revoke"), "revoked", json_)


@group.command("reinstate")
def reinstate(
    indicator: Indicator, data: DataDir = None, workspace: WorkspaceName = "default", json_: JsonReport = False
) -> None:
    """Undo `revoke`."""
    with operations(data, workspace) as held:
        _print(held.request("POST", f"{_path(indicator)}/reinstate"), "reinstated", json_)


@group.command("delete")
def delete(indicator: Indicator, data: DataDir = None, workspace: WorkspaceName = "default") -> None:
    """Delete an indicator. A later version of its source brings it back."""
    with operations(data, workspace) as held:
        held.request("DELETE", _path(indicator))
    typer.echo(harmless(f"deleted {indicator}"))


@group.command("tag")
def tag(
    indicator: Indicator,
    tags: Annotated[list[str] | None, typer.Argument(help="Tags to add.", metavar="TAG")] = None,
    data: DataDir = None,
    workspace: WorkspaceName = "default",
    remove: Annotated[
        list[str] | None, typer.Option("--remove", help="A tag to remove; several.", metavar="TAG")
    ] = None,
    json_: JsonReport = False,
) -> None:
    """Add tags to an indicator, and remove some; labels that its source gave it stay."""
    with operations(data, workspace) as held:
        done = held.request("POST", f"{_path(indicator)}/tags", json={"add": tags or [], "remove": remove or []})
    _print(done, "tagged", json_)


def _path(indicator: str) -> str:
    return f"/indicators/{quote(indicator, safe='')}"


def _print(one: dict[str, Any], done: str, json_: bool) -> None:
    if json_:
        typer.echo(json_line(one))
        return
    until = f" until {one['validUntil'][:10]}" if one["validUntil"] else ""
    state = f"in force{until}" if one["active"] else "not in force"
    typer.echo(harmless(f"{done} {one['id']}: {one['pattern'] or one['name']}, {state}"))
