"""Sketches: exact while they are small, within their error when they are not, and mergeable in any order."""

from __future__ import annotations

import hashlib
import random

from hypothesis import given
from hypothesis import strategies as st

from vedette.engine.sketches import (
    HASH_SPAN,
    count_hashes,
    make_digest,
    merge_digests,
    merge_hashes,
    percentile,
    rank,
    read_digest,
)


def hashes(values: range) -> list[int]:
    return sorted(int.from_bytes(hashlib.md5(str(v).encode()).digest()[:8], "little") % HASH_SPAN for v in values)


@given(st.sets(st.integers(0, HASH_SPAN - 1), max_size=60), st.sets(st.integers(0, HASH_SPAN - 1), max_size=60))
def test_merged_hashes_count_the_union(left: set[int], right: set[int]) -> None:
    sketches = [["kmv", 4096, *sorted(left)], ["kmv", 4096, *sorted(right)]]
    assert count_hashes(merge_hashes(sketches)) == len(left | right)
    assert merge_hashes(sketches) == merge_hashes(sketches[::-1])


def test_full_sketch_estimates_within_its_error() -> None:
    size = 4096
    for many in (20_000, 200_000):
        sketch = ["kmv", size, *hashes(range(many))[:size]]
        counted = count_hashes(sketch)
        assert counted is not None
        assert abs(counted - many) / many < 4 / size**0.5


def test_what_is_no_sketch_is_passed_over() -> None:
    assert merge_hashes([None, [1, 2], ["kmv", 10, 5]]) == ["kmv", 10, 5]
    assert merge_hashes([None]) is None
    assert count_hashes("kmv") is None
    assert read_digest([1]) is None
    assert merge_digests([{}]) is None


@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=200), st.floats(0, 100))
def test_digest_of_few_values_gives_the_nearest_rank(values: list[int], percent: float) -> None:
    read = read_digest(make_digest("long", ((value, 1) for value in values)))
    assert read is not None
    found = percentile(read[1], percent)
    ordered = sorted(values)
    assert found in ordered
    below = sum(1 for value in ordered if value <= found)
    assert below >= len(values) * percent / 100 - 1e-6
    assert rank(read[1], ordered[-1]) == len(values)


def test_compressed_digests_stay_near_the_truth() -> None:
    source = random.Random(7)
    values = [source.gauss(0, 1) for _ in range(50_000)]
    halves = [make_digest("real", ((value, 1) for value in part)) for part in (values[::2], values[1::2])]
    read = read_digest(merge_digests(halves))
    assert read is not None
    assert len(read[1]) < 4000
    values.sort()
    for percent in (1, 25, 50, 75, 99, 99.9):
        found = percentile(read[1], percent)
        assert found is not None
        place = sum(1 for value in values if value <= found) / len(values) * 100
        assert abs(place - percent) < 0.2
