"""Measurements: each bench test records what it measured beside what was promised, and fails when the promise is broken.

The run ends with a Markdown table in the form of docs/performance.md, and writes test-results/bench.json.
"""

from __future__ import annotations

import gc
import json
import os
import platform
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

import vedette
from tests.plugins.postgres import postgres_server  # noqa: F401 - a fixture
from tests.plugins.shared_material import shared  # noqa: F401 - a fixture
from vedette.cli.main import COLLECT_AFTER

ROOT = Path(__file__).resolve().parents[1]
OUTPUT = ROOT / "test-results" / "bench.json"


@dataclass(frozen=True)
class Measurement:
    """One row of the table; `measured` and `limit` share the unit."""

    what: str
    measured: float
    limit: float
    unit: str


MEASURED = pytest.StashKey[list[Measurement]]()
Record = Callable[[str, float, float, str], None]


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Iterator[Record]:
    """`record(what, measured, limit, unit)` keeps a measurement; the test fails at its end, by all that are not under their limit."""
    broken: list[str] = []

    def keep(what: str, measured: float, limit: float, unit: str) -> None:
        request.config.stash.setdefault(MEASURED, []).append(Measurement(what, measured, limit, unit))
        if not measured < limit:
            broken.append(f"{what}: {measured:.3g} {unit}, promised under {limit:g} {unit}")

    yield keep
    if broken:
        pytest.fail("\n".join(broken), pytrace=False)


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30 if hasattr(os, "sysconf") else 0
    size = f", {memory:.0f} GiB of memory" if memory else ""
    return f"{os.cpu_count()} cores{size}, {platform.system()} {platform.machine()}, Python {platform.python_version()}"


def _commit() -> str:
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    measured = terminalreporter.config.stash.get(MEASURED, [])
    if not measured:
        return
    facts = {
        "version": vedette.__version__,
        "commit": _commit(),
        "date": datetime.now(UTC).date().isoformat(),
        "machine": _machine(),
    }
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(
        json.dumps(facts | {"measured": [asdict(one) for one in measured]}, indent=1) + "\n", encoding="utf-8"
    )
    terminalreporter.section("measured")
    terminalreporter.write_line("| what | promised | measured |\n|---|---|---|")
    for one in measured:
        terminalreporter.write_line(f"| {one.what} | under {one.limit:g} {one.unit} | {one.measured:.3g} {one.unit} |")
    terminalreporter.write_line(
        f"\nVersion {facts['version']} ({facts['commit']}), {facts['date']}; {facts['machine']}."
    )


@pytest.fixture
def seldom_collected() -> Iterator[None]:
    """Python looks for cycles as seldom as it does in the command."""
    before = gc.get_threshold()
    gc.set_threshold(COLLECT_AFTER, 20, 20)
    yield
    gc.set_threshold(*before)
