"""`vedette watchlists`: lists of items that queries read with `_GetWatchlist()`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from vedette.cli.opening import operations
from vedette.cli.options import DataDir, JsonReport, WorkspaceName
from vedette.cli.output import counted, json_line, note, print_list, print_table

group = typer.Typer(no_args_is_help=True, help="Watchlists, which queries read with `_GetWatchlist()`.")

Alias = Annotated[str, typer.Argument(help="The watchlist's alias.", metavar="ALIAS")]


def register(app: typer.Typer) -> None:
    """Adds the group."""
    app.add_typer(group, name="watchlists")


@group.command("list")
def list_(data: DataDir = None, workspace: WorkspaceName = "default", json_: JsonReport = False) -> None:
    """List the watchlists."""
    with operations(data, workspace) as held:
        found = held.watchlists()
    print_list(
        found,
        json_,
        ["alias", "name", "search key", "items", "updated"],
        lambda one: [one["alias"], one["name"], one["searchKey"], one["items"], one["updatedAt"]],
        none="There is no watchlist; `vedette watchlists import` makes one.",
    )


@group.command("show")
def show(
    alias: Alias,
    data: DataDir = None,
    workspace: WorkspaceName = "default",
    top: Annotated[int, typer.Option("--top", min=1, max=10_000, help="How many items.", metavar="COUNT")] = 100,
    revision: Annotated[
        int | None, typer.Option("--revision", min=1, help="As it was at this revision.", metavar="NUMBER")
    ] = None,
    json_: JsonReport = False,
) -> None:
    """Show a watchlist and its items, as they are or as they were at a revision."""
    with operations(data, workspace) as held:
        if revision is None:
            found = held.watchlist(alias, top)
        else:
            path = _revision_path(alias, revision)
            found = held.request("GET", path) | {"alias": alias}
            found["rows"] = held.request("GET", f"{path}/items", params={"top": top})["value"]
    if json_:
        typer.echo(json_line(found))
        return
    names = found["columns"]
    print_table(names, [[row["content"].get(name) for name in names] for row in found["rows"]])
    note(f"{found['name']} ({found['alias']}): {counted(found['items'], 'item')}, search key {found['searchKey']}")


@group.command("revisions")
def revisions(
    alias: Alias, data: DataDir = None, workspace: WorkspaceName = "default", json_: JsonReport = False
) -> None:
    """List what is kept of a watchlist's history: each change is a revision.

    `vedette watchlists show ALIAS --revision NUMBER` shows the items that it had, `vedette watchlists restore` brings them back.
    """
    with operations(data, workspace) as held:
        found = held.request("GET", f"/watchlists/{quote(alias, safe='')}/revisions")["value"]
    print_list(
        found,
        json_,
        ["revision", "at", "by", "items", "search key", "name"],
        lambda one: [one["revision"], one["at"], one["by"], one["items"], one["searchKey"], one["name"]],
        none="No revision of it is kept.",
    )


@group.command("restore")
def restore(
    alias: Alias,
    revision: Annotated[int, typer.Argument(min=1, help="The revision that it is to be again.", metavar="NUMBER")],
    data: DataDir = None,
    workspace: WorkspaceName = "default",
    json_: JsonReport = False,
) -> None:
    """Make a watchlist what it was at a revision, with its items; that is its next revision, and nothing is lost."""
    with operations(data, workspace) as held:
        done = held.request("POST", f"{_revision_path(alias, revision)}/restore")
    if json_:
        typer.echo(json_line(done))
        return
    made = done["watchlist"]
    typer.echo(
        f"restored revision {revision} of {made['alias']} as revision {made['revision']}: {done['added']} added, "
        f"{done['removed']} removed, {done['kept']} kept"
    )


def _revision_path(alias: str, revision: int) -> str:
    return f"/watchlists/{quote(alias, safe='')}/revisions/{revision}"


@group.command("import")
def import_(
    alias: Alias,
    path: Annotated[Path, typer.Argument(help="A CSV, TSV or JSON file, or JSON lines.", metavar="FILE")],
    data: DataDir = None,
    workspace: WorkspaceName = "default",
    search_key: Annotated[
        str | None, typer.Option("--search-key", help="The column that queries look items up by.", metavar="COLUMN")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="The name that people see.", metavar="NAME")] = None,
    provider: Annotated[str | None, typer.Option("--provider", help="Who provides it.", metavar="NAME")] = None,
    description: Annotated[str | None, typer.Option("--description", help="What it is for.", metavar="TEXT")] = None,
    append: Annotated[
        bool, typer.Option("--append", help="Add the items to those that are there, save for equal ones.")
    ] = False,
    json_: JsonReport = False,
) -> None:
    """Make a watchlist from a file, or give one other items.

    A new watchlist needs a search key. The items of the file take the place of those that are there, unless `--append` is given;
    options that are left out stay as they are.
    """
    from vedette.store.watchlists.lists import WatchlistSettings

    with operations(data, workspace, makes=True) as held:
        settings = WatchlistSettings(search_key, name, provider, description)
        done = held.import_watchlist(alias, path, settings, append=append)
    if json_:
        typer.echo(json_line(done))
        return
    made = "made" if done["created"] else "changed"
    typer.echo(
        f"{made} {done['watchlist']['alias']}: {done['added']} added, {done['removed']} removed, {done['kept']} kept"
    )


@group.command("delete")
def delete(alias: Alias, data: DataDir = None, workspace: WorkspaceName = "default") -> None:
    """Delete a watchlist with its items."""
    with operations(data, workspace) as held:
        held.delete_watchlist(alias)
    typer.echo(f"deleted {alias}")
