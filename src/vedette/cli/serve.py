"""`vedette serve`: the server."""

from __future__ import annotations

import atexit
import gc
import os
import shutil
import signal
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from vedette.cli.options import DataDir
from vedette.cli.output import note


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("serve")(serve)


def serve(
    data: DataDir = None,
    host: Annotated[str | None, typer.Option(help="The address to listen on (default: 127.0.0.1).")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="The port (default: 8080); 0 takes a free one.")
    ] = None,
    watch: Annotated[
        list[Path] | None,
        typer.Option(help="Load what comes into this folder (may be repeated).", metavar="DIR"),
    ] = None,
    tls: Annotated[
        bool,
        typer.Option("--tls", help="Speak TLS, with a certificate of the data directory's authority (tls/ca.pem)."),
    ] = False,
    tls_certificate: Annotated[
        Path | None, typer.Option(help="Speak TLS with this certificate (PEM, with its chain); --tls-key is its key.")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(help="The key (PEM) of the certificate.")] = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Bring a small attack campaign, its rules and its incidents.")
    ] = False,
) -> None:
    """Start Vedette: the console, the REST API and the rule scheduler.

    Prints one line with the address and a one-time sign-in. With `--demo` the workspace opens on incidents that the shipped rules
    have just raised; with the variable VEDETTE_SHARED set, on those of the golden SAML campaign. Without `--data` a demo lives in a
    temporary folder, which goes when the server ends. Files that are put into a folder of `--watch` are loaded when they are complete.
    """
    _stop_on_sigterm()
    from vedette.api.application import Application
    from vedette.api.server import Server
    from vedette.collect.files.folders import check_folder
    from vedette.core.logs import configure_logging
    from vedette.core.settings import load_settings, unknown_variables

    folder = data
    if folder is None and demo:
        folder = Path(tempfile.mkdtemp(prefix="vedette-demo-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        note(f"Demo: the data directory is {folder}, until the server ends.")
    watched = os.pathsep.join(str(path.absolute()) for path in watch) if watch else None
    settings = load_settings(
        data_dir=folder, host=host, port=port, watch=watched, tls=tls or None, tls_certificate=tls_certificate,
        tls_key=tls_key,
    )  # fmt: skip
    configure_logging(settings.log_level, settings.log_format)
    for sentence in unknown_variables():
        note(sentence)
    with Application(settings, purpose="vedette serve", on_wait=note) as application:
        for path in settings.watched_folders():
            check_folder(path, settings.data_dir)
        server = Server(application, settings.host, settings.port)
        if demo:
            from vedette.content.demo import prepare

            prepare(application, note)
        link = application.sign_in_link(server.url)
        # What arrives becomes many small objects without cycles: to look for cycles after every 700 of them would take a quarter
        # of the time.
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        # A query asks for the interpreter some ten times; each time it would wait 5 ms for a thread that takes rows in.
        sys.setswitchinterval(0.001)
        try:
            with suppress(KeyboardInterrupt):
                server.run(lambda: typer.echo(f"Vedette is ready: {link}"))
        finally:
            gc.unfreeze()  # what is frozen is never freed, and DuckDB complains at the end of what was not


def _stop_on_sigterm() -> None:
    """A service manager's SIGTERM ends the server as Ctrl-C does: what is open is closed, the record is taken away."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
