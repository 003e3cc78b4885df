"""Reference material beside the checkout: campaigns, cases and schemas that are too large, or not ours, to be committed.

It is looked for where VEDETTE_SHARED says, else in `shared` beside the main checkout. Tests that need it are skipped
where it is absent, and the summary says how many; a VEDETTE_SHARED that leads nowhere is an error, not a skip.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
VARIABLE = "VEDETTE_SHARED"
REASON = f"the shared reference material is absent (set {VARIABLE})"


def main_checkout() -> Path:
    """The checkout that this one is a worktree of, or this one itself."""
    try:
        answer = subprocess.run(
            ["git", "rev-parse", "--path-format=absolute", "--git-common-dir"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )
    except (OSError, subprocess.SubprocessError):
        return ROOT
    common = Path(answer.stdout.strip())
    return common.parent if common.name == ".git" else ROOT


def find_shared() -> Path | None:
    """The folder of the material, or None where there is none."""
    stated = os.environ.get(VARIABLE)
    if stated:
        path = Path(stated).expanduser()
        path = path if path.is_absolute() else ROOT / path
        if not path.is_dir():
            raise pytest.UsageError(f"{VARIABLE}={stated}: {path} is not a directory")
        return path.resolve()
    path = main_checkout().parent / "shared"
    return path.resolve() if (path / "README.md").is_file() else None


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of the shared reference material."""
    path = find_shared()
    if path is None:
        pytest.skip(REASON)
    return path


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    missed = [
        report
        for report in terminalreporter.stats.get("skipped", ())
        if isinstance(report.longrepr, tuple) and REASON in str(report.longrepr[2])
    ]
    if missed:
        terminalreporter.write_line(f"{len(missed)} tests were skipped: {REASON}", yellow=True)
