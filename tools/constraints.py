"""Writes or checks constraints.txt: the exact version of everything that Vedette's requirements lead to.

    python -m tools.constraints           print what the running environment has installed
    python -m tools.constraints --write   put it into constraints.txt
    python -m tools.constraints --check   exit 1 when constraints.txt and what is installed differ

Only names and versions are written, so the file holds on every platform and with every package index. Lines of packages
that only another platform needs are kept as they are.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "constraints.txt"
HEADER = "# Exact versions of every dependency; `make constraints` writes this file.\n"


def declared(project: Path) -> Iterator[Requirement]:
    """Every requirement that pyproject.toml states: to build, to run, and each extra."""
    table = tomllib.loads(project.read_text(encoding="utf-8"))
    lines = [*table["build-system"]["requires"], *table["project"]["dependencies"]]
    for extra in table["project"]["optional-dependencies"].values():
        lines.extend(extra)
    own = canonicalize_name(table["project"]["name"])
    for line in lines:
        requirement = Requirement(line)
        if canonicalize_name(requirement.name) != own:
            yield requirement


def closure(requirements: Iterator[Requirement]) -> tuple[dict[str, metadata.Distribution], set[str]]:
    """The installed distributions that the requirements lead to on this platform, and the names of absent ones."""
    found: dict[str, metadata.Distribution] = {}
    missing: set[str] = set()
    seen: set[tuple[str, str]] = set()
    waiting = [(requirement, "") for requirement in requirements]
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        wanted = [one for one in ("", *sorted(requirement.extras)) if (name, one) not in seen]
        if not wanted:
            continue
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            missing.add(name)
            continue
        found[name] = distribution
        for one in wanted:
            seen.add((name, one))
            waiting.extend((Requirement(line), one) for line in distribution.requires or ())
    return found, missing


def read(file: Path) -> dict[str, str]:
    """Canonical name -> line of a constraints file; ValueError on anything that is not `name==version`."""
    lines: dict[str, str] = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, separator, version = line.partition("==")
        if not separator or not version or " " in line or "/" in line:
            raise ValueError(f"{file.name}:{number}: expected name==version, found {line!r}")
        lines[canonicalize_name(name)] = line
    return lines


def problems(pinned: dict[str, str], installed: dict[str, metadata.Distribution], missing: set[str]) -> list[str]:
    """One sentence for each requirement that is not installed, not pinned, or installed in another version."""
    found = [f"{name} is required and not installed" for name in sorted(missing)]
    for name, distribution in sorted(installed.items()):
        if name not in pinned:
            found.append(f"{name} {distribution.version} is required and not pinned")
        elif pinned[name].partition("==")[2] != distribution.version:
            found.append(f"{pinned[name]} is pinned and {distribution.version} installed")
    return found


def main() -> int:
    """Runs the command line described above."""
    parser = argparse.ArgumentParser(description="Exact versions of everything that Vedette needs")
    parser.add_argument("--write", action="store_true", help="write constraints.txt")
    parser.add_argument("--check", action="store_true", help="compare constraints.txt with what is installed")
    options = parser.parse_args()
    installed, missing = closure(declared(ROOT / "pyproject.toml"))
    pinned = read(FILE) if FILE.exists() else {}
    if options.check:
        complaints = problems(pinned, installed, missing)
        for complaint in complaints:
            print(f"constraints.txt: {complaint} (make constraints)", file=sys.stderr)
        return 1 if complaints else 0
    if missing:
        print(f"not installed: {', '.join(sorted(missing))}", file=sys.stderr)
        return 1
    lines = pinned | {name: f"{one.metadata['Name']}=={one.version}" for name, one in installed.items()}
    text = HEADER + "".join(f"{lines[name]}\n" for name in sorted(lines))
    if options.write:
        FILE.write_text(text, encoding="utf-8")
    else:
        print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
