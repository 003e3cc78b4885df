"""Writes the generated pages of the documentation.

python -m tools.pages           write them
python -m tools.pages --check   exit 1 when one of them is not what the program says
"""

from __future__ import annotations

import argparse
import sys

from tools.pages import PAGES, ROOT


def main() -> int:
    """Runs the command line described above."""
    parser = argparse.ArgumentParser(description="The generated pages of the documentation")
    parser.add_argument("--check", action="store_true", help="compare only")
    options = parser.parse_args()
    stale = []
    for name, render in PAGES.items():
        page, text = ROOT / name, render()
        if page.is_file() and page.read_text(encoding="utf-8") == text:
            continue
        if options.check:
            stale.append(name)
        else:
            page.write_text(text, encoding="utf-8", newline="\n")
            print(f"wrote {name}")
    if stale:
        print(f"not what the program says: {', '.join(stale)} (make pages)", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
