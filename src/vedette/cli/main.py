"""The `vedette` command: its groups, and how errors end it.

Exit codes: 0 done, 1 findings or failure, 2 wrong usage.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import os
import sys
from typing import Annotated, Any, Final

import typer

from vedette import __version__
from vedette.cli.output import harmless, placed, screen, short
from vedette.core.errors import Unavailable, VedetteError

_INTERRUPTED: Final = 130
"""How typer ends at Ctrl-C."""

COLLECT_AFTER: Final = 100_000
"""New objects until Python looks for garbage cycles. Its own 700 make it walk everything that start-up keeps, many times
over: a tenth of the seconds until `serve` answers."""

app = typer.Typer(
    name="vedette",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="A self-hosted SIEM and SOAR for Azure and Microsoft security that speaks KQL.",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"vedette {__version__}")
        raise typer.Exit()


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """A self-hosted SIEM and SOAR for Azure and Microsoft security that speaks KQL."""


COMMANDS: Final[dict[str, tuple[str, ...]]] = {
    "serve": ("serve",),
    "sign-in": ("sign_in",),
    "load": ("loading",),
    "query": ("querying",),
    "check": ("checking",),
    "tables": ("tables",),
    "transformations": ("transformations",),
    "watchlists": ("watchlists",),
    "functions": ("functions",),
    "rules": ("rules", "rule_code", "rule_exceptions", "rule_export", "replaying"),
    "automation-rules": ("automation_rules",),
    "incidents": ("incidents", "source_alerts"),
    "indicators": ("indicators",),
    "ingest": ("ingest",),
    "connectors": ("connectors",),
    "destinations": ("destinations",),
    "deliveries": ("deliveries",),
    "range": ("range",),
    "watch": ("watching",),
    "export": ("export",),
    "backup": ("backup",),
    "secrets": ("secrets",),
    "users": ("users",),
    "workspaces": ("workspaces",),
    "audit": ("audit",),
}
"""The first word of a command, and the modules that it is in; a new one is a line here."""


def _register(first: str | None) -> None:
    """Adds the commands: those of the first word alone, where it is one, since to prepare all takes as long as many commands do."""
    for modules in COMMANDS.values() if first not in COMMANDS else [COMMANDS[first]]:
        for name in modules:
            importlib.import_module(f"vedette.cli.{name}").register(app)


_register(sys.argv[1] if len(sys.argv) > 1 else None)


def explain(error: VedetteError) -> None:
    """Prints an error for a person: where, what, and what to do."""
    console = screen(stderr=True)
    console.print("error", style="bold red", end=" ")
    console.print(harmless(short(placed(error))))
    if error.hint:
        console.print(harmless(short(f"  {error.hint}")), style="dim")


def main() -> None:
    """The entry point: runs the command and turns whatever goes wrong into a sentence and an exit code."""
    gc.set_threshold(COLLECT_AFTER, 20, 20)
    _open_standard_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and not stream.isatty():
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # programs read it, whatever the locale
    code = 0
    try:
        result = app(prog_name="vedette", standalone_mode=False)
        code = result if isinstance(result, int) else 0
        sys.stdout.flush()
    except VedetteError as error:
        explain(error)
        code = error.exit_code
    except (typer.Abort, KeyboardInterrupt):
        code = _INTERRUPTED
    except (BrokenPipeError, SystemExit):
        # Whoever reads has heard enough (`vedette query … | head`); typer ends the process itself where it notices first.
        _give_the_output_up()
    except Exception as error:
        code = _usage_or_fault(error)
    if code == _INTERRUPTED:
        typer.echo("Stopped.", err=True)
        code = 1
    sys.exit(code)


def _open_standard_streams() -> None:
    """Opens what the caller has closed (`vedette query … >&-`) to nowhere: the next file would get its number, and what is printed."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            with contextlib.suppress(OSError):
                os.fstat(number)
                continue
            os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 - it stays open


def _give_the_output_up() -> None:
    """What is not written yet goes nowhere, so that Python does not try it again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno() if sys.__stdout__ else 1)


def _refused(error: OSError) -> VedetteError:
    """What the operating system refuses, as a sentence: a full disk behind `>`, a disk that cannot be read, a name too long."""
    reason = (error.strerror or str(error)).lower()
    if error.filename is not None:
        return Unavailable(f"The operating system refuses the file {error.filename}: {reason}.")
    return Unavailable(
        f"The operating system refuses to read or write: {reason}.",
        hint="Look at what the output goes to, and at the disk. VEDETTE_TRACEBACK=1 shows where it happened.",
    )


def _usage_or_fault(error: Any) -> int:
    shown = getattr(error, "show", None)
    if shown is not None and hasattr(error, "exit_code"):
        if isinstance(getattr(error, "message", None), str):
            error.message = short(error.message.removeprefix("Value error, "))
        shown()
        return int(error.exit_code)
    if os.environ.get("VEDETTE_TRACEBACK"):
        raise error
    if isinstance(error, OSError):
        try:
            sys.stdout.flush()
        except OSError:
            _give_the_output_up()
        explain(_refused(error))
        return 1
    typer.echo(
        f"error Vedette failed where it should not ({type(error).__name__}: {error}). "
        "Set VEDETTE_TRACEBACK=1 for the details, and please report it.",
        err=True,
    )
    return 1
