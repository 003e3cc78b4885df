"""Patterns of rows that share values: the search behind basket, autocluster and diffpatterns.

Rows are distinct rows with weights. A value that is frequent enough in a column has a number from 1; 0 stands for all
others. A pattern is closed: it names every value that all its rows share.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from vedette.core.deferred import deferred
from vedette.kql.node import node

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


@node
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

    def line(self) -> tuple[Codes, Codes]:
        """The numbers of all columns in one line: the place of each column's 0, and the column of each place."""
        sizes = [len(known) for known in self.values]
        return np.cumsum([0, *sizes])[:-1].astype(np.int64), np.repeat(np.arange(self.width), sizes)

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


def _sums(places: Codes, weights: Weights, size: int) -> Weights:
    """The weight of every value of every column: one count over all of them, since a count has a price of its own."""
    if (weights == 1).all():
        return np.bincount(places.ravel(), minlength=size).astype(np.float64)
    return np.bincount(places.ravel(), np.repeat(weights, places.shape[1]), size).astype(np.float64, copy=False)


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
    if len(codes) and columns:
        # rows that differ only in rare values are the same to every search
        codes, same = np.unique(codes, axis=0, return_inverse=True)
        same = same.ravel()
        table = np.stack([np.bincount(same, kind, len(codes)) for kind in table.T], axis=1)
    return Items(codes, values, table, going_on)


def frequent_patterns(items: Items, least: float, most_dimensions: int) -> Iterator[tuple[Pattern, float]]:
    """Every closed pattern that has at least a share of the weight, with its weight.

    A pattern may be made of at most so many values; those that follow from them do not count.
    """
    weights = items.weights[:, 0]
    needed = least * float(weights.sum()) * (1 - 1e-12)
    starts, column_of = items.line()
    given: set[Pattern] = set()
    visited: dict[tuple[float, complex], list[tuple[int, int]]] = {}
    looked = 0

    def walk(
        part: Codes, own: Weights, marks: NDArray[np.complex128], open_: Codes, above: Pattern, start: int, depth: int
    ) -> Iterator[tuple[Pattern, float]]:
        """The rows of a pattern: places in the columns in which they may differ, weights, marks; what they share above."""
        nonlocal looked
        looked += 1
        if looked > MOST_PATTERNS:
            raise TooManyPatterns
        items.going_on()
        alike = (part == part[0]).all(axis=0)
        shared = zip(open_[alike].tolist(), (part[0] - starts[open_])[alike].tolist(), strict=True)
        pattern = tuple(sorted((*above, *((column, code) for column, code in shared if code))))
        if pattern and pattern not in given:
            given.add(pattern)
            yield pattern, float(own.sum())
        if depth >= most_dimensions or alike.all():
            return
        open_, part = open_[~alike], part[:, ~alike]
        first = int(np.searchsorted(open_, start))
        sums = _sums(part[:, first:], own, len(column_of))
        sums[starts] = 0
        for item in np.flatnonzero((sums >= needed) & (sums > 0)).tolist():
            column = int(column_of[item])
            rows = np.flatnonzero(part[:, np.searchsorted(open_, column)] == item)
            # the sum of the rows' random marks tells the set that they are
            earlier = visited.setdefault((float(sums[item]), complex(marks[rows].sum())), [])
            if all(begun > column + 1 or level > depth + 1 for begun, level in earlier):
                earlier.append((column + 1, depth + 1))
                yield from walk(part[rows], own[rows], marks[rows], open_, pattern, column + 1, depth + 1)

    if len(items.codes) and items.width:
        random = np.random.default_rng(0).integers(0, 2**32, (2, len(items.codes))).astype(np.float64)
        marks = random[0] + 1j * random[1]
        yield from walk(items.codes + starts, weights, marks, np.arange(items.width), (), 0, 0)


def clusters(items: Items, size_weight: float, seeds: int) -> list[tuple[Pattern, float]]:
    """Few patterns that say much of the rows: seeds are frequent values, each expanded while that raises its score.

    The score is the weighted geometric mean of a pattern's share of the rows and of what its values tell (the sum of
    their -ln of share in all rows). Of overlapping patterns the better one stays.
    """
    weights = items.weights[:, 0]
    total = float(weights.sum())
    if total <= 0 or not items.width:
        return []
    starts, column_of = items.line()
    size = len(column_of)
    places = items.codes + starts
    sums = _sums(places, weights, size)
    # what a value tells; one that all rows have tells nothing, and number 0 is no value
    told = -np.log(np.minimum(1.0, sums / total), where=sums > 0, out=np.zeros(size))
    usable = (sums > 0) & (sums < total)
    usable[starts] = False
    varying = np.unique(column_of[usable])
    singles = sorted(np.flatnonzero(usable).tolist(), key=lambda item: (-float(sums[item]), item))

    def score(share: Weights, information: Weights) -> Weights:
        return share**size_weight * information ** (1 - size_weight)

    found: dict[Pattern, float] = {}
    for seed in singles[:seeds]:
        items.going_on()
        pattern = [seed]
        left = varying[varying != column_of[seed]]
        chosen = np.flatnonzero(places[:, column_of[seed]] == seed)
        information = float(told[seed])
        best = float(score(sums[seed] / total, told[seed]))
        while len(left):
            counts = _sums(places[np.ix_(chosen, left)], weights[chosen], size)
            scores = np.where(usable & (counts > 0), score(counts / total, information + told), -1.0)
            item = int(scores.argmax())
            if scores[item] < max(best, 0.0):
                break
            best, information = float(scores[item]), information + float(told[item])
            pattern.append(item)
            chosen = chosen[places[chosen, column_of[item]] == item]
            left = left[left != column_of[item]]
        pairs = sorted((int(column_of[item]), item - int(starts[column_of[item]])) for item in pattern)
        found[items.closed(tuple(pairs))] = best
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
    starts, column_of = items.line()
    size = len(column_of)
    places = items.codes + starts

    def walk(rows: NDArray[np.int64], pattern: Pattern, start: int) -> None:
        nonlocal found, bar, looked
        looked += 1
        if looked > MOST_PATTERNS:
            raise TooManyPatterns
        items.going_on()
        own = shares[rows]
        free = [column for column in range(start, items.width) if all(column != used for used, _ in pattern)]
        part = places[np.ix_(rows, np.array(free, np.int64))]
        a, b = (_sums(part, own[:, side], size) for side in (0, 1))
        options = []
        for item in np.flatnonzero(np.maximum(a, b) >= bar).tolist():
            column = int(column_of[item])
            code = item - int(starts[column])
            if code:
                # what differs in its last digit alone is equal
                difference = round(float(abs(a[item] - b[item])), 12)
                options.append((difference, float(max(a[item], b[item])), column, code))
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
                walk(rows[items.codes[rows, column] == code], tuple(sorted((*pattern, (column, code)))), column + 1)

    rows = np.flatnonzero(left)
    if len(rows):
        walk(rows, (), 0)
    return found
