"""Reading ahead: the next part of a file comes from the disk, and out of its compression, while the one before is made sense of."""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any, TypeVar

T = TypeVar("T")


def ahead(items: Generator[T, Any, Any]) -> Generator[T]:
    """The items, each made in another thread while the caller has the one before; what making one raises is raised here."""
    with closing(items), ThreadPoolExecutor(1, thread_name_prefix="vedette-read") as pool:
        waiting = pool.submit(next, items, None)
        while (item := waiting.result()) is not None:
            waiting = pool.submit(next, items, None)
            yield item
