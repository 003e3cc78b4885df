"""What was found beside what is found now: which rows are gone and which are new, as far as they were kept."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from vedette.incidents.as_found import Difference, Found, difference


def found(rows: Sequence[int], count: int | None = None, *, hashes: tuple[str, ...] = ("h",)) -> Found:
    return Found((("N", "long"),), tuple({"N": row} for row in rows), len(rows) if count is None else count, hashes)


@pytest.mark.parametrize(
    ("then", "now", "expected"),
    [
        (found([1, 2]), found([1, 2]), Difference((), (), True)),
        (found([2, 1]), found([1, 2], hashes=("other",)), Difference((), (), True)),
        (found([1, 1, 2]), found([1, 2, 3]), Difference((1,), (2,), False)),
        (found([1]), found([]), Difference((0,), (), False)),
        (found([]), found([]), Difference((), (), True)),
        # what was not kept cannot be compared row by row; the hash is over all rows
        (found([1, 2], 40), found([1, 2, 3], 40), Difference((), (), True)),
        (found([1, 2], 40), found([1, 2, 3], 40, hashes=("other",)), Difference((), (), False)),
        (found([1, 2], 40), found([1, 3], 2), Difference((1,), (), False)),
        (found([1, 2], 40), found([1, 3], 41), Difference((), (), False)),
        (found([1], 150, hashes=("a", "b")), found([1], 150, hashes=("c",)), Difference((), (), None)),
    ],
)
def test_differences_are_told_where_they_are_certain(then: Found, now: Found, expected: Difference) -> None:
    assert difference(then, now) == expected
