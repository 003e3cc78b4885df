"""What tests leave in the process that runs them: a store that is not closed keeps processes beside it, which later tests share."""

from __future__ import annotations

import sys
from collections.abc import Generator

import pytest

SHARED = (("vedette.store.many", "_HELPER"), ("vedette.store.terms.beside", "_COMPANION"))
"""What all stores of a process have in common, in modules that are looked at where something has imported them."""
_at_first = 0
"""Users when the first test of the folder at hand began."""
_lately = 0
"""Users after the test before."""
_opening: list[str] = []
"""Tests of that folder after which there were more of them than before."""


def users() -> int:
    """How many stores use something that all have in common."""
    return sum(getattr(sys.modules[name], what)._users for name, what in SHARED if name in sys.modules)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None]:
    """When all that was made for a folder's tests has ended, no store should be open that was opened there: the summary warns of one.

    A failure would stop everybody, where what was left harms nobody but perhaps a later test.
    """
    global _at_first, _lately
    yield
    before, _lately = _lately, users()
    if _lately > before:
        _opening.append(item.nodeid)
    if nextitem is None or nextitem.path.parent != item.path.parent:
        left, suspects = _lately - _at_first, ", ".join(_opening)
        _at_first = _lately
        _opening.clear()
        if left > 0:
            item.warn(pytest.PytestWarning(f"a store is still open that was opened in one of {suspects}"))
