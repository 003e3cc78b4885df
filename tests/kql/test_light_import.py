"""Binding needs no engine: what a check imports, and how long that takes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("duckdb", "h3", "numpy", "pyarrow", "pydantic", "re2", "s2geometry", "scipy")
CODE = f"""
import json, sys, time
started = time.process_time()
from vedette.kql.binder import bind
from vedette.kql.operators.binding import load_binders
from vedette.engine.catalog import full_catalog
catalog = full_catalog()
load_binders()
seconds = time.process_time() - started
heavy = [name for name in {HEAVY!r} if name in sys.modules]
print(json.dumps({{"seconds": seconds, "heavy": heavy, "scalars": len(catalog.scalars)}}))
"""


def imported(pycache: Path) -> dict[str, object]:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"PYTHONPATH": str(ROOT / "src"), "PYTHONPYCACHEPREFIX": str(pycache)}
    answer = subprocess.run(
        [sys.executable, "-c", CODE], env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    found: dict[str, object] = json.loads(answer.stdout)
    return found


def test_the_full_catalogue_needs_no_engine(tmp_path: Path) -> None:
    found = imported(tmp_path)
    assert found["heavy"] == []
    assert isinstance(found["scalars"], int)
    assert found["scalars"] > 300


@pytest.mark.bench
def test_the_full_catalogue_is_there_within_150_ms(tmp_path: Path) -> None:
    """Processor time of a fresh process whose bytecode is there; the best of seven, so that a busy machine does not fail it."""
    imported(tmp_path)
    seconds = [found["seconds"] for found in (imported(tmp_path) for _ in range(7))]
    best = min(value for value in seconds if isinstance(value, float))
    print(f"the full catalogue: {best * 1000:.0f} ms")
    assert best <= 0.150
