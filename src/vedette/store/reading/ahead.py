"""Reading ahead: the next part of a file comes from the disk, and out of its compression, while the one before is made sense of.

Who reads ahead stands behind the others: one thread stores all rows, which takes the longest, and whenever it waits for a processor the
whole takes longer.
"""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any, TypeVar

from vedette.core.priority import WAITED_FOR_LATER, step_back

T = TypeVar("T")


def _a_thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "vedette-read", initializer=step_back, initargs=(WAITED_FOR_LATER,))


def ahead(items: Generator[T, Any, Any]) -> Generator[T]:
    """The items, each made in another thread while the caller has the one before; what making one raises is raised here."""
    with closing(items), _a_thread() as pool:
        waiting = pool.submit(next, items, None)
        while (item := waiting.result()) is not None:
            waiting = pool.submit(next, items, None)
            yield item
