"""Summaries of many values that can be stored and merged: for counts of distinct values and for percentiles.

Distinct counts keep the least hashes (a k-minimum-values sketch: exact up to k values, then a relative error of
about 1/sqrt(k)). Percentiles keep weighted points (a t-digest: exact while the points are few, then merged with more
detail at both ends). As dynamic values they are arrays: `["kmv", k, hash, ...]` and
`["tdigest", type, [value, weight], ...]`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

HASH_SPAN = 2**63
SIZES = {0: 4096, 1: 16384, 2: 65536, 3: 131072, 4: 262144}
"""Hashes kept for each accuracy that hll() may be asked for; the documented errors are 1.6 %, 0.8 %, 0.4 %, 0.28 %, 0.2 %."""
_POINTS = 2048
_DETAIL = 1000.0


def is_hashes(value: object) -> bool:
    """Whether a dynamic value is a sketch of distinct values."""
    return isinstance(value, list) and len(value) >= 2 and value[0] == "kmv" and isinstance(value[1], int)


def merge_hashes(sketches: Iterable[object]) -> object:
    """One sketch of several, as exact as the least exact; None where none of them is a sketch."""
    size: int | None = None
    found: set[int] = set()
    for sketch in sketches:
        if isinstance(sketch, list) and is_hashes(sketch):
            size = sketch[1] if size is None else min(size, sketch[1])
            found.update(sketch[2:])
    return None if size is None else ["kmv", size, *sorted(found)[:size]]


def count_hashes(sketch: object) -> int | None:
    """How many distinct values a sketch has seen."""
    if not isinstance(sketch, list) or not is_hashes(sketch):
        return None
    size: int = sketch[1]
    hashes: list[int] = sketch[2:]
    if len(hashes) < size:
        return len(hashes)
    return round((size - 1) * HASH_SPAN / hashes[size - 1])


def common_hashes(sketches: Iterable[object]) -> int | None:
    """How many values all sketches have seen: their share of the least hashes of all, of the values of all.

    None where one of them is no sketch.
    """
    known = list(sketches)
    if not all(map(is_hashes, known)):
        return None
    parts = [set(sketch[2:]) for sketch in known if isinstance(sketch, list)]
    whole = merge_hashes(known)
    seen = count_hashes(whole)
    if seen is None or not isinstance(whole, list) or len(whole) == 2:
        return seen
    least = whole[2:]
    shared = sum(1 for value in least if all(value in part for part in parts))
    return shared if len(least) < whole[1] else round(seen * shared / len(least))


# -- percentiles


def make_digest(kind: str, pairs: Iterable[tuple[float, float]]) -> list[object]:
    """A digest of values with their weights."""
    weights: dict[float, float] = {}
    for value, weight in pairs:
        if weight > 0:
            weights[value] = weights.get(value, 0) + weight
    points = sorted(weights.items())
    if len(points) > _POINTS:
        points = _compressed(points)
    return ["tdigest", kind, *([value, weight] for value, weight in points)]


def _compressed(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Neighbours joined while they span one step of the scale, whose steps are short near both ends."""
    total = math.fsum(weight for _, weight in points)

    def scale(share: float) -> float:
        return _DETAIL / (2 * math.pi) * math.asin(min(max(2 * share - 1, -1.0), 1.0))

    joined: list[tuple[float, float]] = []
    value, weight = points[0]
    before = 0.0
    for next_value, next_weight in points[1:]:
        if scale((before + weight + next_weight) / total) - scale(before / total) <= 1:
            value += (next_value - value) * next_weight / (weight + next_weight)
            weight += next_weight
        else:
            joined.append((value, weight))
            before += weight
            value, weight = next_value, next_weight
    return [*joined, (value, weight)]


def read_digest(value: object) -> tuple[str, list[tuple[float, float]]] | None:
    """A digest's type and points; None where a dynamic value is no digest."""
    if not isinstance(value, list) or len(value) < 2 or value[0] != "tdigest":
        return None
    return value[1], [(point[0], point[1]) for point in value[2:]]


def merge_digests(digests: Iterable[object]) -> object:
    """One digest of several; None where none of them is a digest."""
    known = [read for read in map(read_digest, digests) if read is not None]
    return make_digest(known[0][0], (point for _, points in known for point in points)) if known else None


def percentile(points: list[tuple[float, float]], percent: float) -> float | None:
    """The percentile by nearest rank."""
    target = math.fsum(weight for _, weight in points) * min(max(percent, 0.0), 100.0) / 100.0
    reached = 0.0
    for value, weight in points:
        reached += weight
        if reached >= target:
            return value
    return points[-1][0] if points else None


def rank(points: list[tuple[float, float]], value: float) -> float:
    """The weight of all values up to one."""
    return math.fsum(weight for point, weight in points if point <= value)
