"""`vedette users`: accounts of people and programs, their roles, their sign-ins, tokens and sessions."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from vedette.cli.opening import operations
from vedette.cli.options import DataDir, JsonReport
from vedette.cli.output import harmless, json_line, note, print_table
from vedette.core.errors import InvalidInput, not_found
from vedette.core.roles import Permission, Role

if TYPE_CHECKING:
    from vedette.api.operations import Operations

group = typer.Typer(no_args_is_help=True, help="Users and API clients: roles, sign-ins, tokens and sessions.")

User = Annotated[str, typer.Argument(help="The account's name or id.", metavar="USER")]
Place = Annotated[
    str | None, typer.Option("--workspace", "-w", help="The workspace, by name or id; without it, all of them.")
]


class Kind(StrEnum):
    """A user, who signs in, or an API client, which has tokens alone."""

    USER = "user"
    CLIENT = "client"


def register(app: typer.Typer) -> None:
    """Adds the group."""
    app.add_typer(group, name="users")


def _ask(held: Operations, method: str, user: str, path: str = "", **arguments: Any) -> Any:
    return held.installation(method, f"/users/{quote(user, safe='')}{path}", **arguments)


def _roles(account: dict[str, Any]) -> str:
    return ", ".join(f"{one['role']} ({one['workspace'] or 'everywhere'})" for one in account["roles"])


@group.command("list")
def listed(data: DataDir = None, json_: JsonReport = False) -> None:
    """Show every user and API client with their roles."""
    with operations(data, "default") as held:
        found = held.installation("GET", "/users")["value"]
    if json_:
        typer.echo(json_line(found))
        return
    print_table(
        ["name", "shown as", "kind", "state", "roles"],
        [
            [one["name"], one["displayName"], one["kind"], "in use" if one["enabled"] else "disabled", _roles(one)]
            for one in found
        ],
    )


@group.command("create")
def create(
    name: Annotated[str, typer.Argument(help="The name, for example an e-mail address.", metavar="NAME")],
    data: DataDir = None,
    shown: Annotated[str | None, typer.Option("--display-name", help="The name that is shown.")] = None,
    kind: Annotated[Kind, typer.Option(help="A user signs in; a client has tokens alone.")] = Kind.USER,
    role: Annotated[
        list[str] | None,
        typer.Option(
            "--role", help="A role, everywhere or in a workspace; may be repeated.", metavar="ROLE[@WORKSPACE]"
        ),
    ] = None,
    json_: JsonReport = False,
) -> None:
    """Make an account. A user comes in by a link of `vedette users sign-in`, a client with a token of `vedette users token`."""
    body = {"name": name, "displayName": shown, "kind": kind.value, "roles": [_granted(one) for one in role or ()]}
    with operations(data, "default", makes=True) as held:
        made = held.installation("POST", "/users", json=body)
    if json_:
        typer.echo(json_line(made))
        return
    typer.echo(harmless(f"Made the {made['kind']} {made['name']}: {_roles(made) or 'no role yet'}."))
    if not made["roles"]:
        note(f"Give it a role: vedette users grant {made['name']} Reader --workspace default")


def _granted(text: str) -> dict[str, str | None]:
    role, _, workspace = text.partition("@")
    return {"role": _role(role), "workspace": workspace or None}


def _role(text: str) -> str:
    """A role by its name, without case."""
    for role in Role:
        if role.value.lower() == text.lower():
            return role.value
    raise not_found("role", text, [role.value for role in Role])


@group.command("show")
def show(user: User, data: DataDir = None, json_: JsonReport = False) -> None:
    """Show an account: its roles, its tokens and its sessions."""
    with operations(data, "default") as held:
        account = _ask(held, "GET", user)
        tokens = _ask(held, "GET", user, "/tokens")["value"]
        sessions = _ask(held, "GET", user, "/sessions")["value"]
    if json_:
        typer.echo(json_line(account | {"tokens": tokens, "sessions": sessions}))
        return
    state = "in use" if account["enabled"] else "disabled"
    password = "has a password" if account["hasPassword"] else "has no password"
    typer.echo(harmless(f"{account['name']} ({account['displayName']}), {account['kind']}, {state}, {password}"))
    typer.echo(harmless(f"roles: {_roles(account) or 'none'}"))
    if tokens:
        print_table(
            ["token", "id", "limited to", "expires", "state", "last used"],
            [
                [one["name"], one["id"], _scope(one), (one["expiresTimeUtc"] or "never")[:10], _token_state(one),
                 (one["lastUsedTimeUtc"] or "")[:19]]
                for one in tokens
            ],
        )  # fmt: skip
    if sessions:
        print_table(
            ["session", "from", "since", "last seen"],
            [[one["id"], one["source"], one["createdTimeUtc"][:19], one["lastSeenTimeUtc"][:19]] for one in sessions],
        )


def _scope(token: dict[str, Any]) -> str:
    permissions = "the roles" if token["permissions"] is None else ", ".join(token["permissions"])
    return permissions if token["workspaces"] is None else f"{permissions} in {', '.join(token['workspaces'])}"


def _token_state(token: dict[str, Any]) -> str:
    return "revoked" if token["revokedTimeUtc"] else "expired" if token["expired"] else "good"


@group.command("disable")
def disable(user: User, data: DataDir = None) -> None:
    """Shut an account out: its sessions end at once, and its tokens stop."""
    _enabled(user, data, False)


@group.command("enable")
def enable(user: User, data: DataDir = None) -> None:
    """Let a disabled account in again."""
    _enabled(user, data, True)


def _enabled(user: str, data: DataDir, wanted: bool) -> None:
    with operations(data, "default") as held:
        account = _ask(held, "PATCH", user, json={"enabled": wanted})
    typer.echo(harmless(f"{account['name']} is {'in use' if account['enabled'] else 'disabled'}."))


@group.command("delete")
def delete(user: User, data: DataDir = None) -> None:
    """Delete an account with its roles, tokens and sessions. The audit trail keeps its name."""
    with operations(data, "default") as held:
        _ask(held, "DELETE", user)
    typer.echo(harmless(f"{user} is deleted."))


@group.command("grant")
def grant(
    user: User,
    role: Annotated[str, typer.Argument(help=f"One of {', '.join(Role)}.", metavar="ROLE")],
    data: DataDir = None,
    workspace: Place = None,
) -> None:
    """Give an account a role, in a workspace or everywhere."""
    with operations(data, "default") as held:
        account = _ask(held, "POST", user, "/roles", json={"role": _role(role), "workspace": workspace})
    typer.echo(harmless(f"{account['name']}: {_roles(account)}"))


@group.command("revoke")
def revoke(
    user: User,
    role: Annotated[str, typer.Argument(help="The role to take away.", metavar="ROLE")],
    data: DataDir = None,
    workspace: Place = None,
) -> None:
    """Take a role away. The last administrator of a workspace, or of the installation, keeps that role."""
    with operations(data, "default") as held:
        parameters = {} if workspace is None else {"workspace": workspace}
        account = _ask(held, "DELETE", user, f"/roles/{_role(role)}", params=parameters)
    typer.echo(harmless(f"{account['name']}: {_roles(account) or 'no role'}"))


@group.command("sign-in")
def sign_in(
    user: User,
    data: DataDir = None,
    minutes: Annotated[
        int | None, typer.Option(min=1, max=10_080, help="How long the link is good (default: as `vedette sign-in`).")
    ] = None,
) -> None:
    """Print a link that signs a user in, once: for the first sign-in, or for somebody who has forgotten the password."""
    with operations(data, "default") as held:
        made = _ask(held, "POST", user, "/sign-in", json={"minutes": minutes})
    typer.echo(made["link"])
    note(f"It works once, until {made['expiresTimeUtc'][:16].replace('T', ' ')} UTC.")


@group.command("password")
def password(
    user: User,
    data: DataDir = None,
    given: Annotated[bool, typer.Option("--stdin", help="Read the new password from standard input.")] = False,
    remove: Annotated[
        bool, typer.Option("--remove", help="Take the password away: links are then the only way in.")
    ] = False,
) -> None:
    """Give a user a new password, generated unless it is read from standard input; their sessions end."""
    if given and remove:
        raise InvalidInput("--stdin and --remove exclude each other.")
    value = sys.stdin.readline().rstrip("\r\n") if given else None
    if given and not value:
        raise InvalidInput("There is no password on standard input.")
    with operations(data, "default") as held:
        if remove:
            _ask(held, "DELETE", user, "/password")
            typer.echo(harmless(f"{user} has no password any more."))
            return
        made = _ask(held, "POST", user, "/password", json={"password": value})
    if made["password"] is None:
        typer.echo(harmless(f"The password of {user} is changed."))
    else:
        typer.echo(made["password"])
        note("It is shown this once.")


@group.command("token")
def token(
    user: User,
    name: Annotated[str, typer.Argument(help="What the token is for.", metavar="NAME")],
    data: DataDir = None,
    permission: Annotated[
        list[str] | None,
        typer.Option("--permission", help="Limit it to this, like rules/read; may be repeated.", metavar="PERMISSION"),
    ] = None,
    workspace: Annotated[
        list[str] | None, typer.Option("--workspace", "-w", help="Limit it to this workspace; may be repeated.")
    ] = None,
    days: Annotated[float, typer.Option(min=0.01, max=730, help="How many days it is good for.")] = 90,
    forever: Annotated[bool, typer.Option("--forever", help="It is good until it is revoked.")] = False,
    json_: JsonReport = False,
) -> None:
    """Make an API token of an account. It allows what the account's roles allow, limited further by the options; it is shown this once."""
    for one in permission or ():
        if one not in set(Permission):
            raise not_found("permission", one, [each.value for each in Permission])
    body = {
        "name": name,
        "permissions": permission or None,
        "workspaces": workspace or None,
        "days": None if forever else days,
    }
    with operations(data, "default") as held:
        made = _ask(held, "POST", user, "/tokens", json=body)
    typer.echo(json_line(made) if json_ else made["token"])


@group.command("revoke-token")
def revoke_token(
    user: User,
    token: Annotated[str, typer.Argument(help="The token's id, as `vedette users show` has it.", metavar="TOKEN")],
    data: DataDir = None,
) -> None:
    """End an API token at once."""
    with operations(data, "default") as held:
        done = _ask(held, "DELETE", user, f"/tokens/{quote(token, safe='')}")
    typer.echo(harmless(f"The token {done['name']} is revoked."))


@group.command("end-sessions")
def end_sessions(
    user: User,
    data: DataDir = None,
    session: Annotated[str | None, typer.Option(help="Only this one, by its id.", metavar="SESSION")] = None,
) -> None:
    """End the console sessions of a user at once, with sign-in links that were not used."""
    with operations(data, "default") as held:
        _ask(held, "DELETE", user, "/sessions" if session is None else f"/sessions/{quote(session, safe='')}")
    typer.echo(harmless(f"{user} is signed out." if session is None else f"The session {session} is ended."))
