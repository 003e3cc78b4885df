"""The requirements in docs/requirements.tsv, and `make trace`: which of them a passing test proves.

A requirement is proved when at least one test marked with its id passed in the last `make test` and none failed.
"""

from __future__ import annotations

import argparse
import difflib
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "docs" / "requirements.tsv"
RESULTS = ROOT / "test-results" / "trace.json"
COLUMNS = ("id", "area", "check", "requirement")
CHECKS = {"U": "unit", "I": "integration", "W": "web", "D": "documentation", "M": "measured"}


class RequirementFileError(ValueError):
    """The file of requirements or of results cannot be understood; the message names file and line."""


@dataclass(frozen=True)
class Requirement:
    """One line of docs/requirements.tsv; `check` is one letter of CHECKS."""

    id: str
    area: str
    check: str
    text: str

    @property
    def seed(self) -> str:
        """The letter before the dash: requirements of one seed share it."""
        return self.id.partition("-")[0]


def read_requirements(file: Path = FILE) -> list[Requirement]:
    """All requirements in file order; RequirementFileError on a malformed line or a repeated id."""
    lines = file.read_text(encoding="utf-8").splitlines()
    if not lines or tuple(lines[0].split("\t")) != COLUMNS:
        raise RequirementFileError(f"{file.name}:1: the heading must be {' '.join(COLUMNS)}, separated by tabs")
    found: dict[str, Requirement] = {}
    for number, line in enumerate(lines[1:], 2):
        cells = line.split("\t")
        if len(cells) != len(COLUMNS) or not all(cells):
            raise RequirementFileError(f"{file.name}:{number}: expected {len(COLUMNS)} cells, none of them empty")
        one = Requirement(*cells)
        if one.check not in CHECKS:
            raise RequirementFileError(f"{file.name}:{number}: check {one.check!r} is none of {', '.join(CHECKS)}")
        if one.id in found:
            raise RequirementFileError(f"{file.name}:{number}: {one.id} is there twice")
        found[one.id] = one
    return list(found.values())


def nearest(identity: str, known: Iterable[str]) -> str | None:
    """The known id that is most like the given one, or None."""
    close = difflib.get_close_matches(identity.upper(), list(known), n=1)
    return close[0] if close else None


def proved(tests: Mapping[str, Mapping[str, object]]) -> dict[str, list[str]]:
    """Requirement id -> tests that prove it; an id of which any test failed is left out."""
    passing: dict[str, list[str]] = defaultdict(list)
    failing: set[str] = set()
    for name, entry in tests.items():
        ids = entry["ids"]
        assert isinstance(ids, list)
        for identity in ids:
            if entry["outcome"] == "failed":
                failing.add(identity)
            elif entry["outcome"] == "passed":
                passing[identity].append(name)
    return {identity: sorted(names) for identity, names in passing.items() if identity not in failing}


def report(requirements: list[Requirement], by_id: Mapping[str, list[str]], verbose: bool) -> list[str]:
    """The lines that `make trace` prints."""
    lines: list[str] = []
    groups: dict[tuple[str, str], list[Requirement]] = defaultdict(list)
    for one in requirements:
        groups[one.seed, one.area].append(one)
    seeds = list(dict.fromkeys(one.seed for one in requirements))
    for seed in seeds:
        members = [one for one in requirements if one.seed == seed]
        lines.append(f"{seed}: {sum(one.id in by_id for one in members)} of {len(members)} proved")
        for (other, area), ones in groups.items():
            if other == seed:
                have = [one.id for one in ones if one.id in by_id]
                lines.append(f"  {len(have):>3} of {len(ones):>3}  {area}" + (f": {' '.join(have)}" if have else ""))
    if verbose:
        for one in requirements:
            lines.append(f"{'proved' if one.id in by_id else 'open  '}  {one.id}  [{CHECKS[one.check]}] {one.text}")
            lines.extend(f"          {name}" for name in by_id.get(one.id, ()))
    lines.append(
        f"{sum(one.id in by_id for one in requirements)} of {len(requirements)} requirements have a passing test"
    )
    return lines


def main() -> int:
    """Prints the trace; exit 1 when there are no results or a result names an unknown id."""
    parser = argparse.ArgumentParser(description="Which requirements have a passing test")
    parser.add_argument("--verbose", action="store_true", help="list every requirement with its tests")
    parser.add_argument("--results", type=Path, default=RESULTS, help="what the tests wrote (default: %(default)s)")
    options = parser.parse_args()
    try:
        requirements = read_requirements()
    except RequirementFileError as error:
        print(error, file=sys.stderr)
        return 1
    try:
        document = json.loads(options.results.read_text(encoding="utf-8"))
    except FileNotFoundError:
        print(f"{options.results} is not there: run `make test` first, it writes the results", file=sys.stderr)
        return 1
    by_id = proved(document["tests"])
    known = {one.id for one in requirements}
    unknown = sorted(set(by_id) - known)
    for identity in unknown:
        print(f"{by_id[identity][0]}: docs/requirements.tsv has no requirement {identity!r}", file=sys.stderr)
    for line in report(requirements, by_id, options.verbose):
        print(line)
    print(f"(results of {document['finished']})")
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
