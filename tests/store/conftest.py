"""Fixtures of the store room's tests."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from vedette.core.clock import VirtualClock
from vedette.store.logstore import LogStore

WORKSPACE = "0a1b2c3d-0000-4000-8000-00000000abcd"

WriteFile = Callable[..., Path]


@pytest.fixture
def store(tmp_path: Path, clock: VirtualClock) -> Iterator[LogStore]:
    """An empty store in a file."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    with LogStore(folder / "logs.duckdb", clock, workspace_id=WORKSPACE, name="north") as store:
        yield store


@pytest.fixture
def write(tmp_path: Path) -> WriteFile:
    """Writes rows, text or bytes to `Table/name` and gives the path; a name that ends in .gz is compressed."""

    def write(name: str, content: list[Any] | str | bytes) -> Path:
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, list):
            content = "".join(json.dumps(row) + "\n" for row in content)
        data = content.encode() if isinstance(content, str) else content
        path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
        return path

    return write


@pytest.fixture
def ask(store: LogStore) -> Callable[[str], list[list[Any]]]:
    """The rows of a query."""
    return lambda text: store.query(text).rows
