"""Writes the demo campaign's files.

    python -m tools.demo_campaign [FOLDER]

FOLDER is src/vedette/content/demo/campaign by default. The same program writes the same rows.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tools.demo_campaign.campaign import FOLDER, campaign, write


def main(arguments: list[str]) -> int:
    """Writes the files; 0, or 2 where the arguments are not right."""
    if len(arguments) > 1:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    folder = Path(arguments[0]) if arguments else FOLDER
    for file, rows in write(campaign(), folder):
        sys.stdout.write(f"{file}: {rows} rows, {file.stat().st_size} bytes\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
