"""What the differential tests have in common."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.oracle.microsoft import HERE, Microsoft, reason_absent
from tests.oracle.ours import CorpusHost


@pytest.fixture(scope="session")
def corpus_host(shared: Path) -> CorpusHost:
    return CorpusHost(shared / "corpus")


@pytest.fixture(scope="session")
def microsoft(shared: Path) -> Iterator[Microsoft]:
    absent = reason_absent()
    if absent is not None:
        pytest.skip(absent)
    with Microsoft(shared / "conformance" / "oracle.mjs", HERE) as running:
        yield running
