"""`vedette rules exceptions`: what rules find and nobody needs to hear of, for a time."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from vedette.cli.opening import operations
from vedette.cli.options import DataDir, JsonReport, WorkspaceName
from vedette.cli.output import counted, harmless, json_line, note, print_table
from vedette.cli.rules import group as rules
from vedette.core.errors import InvalidInput

group = typer.Typer(no_args_is_help=True, help="Exceptions from rules: typed, with an owner, a reason and an end.")

Rule = Annotated[str, typer.Option("--rule", help="The rule, by id or name.", metavar="ID")]
Where = Annotated[
    list[str],
    typer.Option(
        "--where",
        help="A condition: COLUMN=VALUE, COLUMN^=START, COLUMN$=END, COLUMN~=PART, or COLUMN@=NETWORK; values with commas. "
        "Given several times, all must hold.",
        metavar="CONDITION",
    ),
]
_TESTS = {"^=": "startsWith", "$=": "endsWith", "~=": "contains", "@=": "inNetwork"}


def register(_app: typer.Typer) -> None:
    """Adds the group to `vedette rules`."""
    rules.add_typer(group, name="exceptions")


@group.command("list")
def list_(
    data: DataDir = None,
    workspace: WorkspaceName = "default",
    rule: Annotated[str | None, typer.Option("--rule", help="Only of this rule.", metavar="ID")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Those that have ended, too.")] = False,
    json_: JsonReport = False,
) -> None:
    """List exceptions, with what each has hidden."""
    with operations(data, workspace) as held:
        params = {"all": str(all_).lower()} | ({"rule": rule} if rule else {})
        found = held.request("GET", "/rule-exceptions", params=params)["value"]
    if json_:
        typer.echo(json_line(found))
        return
    print_table(
        ["id", "rule", "conditions", "owner", "reason", "expires", "state", "hidden rows", "silenced windows"],
        [
            [
                one["id"], one["ruleName"] or one["ruleId"], _conditions(one), one["owner"], one["reason"],
                one["expiresAt"][:10], one["state"], one["hiddenRows"], one["silencedWindows"],
            ]
            for one in found
        ],
    )  # fmt: skip
    note(counted(len(found), "exception"))


@group.command("preview")
def preview(
    rule: Rule,
    where: Where,
    data: DataDir = None,
    workspace: WorkspaceName = "default",
    days: Annotated[float, typer.Option("--days", help="Look at the alerts of the last days.", metavar="DAYS")] = 30,
    json_: JsonReport = False,
) -> None:
    """Say what an exception would have hidden, and how much of it was true."""
    body = {"ruleId": rule, "conditions": [_condition(one) for one in where], "days": days}
    with operations(data, workspace) as held:
        _print_preview(held.request("POST", "/rule-exceptions/preview", json=body), json_)


@group.command("add")
def add(
    rule: Rule,
    where: Where,
    owner: Annotated[str, typer.Option("--owner", help="Who answers for it.", metavar="NAME")],
    reason: Annotated[str, typer.Option("--reason", help="Why these findings are no threat.", metavar="TEXT")],
    days: Annotated[float | None, typer.Option("--days", help="How long it lasts.", metavar="DAYS")] = None,
    expires: Annotated[str | None, typer.Option("--expires", help="When it ends.", metavar="TIME")] = None,
    data: DataDir = None,
    workspace: WorkspaceName = "default",
    json_: JsonReport = False,
) -> None:
    """Make an exception: results that meet all of its conditions are hidden until it ends, within a year."""
    body = {
        "ruleId": rule, "conditions": [_condition(one) for one in where], "owner": owner, "reason": reason, "days": days,
        "expires": expires,
    }  # fmt: skip
    with operations(data, workspace) as held:
        made = held.request("POST", "/rule-exceptions", json=body)
    typer.echo(
        json_line(made) if json_ else harmless(f"{made['id']}  {made['ruleName']}: until {made['expiresAt'][:16]}")
    )


@group.command("remove")
def remove(
    exception: Annotated[str, typer.Argument(help="The exception's id.", metavar="ID")],
    data: DataDir = None,
    workspace: WorkspaceName = "default",
) -> None:
    """End an exception now. It stays in the list of those that have ended."""
    with operations(data, workspace) as held:
        held.request("DELETE", f"/rule-exceptions/{quote(exception, safe='')}")
    note("The exception has ended.")


@group.command("propose")
def propose(
    incident: Annotated[int, typer.Option("--incident", help="An incident that was closed.", metavar="NUMBER")],
    data: DataDir = None,
    workspace: WorkspaceName = "default",
    json_: JsonReport = False,
) -> None:
    """Show the exceptions that the verdict on an incident proposes: none for a true positive."""
    with operations(data, workspace) as held:
        found = held.request("GET", "/rule-exceptions/proposals", params={"incident": str(incident)})
    if json_:
        typer.echo(json_line(found))
        return
    for one in found:
        typer.echo(harmless(f"{one['ruleName']}: {_conditions(one)}"))
        typer.echo(harmless(f"  {one['reason']} {one['preview']['sentence']}"))
    if not found:
        note("Nothing is proposed: only incidents closed as benign or false positives propose exceptions.")


def _print_preview(found: dict[str, Any], json_: bool) -> None:
    if json_:
        typer.echo(json_line(found))
        return
    typer.echo(found["sentence"])
    if found["partly"]:
        typer.echo(f"Of {counted(found['partly'], 'further alert')} some results would have been hidden.")
    if found["uncertain"]:
        typer.echo(
            f"{counted(found['uncertain'], 'alert')} had more results than are kept; a backtest tells for certain."
        )
    for one in found["examples"]:
        verdict = one["classification"] or "open"
        typer.echo(harmless(f"  incident {one['incidentNumber']} ({verdict}), {one['generated'][:16]}: {one['title']}"))


def _conditions(one: dict[str, Any]) -> str:
    return "; ".join(f"{c['column']} {c['test']} {', '.join(c['values'])}" for c in one["conditions"])


def _condition(text: str) -> dict[str, Any]:
    before, equals, values = text.partition("=")
    test = _TESTS.get(before[-1:] + equals, "equals")
    column = before if test == "equals" else before[:-1]
    if not equals or not column.strip():
        raise InvalidInput(
            f"'{text}' is not a condition.", target="--where", hint="Write it like Account=svc@contoso.com."
        )
    return {"column": column.strip(), "test": test, "values": [one.strip() for one in values.split(",")]}
