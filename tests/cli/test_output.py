"""What the tables of the command line hold."""

from __future__ import annotations

import pytest

from vedette.cli.output import listed


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b", "c", "d", "e"], "a, b, c, d, e"),
        (["a", "b", "c", "d", "e", "f", "g"], "a, b, c, d, e and 2 more"),
    ],
)
def test_a_cell_names_some_and_counts_the_others(names: list[str], said: str) -> None:
    assert listed(names) == said
