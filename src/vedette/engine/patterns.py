"""Patterns of rows that share values: the search behind basket, autocluster and diffpatterns.

Rows are distinct rows with weights. A value that is frequent enough in a column has a number from 1; 0 stands for all
others. A pattern is closed: it names every value that all its rows share.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vedette.engine.deferred import deferred

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Codes = NDArray[np.int64]
    Weights = NDArray[np.float64]
else:
    np = deferred("numpy")
    Codes = Weights = object

Pattern = tuple[tuple[int, int], ...]
"""Pairs of a column's place and the number of a value, in the order of columns."""

MOST_PATTERNS = 20_000
"""How many patterns one search may look at."""
_NEW_ROWS = 0.5
_LEAST_CLUSTER = 0.02


class TooManyPatterns(Exception):
    """The data has more patterns than a search may look at."""


@dataclass(slots=True)
class Items:
    """Rows ready for the search: `codes` by row and column, and for each column what its numbers stand for."""

    codes: Codes
    values: list[list[object]]
    weights: Weights
    """By row, for each set of rows that is compared."""
    going_on: Callable[[], None]

    @property
    def width(self) -> int:
        """The number of columns."""
        return int(self.codes.shape[1])

    def rows_of(self, pattern: Pattern) -> NDArray[np.bool_]:
        """Which rows have the pattern's values."""
        chosen = np.ones(len(self.codes), np.bool_)
        for column, code in pattern:
            chosen &= self.codes[:, column] == code
        return chosen

    def closed(self, pattern: Pattern) -> Pattern:
        """The pattern with every further value that all its rows share."""
        found = self.codes[self.rows_of(pattern)]
        if not len(found):
            return pattern
        first = found[0]
        shared = (found == first).all(axis=0)
        return tuple((column, int(first[column])) for column in range(self.width) if shared[column] and first[column])


def encode(
    columns: Sequence[Sequence[object]], weights: Sequence[Sequence[object]], least: float, going_on: Callable[[], None]
) -> Items:
    """Rows as numbers; values of less than a share of every set of rows cannot be part of a pattern."""
    table = np.array([[float(str(value or 0)) for value in kind] for kind in weights], np.float64).T
    kept = (table > 0).any(axis=1) if len(table) else np.zeros(0, np.bool_)
    table = table[kept] if len(table) else np.zeros((0, len(weights)))
    totals = table.sum(axis=0)
    codes = np.zeros((len(table), len(columns)), np.int64)
    values: list[list[object]] = []
    places = np.flatnonzero(kept).tolist()
    for index, column in enumerate(columns):
        known: dict[object, int] = {}
        raw = np.array([known.setdefault(column[place], len(known)) for place in places], np.int64)
        frequent = np.zeros(len(known), np.bool_)
        for kind, total in enumerate(totals.tolist()):
            if total > 0 and len(known):
                sums = np.bincount(raw, table[:, kind], len(known))
                frequent |= sums >= least * total * (1 - 1e-12)
        # numbered by weight, so that the order in which rows come decides nothing
        totalled = np.bincount(raw, table.sum(axis=1), len(known)) if len(known) else np.zeros(0)
        listed = list(known)
        ranked = sorted(
            np.flatnonzero(frequent).tolist(), key=lambda place: (-float(totalled[place]), str(listed[place]))
        )
        numbers = np.zeros(len(known), np.int64)
        numbers[ranked] = np.arange(1, len(ranked) + 1)
        codes[:, index] = numbers[raw] if len(known) else 0
        values.append([None, *(listed[place] for place in ranked)])
    return Items(codes, values, table, going_on)


def frequent_patterns(items: Items, least: float, most_dimensions: int) -> Iterator[tuple[Pattern, float]]:
    """Every closed pattern that has at least a share of the weight, with its weight.

    A pattern may be made of at most so many values; those that follow from them do not count.
    """
    weights = items.weights[:, 0]
    needed = least * float(weights.sum()) * (1 - 1e-12)
    given: set[Pattern] = set()
    visited: dict[Pattern, list[tuple[int, int]]] = {}
    looked = 0

    def walk(rows: NDArray[np.int64], start: int, depth: int) -> Iterator[tuple[Pattern, float]]:
        nonlocal looked
        looked += 1
        if looked > MOST_PATTERNS:
            raise TooManyPatterns
        items.going_on()
        part, own = items.codes[rows], weights[rows]
        first = part[0]
        shared = (part == first).all(axis=0) & (first > 0)
        pattern = tuple((column, int(first[column])) for column in range(items.width) if shared[column])
        earlier = visited.setdefault(pattern, [])
        if any(column <= start and level <= depth for column, level in earlier):
            return
        earlier.append((start, depth))
        if pattern and pattern not in given:
            given.add(pattern)
            yield pattern, float(own.sum())
        if depth >= most_dimensions:
            return
        for column in range(start, items.width):
            if shared[column]:
                continue
            sums = np.bincount(part[:, column], own, len(items.values[column]))
            for code in range(1, len(sums)):
                if sums[code] >= needed and sums[code] > 0:
                    yield from walk(rows[part[:, column] == code], column + 1, depth + 1)

    if len(items.codes) and items.width:
        yield from walk(np.arange(len(items.codes)), 0, 0)


