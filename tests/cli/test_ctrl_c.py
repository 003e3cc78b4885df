"""Ctrl-C wherever it meets a command: in what the engine calls, and where somebody has taken it for an error."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator

import duckdb
import pytest

from vedette.cli.opening import heed_ctrl_c, interruptible
from vedette.cli.progress import DelayedBar


class Pressed:
    """Rows during whose reading somebody presses Ctrl-C."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        signal.raise_signal(signal.SIGINT)
        raise AssertionError


@pytest.fixture(autouse=True)
def heard() -> Iterator[None]:
    """These tests hear Ctrl-C, even where a shell in the background has started them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    signal.signal(signal.SIGINT, before)


def read() -> None:
    with duckdb.connect() as engine:
        engine.register("pressed", Pressed())
        engine.execute("SELECT * FROM pressed")


def test_what_the_engine_makes_an_error_of_it_stays_ctrl_c() -> None:
    with pytest.raises(KeyboardInterrupt), interruptible():
        read()
    with pytest.raises(KeyboardInterrupt), interruptible(), interruptible():  # the inner block tells its caller, too
        read()


def test_what_was_taken_for_an_error_is_heard_at_the_next_step() -> None:
    with pytest.raises(KeyboardInterrupt), interruptible(), DelayedBar("work") as bar:
        bar.update("work", 1, 2)
        with contextlib.suppress(duckdb.Error):
            read()
        bar.update("work", 2, 2)
        raise AssertionError
    heed_ctrl_c()  # it was that command's


def test_an_error_without_ctrl_c_is_an_error() -> None:
    with pytest.raises(duckdb.Error), interruptible(), duckdb.connect() as engine:
        engine.execute("SELECT * FROM nowhere")
