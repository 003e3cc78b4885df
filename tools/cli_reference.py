"""Writes docs/cli.md, the reference of the `vedette` command, from the command itself.

python -m tools.cli_reference           write the page
python -m tools.cli_reference --check   exit 1 when the page is not what the command says
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "cli.md"
MODULE = "vedette.cli.main"
HEADER = "<!-- Written by `make cli-docs` from the command's own help; change it there. -->\n\n"
NOT_YET = "# Commands\n\nThe `vedette` command is not part of the package yet.\n"


def exists() -> bool:
    """Whether the package has its command."""
    try:
        return importlib.util.find_spec(MODULE) is not None
    except ModuleNotFoundError:
        return False


def render() -> str:
    """The page's text; RuntimeError with the command's own words when it cannot be asked."""
    if not exists():
        return HEADER + NOT_YET
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


def main() -> int:
    """Runs the command line described above."""
    parser = argparse.ArgumentParser(description="The reference page of the vedette command")
    parser.add_argument("--check", action="store_true", help="compare only")
    options = parser.parse_args()
    text = render()
    if options.check:
        if PAGE.read_text(encoding="utf-8") != text:
            print("docs/cli.md is not what the command says of itself: make cli-docs", file=sys.stderr)
            return 1
        return 0
    PAGE.write_text(text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
