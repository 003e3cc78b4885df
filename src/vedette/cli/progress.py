"""A progress bar for what takes more than a second, on standard error."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from vedette.cli.opening import heed_ctrl_c

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

DELAY: Final = 1.0
"""Seconds after which the bar appears."""


class DelayedBar:
    """A bar that appears once its block has taken a second, and is gone at the block's end.

    Until a total is known it only shows that work goes on. Where standard error is no terminal nothing is shown.
    """

    def __init__(self, description: str, *, size: bool = False) -> None:
        """`size`: what is counted are bytes."""
        self._description = description
        self._size = size
        self._guard = threading.Lock()
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._state: tuple[str, float, float | None] = (description, 0, None)
        self._ended = False
        self._timer = threading.Timer(DELAY, self._appear)
        self._timer.daemon = True

    def update(self, description: str, done: float, total: float | None) -> None:
        """How far the work is. Raises KeyboardInterrupt where Ctrl-C was pressed and the work has not noticed."""
        heed_ctrl_c()
        with self._guard:
            self._state = (description, done, total)
            self._show()

    def _appear(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        console = Console(stderr=True)
        if not console.is_terminal:
            return
        with self._guard:
            if self._ended:
                return
            counts = DownloadColumn() if self._size else MofNCompleteColumn()
            self._bar = Progress(
                TextColumn("{task.description}", markup=False), BarColumn(), counts, TimeElapsedColumn(),
                console=console, transient=True,
            )  # fmt: skip
            self._task = self._bar.add_task(self._description, total=None)
            self._show()
            self._bar.start()

    def _show(self) -> None:
        if self._bar is not None and self._task is not None:
            description, done, total = self._state
            self._bar.update(self._task, description=description, completed=done, total=total)

    def __enter__(self) -> DelayedBar:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._guard:
            self._ended = True
            if self._bar is not None:
                self._bar.stop()
        self._timer.join()
