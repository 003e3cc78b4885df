"""How long a detection takes from text to SQL: real analytics rules over the known schemas, nothing is run."""

from __future__ import annotations

import gzip
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.plugins.shared_material import shared as shared  # a fixture
from vedette.core.clock import SystemClock
from vedette.engine.catalog import full_catalog
from vedette.engine.compiler import Compiler
from vedette.kql.binder import bind
from vedette.kql.diagnostics import KqlError
from vedette.store.logstore import LogStore

pytestmark = pytest.mark.bench
Record = Callable[[str, float, float, str], None]


def test_a_median_detection_is_compiled_in_time(shared: Path, record: Record) -> None:
    with gzip.open(shared / "corpus/core_rules.jsonl.gz", "rt", encoding="utf-8") as lines:
        texts = [json.loads(line)["query"] for line in lines]
    catalog = full_catalog()
    times: list[float] = []
    refused = 0
    with LogStore(None, SystemClock()) as store:
        for repeat in range(2):
            for text in texts:
                started = time.perf_counter()
                try:
                    bound = bind(text, catalog, store.host, None)
                    Compiler(timespan=True).compile(bound.results[-1])
                except KqlError:
                    # refused, or its columns are known only from data: no SQL was made, so its time says nothing
                    refused += repeat
                    continue
                if repeat:
                    times.append(time.perf_counter() - started)
    median = statistics.median(times) * 1000
    print(f"{len(times)} of {len(texts)} rules compiled, {refused} not")
    slow = statistics.quantiles(times, n=20)[-1] * 1000
    record("a median detection: parsed, bound and turned into SQL", median, 5.0, "ms")
    record("a slow detection (95 of 100 are faster): parsed, bound and turned into SQL", slow, 20.0, "ms")
