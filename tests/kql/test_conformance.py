"""The cases that Microsoft's engine, its documentation and other engines have answered, asked through the batch protocol."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

REVIEWED = Path(__file__).with_name("reviewed_cases.tsv")
PARTS = 4
"""They are asked in parts, so that each of the workers has its share of them."""
COMMAND = [sys.executable, "-c", "import sys; from vedette.cli.main import main; sys.exit(main())", "query", "--batch"]


def reviewed() -> dict[str, str]:
    """The cases that are answered otherwise, or not at all, each with the reason."""
    lines = REVIEWED.read_text(encoding="utf-8").splitlines()
    return dict(line.split("\t", 1) for line in lines[1:])


def test_every_reviewed_case_has_a_reason() -> None:
    assert all(len(reason) > 10 for reason in reviewed().values())


@pytest.mark.timeout(300)
@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(PARTS))
def test_every_case_is_answered_as_expected_or_reviewed(part: int, shared: Path, tmp_path: Path) -> None:
    report, cases = tmp_path / "report.jsonl", tmp_path / "kql.jsonl"
    lines = (shared / "conformance" / "kql.jsonl").read_text(encoding="utf-8").rstrip("\n").split("\n")
    assert reviewed().keys() <= {json.loads(line)["id"] for line in lines}
    mine = lines[part::PARTS]
    cases.write_text("".join(f"{line}\n" for line in mine), encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VEDETTE_")}
    scored = subprocess.run(
        [
            sys.executable, str(shared / "conformance" / "score.py"), str(cases),
            "--show", "0", "--report", str(report), "--", *COMMAND,
        ],
        env=environment, capture_output=True, text=True, timeout=850,
    )  # fmt: skip
    assert report.is_file(), scored.stderr[-2000:]
    verdicts = [json.loads(line) for line in report.read_text(encoding="utf-8").splitlines()]
    assert len(verdicts) > 2800 // PARTS - 100
    failed = {verdict["id"]: verdict["why"] for verdict in verdicts if not verdict["pass"]}
    names = {json.loads(line)["id"] for line in mine}
    listed = {name: why for name, why in reviewed().items() if name in names}
    unexpected = {name: why for name, why in failed.items() if name not in listed}
    assert not unexpected, "\n".join(f"{name}: {why}" for name, why in sorted(unexpected.items()))
    settled = {
        name for name, why in listed.items() if not why.startswith("random: ")
    }  # chance may give the expected row
    assert not settled - failed.keys(), "answered as expected by now: take them off the list"
