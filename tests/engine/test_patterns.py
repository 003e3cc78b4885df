"""The searches behind basket and autocluster against what trying everything finds."""

from __future__ import annotations

import math
import random
from itertools import combinations, product

import pytest

from vedette.engine.patterns import Items, Pattern, clusters, encode, frequent_patterns

Shown = tuple[tuple[int, object], ...]


def rows_of(seed: int) -> tuple[list[list[object]], list[float]]:
    """Columns of a few values, some of them alike, and the weights of the rows."""
    draw = random.Random(seed)
    count, width, most = draw.randint(1, 30), draw.randint(1, 5), draw.randint(1, 3)
    columns: list[list[object]] = [[str(draw.randint(0, most)) for _ in range(count)] for _ in range(width)]
    columns.append(list(columns[0]))
    return columns, [float(draw.randint(0, 4)) for _ in range(count)]


def shown(items: Items, pattern: Pattern) -> Shown:
    return tuple((column, items.values[column][code]) for column, code in pattern)


def tried(columns: list[list[object]], weights: list[float], least: float, most: int) -> dict[Shown, float]:
    """Every pattern of at most so many values, closed, with its weight."""
    rows = [place for place, weight in enumerate(weights) if weight > 0]
    total, found = sum(weights), {}
    for size in range(most + 1):
        for chosen in combinations(range(len(columns)), size):
            for values in product(*({columns[column][row] for row in rows} for column in chosen)):
                have = [row for row in rows if all(columns[c][row] == v for c, v in zip(chosen, values, strict=True))]
                weight = sum(weights[row] for row in have)
                if have and weight >= least * total * (1 - 1e-12):
                    alike = [c for c in range(len(columns)) if len({columns[c][row] for row in have}) == 1]
                    found[tuple((c, columns[c][have[0]]) for c in alike)] = weight
    found.pop((), None)
    return found


@pytest.mark.parametrize("seed", range(60))
def test_every_frequent_pattern_is_found_once(seed: int) -> None:
    columns, weights = rows_of(seed)
    least, most = random.Random(-seed).choice([(0.05, 2), (0.2, 3), (0.3, 1)])
    items = encode(columns, [weights], least, lambda: None)
    found = list(frequent_patterns(items, least, most))
    assert len({pattern for pattern, _ in found}) == len(found)
    assert {shown(items, pattern): weight for pattern, weight in found} == tried(columns, weights, least, most)


def test_a_hundred_columns_that_say_the_same_are_looked_at_once() -> None:
    looked = 0

    def count() -> None:
        nonlocal looked
        looked += 1

    one: list[object] = [f"{row % 7}" for row in range(200)]
    items = encode([list(one) for _ in range(100)], [[1.0] * 200], 0.05, count)
    assert len(list(frequent_patterns(items, 0.05, 5))) == 7
    assert looked < 20


@pytest.mark.parametrize("seed", range(20))
def test_clusters_are_patterns_of_rows_that_are_there(seed: int) -> None:
    columns, weights = rows_of(seed)
    items = encode(columns, [weights], 0.001, lambda: None)
    covered: set[int] = set()
    for pattern, weight in clusters(items, 0.5, 25):
        values = shown(items, pattern)
        have = {row for row, own in enumerate(weights) if own and all(columns[c][row] == v for c, v in values)}
        assert math.isclose(weight, sum(weights[row] for row in have))
        # at least half of a cluster is in none before it
        assert sum(weights[row] for row in have - covered) >= 0.5 * weight
        covered |= have
