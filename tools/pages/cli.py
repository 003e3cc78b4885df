"""docs/cli.md: the reference of the `vedette` command, from the command's own help."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODULE = "vedette.cli.main"
HEADER = "<!-- Written by `make pages` from the command's own help; change it there. -->\n\n"


def render() -> str:
    """The page's text; RuntimeError with the command's own words when it cannot be asked."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VEDETTE_")}
    environment |= {"PYTHONPATH": str(ROOT / "src"), "NO_COLOR": "1", "COLUMNS": "100"}
    done = subprocess.run(
        [sys.executable, "-m", "typer", MODULE, "utils", "docs", "--name", "vedette", "--title", "Commands"],
        capture_output=True,
        encoding="utf-8",
        env=environment | {"PYTHONIOENCODING": "utf-8"},
        timeout=120,
    )
    if done.returncode:
        raise RuntimeError(f"{MODULE} did not describe itself: {done.stderr.strip() or done.stdout.strip()}")
    text = done.stdout.replace("```console\n$ ", "```text\n")
    return HEADER + "\n".join(line.rstrip() for line in text.rstrip().splitlines()) + "\n"
