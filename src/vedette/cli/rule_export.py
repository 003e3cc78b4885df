"""`vedette rules export`, `cost`: rules out, as YAML, ARM JSON or Bicep; and what they take."""

from __future__ import annotations

import enum
import json
import re
from pathlib import Path
from typing import Annotated

import typer

from vedette.cli.opening import operations
from vedette.cli.options import DataDir, JsonReport, WorkspaceName
from vedette.cli.output import json_line, print_export, print_table, write_file
from vedette.cli.rules import group


class RuleFormat(enum.StrEnum):
    """What rules are written as."""

    YAML = "yaml"
    ARM = "arm"
    BICEP = "bicep"


def register(_app: typer.Typer) -> None:
    """Adds the commands to the group of `vedette rules`."""
    group.command("export")(export)
    group.command("cost")(cost)


def export(
    data: DataDir = None,
    workspace: WorkspaceName = "default",
    rule: Annotated[
        list[str] | None, typer.Option("--rule", help="A rule, by id or name (default: all).", metavar="ID")
    ] = None,
    format_: Annotated[RuleFormat, typer.Option("--format", help="What rules are written as.")] = RuleFormat.YAML,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Write to a file instead of the screen; YAML into a folder, too, a file for each rule.",
            metavar="FILE",
        ),
    ] = None,
) -> None:
    """Write rules out for Microsoft Sentinel: YAML in the public layout, an ARM template as the portal exports it, or Bicep.

    A rule that came out of an ARM template is written as it came. What Microsoft Sentinel has no field for is said.
    """
    params = [("format", format_.value), *(("rule", one) for one in rule or [])]
    with operations(data, workspace) as held:
        found = held.request("GET", "/rule-export", params=params)
    from vedette.detect.reading.yaml_reader import MAX_BYTES

    content = found["content"]
    text = content if isinstance(content, str) else json.dumps(content, indent=4, ensure_ascii=False) + "\n"
    notes = found["notes"]
    if output is not None and output.is_dir() and format_ is RuleFormat.YAML:
        _into_folder(text, output)
        text, output = "", None
    elif format_ is RuleFormat.YAML and len(text) > MAX_BYTES:
        size = MAX_BYTES // 1024 // 1024
        notes = [
            *notes,
            f"This is more than the {size} MiB that an import takes in one file; --output FOLDER makes a file for each rule.",
        ]
    print_export(text, output, notes)


def _into_folder(text: str, folder: Path) -> None:
    """A file for each document, by the id of its rule."""
    taken: set[str] = set()
    for document in re.split(r"^---\n", text, flags=re.MULTILINE):
        named = re.match(r"id: (.*)", document)
        name = re.sub(r"[^\w.-]+", "_", named[1] if named else "").strip("_.")[:100] or "rule"
        while name.casefold() in taken:
            name += "_"
        taken.add(name.casefold())
        if document.strip():
            write_file(folder / f"{name}.yaml", document, "--output")


def cost(
    data: DataDir = None,
    workspace: WorkspaceName = "default",
    days: Annotated[float, typer.Option("--days", help="Of the last days.", metavar="DAYS")] = 1,
    json_: JsonReport = False,
) -> None:
    """Show what the runs of each rule took, the dearest first, and how late its windows were searched at most."""
    with operations(data, workspace) as held:
        found = held.request("GET", "/rule-costs", params={"days": str(days)})
    if json_:
        typer.echo(json_line(found))
        return
    print_table(
        ["rule", "runs", "failed", "seconds", "share", "longest", "late by", "rows", "alerts"],
        [
            [
                one["ruleName"] or one["ruleId"], one["runs"], one["failed"], one["seconds"], f"{one['share']:.1%}",
                one["longestSeconds"], f"{one['latestSeconds']} s", one["rows"], one["alerts"],
            ]
            for one in found
        ],
    )  # fmt: skip
