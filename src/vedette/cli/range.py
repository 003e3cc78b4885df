"""`vedette range`: a fake tenant of Microsoft's services, for tests and exercises."""

from __future__ import annotations

import json
import secrets
import signal
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vedette.cli.output import note

if TYPE_CHECKING:
    from vedette.range.server import RangeServer


def register(app: typer.Typer) -> None:
    """Adds the command's group."""
    group = typer.Typer(no_args_is_help=True, help="A fake tenant of Microsoft's services, for tests and exercises.")

    @group.callback()
    def _group() -> None:
        """A fake tenant of Microsoft's services, for tests and exercises."""

    group.command("serve")(serve)
    group.command("seed")(seed)
    app.add_typer(group, name="range")


def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = 8443,
    ca_out: Annotated[
        Path | None,
        typer.Option(
            "--ca-out", help="Where the certificate goes that clients have to trust; it is made anew at each start."
        ),
    ] = None,
    seed_file: Annotated[
        list[Path] | None,
        typer.Option(
            "--seed", help="A JSON or YAML file with what the tenant starts with; may be given more than once."
        ),
    ] = None,
    state: Annotated[
        Path | None, typer.Option(help="A SQLite file that keeps the tenant. Without it everything is in memory.")
    ] = None,
    clock_skew: Annotated[
        float,
        typer.Option(
            "--clock-skew", help="Seconds that the tenant's clock is ahead of this machine's; may be negative."
        ),
    ] = 0.0,
    control_token: Annotated[
        str | None,
        typer.Option(
            "--control-token",
            envvar="VEDETTE_RANGE_CONTROL_TOKEN",
            help="The token of the control page; without it one is made and printed.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON when it is ready.")] = False,
) -> None:
    """Run a fake tenant on one TLS port: Entra ID, Microsoft Graph, Azure Resource Manager, Log Analytics, ServiceNow.

    Microsoft's own SDKs accept it. It keeps state, checks tokens, permissions and roles, and fails when its control page
    (`/_range/`) is told to. Without `--seed` it starts as a small organisation: `vedette range seed` prints it.
    """
    from vedette.cli.log_engine import StoreLogEngine
    from vedette.range.seed import plant, read_seed
    from vedette.range.server import RangeServer
    from vedette.range.skew import EVERYTHING, MAX_SKEW
    from vedette.range.storage import SqliteStorage

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if not -MAX_SKEW <= clock_skew <= MAX_SKEW:
        raise typer.BadParameter(f"more than {timedelta(seconds=MAX_SKEW).days} days", param_hint="--clock-skew")
    seeds = [read_seed(path) for path in seed_file or []]
    token = control_token or secrets.token_urlsafe(24)
    storage = SqliteStorage(state) if state is not None else None
    known = storage is not None and not storage.empty
    server = RangeServer(
        seed=seeds[0] if seeds else None,
        host=host,
        port=port,
        control_token=token,
        ca_path=ca_out,
        storage=storage,
        log_engine=StoreLogEngine(),
    )
    if known and seeds:
        note(f"{state} holds a tenant already; the seed is not planted again.")
    for document in seeds[1:] if not known else []:
        plant(server.tenant, document)
    server.tenant.save()
    server.tenant.clock.skews[EVERYTHING] = clock_skew

    def ready(running: RangeServer) -> None:
        if as_json:
            typer.echo(json.dumps({"url": running.url, "ca": str(running.ca_path), "control_token": token}))
            return
        typer.echo(f"The fake tenant is ready: {running.url}")
        typer.echo(f"Clients have to trust: {running.ca_path}")
        if control_token is None:
            typer.echo(f"Token of the control page ({running.url}/_range/): {token}")

    try:
        server.run(ready)
    finally:
        if storage is not None:
            storage.close()


def seed() -> None:
    """Print the organisation that a fake tenant starts as, as a seed file to begin with."""
    from vedette.range.seed import CONTOSO

    typer.echo(json.dumps(CONTOSO, indent=2))