def clusters(items: Items, size_weight: float, seeds: int) -> list[tuple[Pattern, float]]:
    """Few patterns that say much of the rows: seeds are frequent values, each expanded while that raises its score.

    The score is the weighted geometric mean of a pattern's share of the rows and of what its values tell (the sum of
    their -ln of share in all rows). Of overlapping patterns the better one stays.
    """
    weights = items.weights[:, 0]
    total = float(weights.sum())
    if total <= 0 or not items.width:
        return []
    sums = [np.bincount(items.codes[:, column], weights, len(items.values[column])) for column in range(items.width)]
    singles = sorted(
        (
            (float(sums[column][code]), column, code)
            for column in range(items.width)
            for code in range(1, len(sums[column]))
        ),
        key=lambda single: (-single[0], single[1:]),
    )

    def told(column: int, code: int) -> float:
        return -math.log(min(1.0, float(sums[column][code]) / total))

    def score(share: float, information: float) -> float:
        return float(share**size_weight * information ** (1 - size_weight)) if information > 0 else 0.0

    found: dict[Pattern, float] = {}
    for weight, column, code in [single for single in singles if single[0] < total][:seeds]:
        items.going_on()
        chosen = np.flatnonzero(items.codes[:, column] == code)
        pattern, information, best = [(column, code)], told(column, code), score(weight / total, told(column, code))
        while len(pattern) < items.width:
            part, own = items.codes[chosen], weights[chosen]
            options = []
            for other in range(items.width):
                if any(other == used for used, _ in pattern):
                    continue
                counts = np.bincount(part[:, other], own, len(items.values[other]))
                for value in range(1, len(counts)):
                    if counts[value] > 0:
                        options.append((score(counts[value] / total, information + told(other, value)), other, value))
            if not options:
                break
            next_score, other, value = max(options, key=lambda option: (option[0], -option[1], -option[2]))
            if next_score < best:
                break
            best, information = next_score, information + told(other, value)
            pattern.append((other, value))
            chosen = chosen[items.codes[chosen, other] == value]
        found[items.closed(tuple(sorted(pattern)))] = best
    covered = np.zeros(len(items.codes), np.bool_)
    result: list[tuple[Pattern, float]] = []
    for made, _ in sorted(found.items(), key=lambda entry: (-entry[1], entry[0])):
        rows = items.rows_of(made)
        whole, new = float(weights[rows].sum()), float(weights[rows & ~covered].sum())
        if new >= _NEW_ROWS * whole and new >= _LEAST_CLUSTER * total:
            covered |= rows
            result.append((made, whole))
    if not result:
        # rows that are all alike are one cluster
        everything = items.closed(())
        return [(everything, total)] if everything else []
    return result


def differences(
    items: Items, threshold: float, most_dimensions: int, least_values: int = 1
) -> list[tuple[Pattern, float, float]]:
    """Patterns whose shares of two sets of rows differ, each with its weights in both.

    The one that differs most comes first; each further one differs most among the rows that those before it leave, by
    the threshold or more there too.
    """
    totals = items.weights.sum(axis=0)
    shares = items.weights / np.where(totals > 0, totals, 1)
    left = np.ones(len(items.codes), np.bool_)
    result: list[tuple[Pattern, float, float]] = []
    refused: set[Pattern] = set()
    while True:
        best = _most_different(items, shares, left, threshold, most_dimensions, least_values, refused)
        if best is None:
            return result
        rows = items.rows_of(best)
        first, second = shares[rows].sum(axis=0).tolist()
        here, there = shares[rows & left].sum(axis=0).tolist()
        refused.add(best)
        # of all rows it must differ in the same direction as of those that are left
        if abs(first - second) >= threshold * (1 - 1e-12) and (first > second) == (here > there):
            left &= ~rows
            weights = items.weights[rows].sum(axis=0).tolist()
            result.append((best, weights[0], weights[1]))


def _most_different(
    items: Items, shares: Weights, left: NDArray[np.bool_], threshold: float, most_dimensions: int, least_values: int,
    refused: set[Pattern],
) -> Pattern | None:  # fmt: skip
    """The pattern whose shares of the rows that are left differ most; branches that cannot beat the best are cut."""
    found: Pattern | None = None
    bar = threshold * (1 - 1e-12)
    looked = 0

    def walk(rows: NDArray[np.int64], pattern: Pattern, start: int) -> None:
        nonlocal found, bar, looked
        looked += 1
        if looked > MOST_PATTERNS:
            raise TooManyPatterns
        items.going_on()
        part, own = items.codes[rows], shares[rows]
        options = []
        for column in range(start, items.width):
            if any(column == used for used, _ in pattern):
                continue
            a = np.bincount(part[:, column], own[:, 0], len(items.values[column]))
            b = np.bincount(part[:, column], own[:, 1], len(items.values[column]))
            for code in np.flatnonzero(np.maximum(a, b) >= bar).tolist():
                if code:
                    options.append((float(abs(a[code] - b[code])), float(max(a[code], b[code])), column, code))
        options.sort(key=lambda option: (-option[0], option[2:]))
        for difference, _, column, code in options:
            # equal differences keep the pattern found first, which has fewer values
            if difference > bar * (1 + 1e-12) or (found is None and difference >= bar):
                whole = items.closed((*pattern, (column, code)))
                if len(whole) >= least_values and whole not in refused:
                    found, bar = whole, difference
        if len(pattern) + 1 >= most_dimensions:
            return
        for _, bound, column, code in options:
            if bound > bar * (1 + 1e-12) or (found is None and bound >= bar):
                walk(rows[part[:, column] == code], tuple(sorted((*pattern, (column, code)))), column + 1)

    rows = np.flatnonzero(left)
    if len(rows):
        walk(rows, (), 0)
    return found
