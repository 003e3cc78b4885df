"""A signal that ends the server before uvicorn listens for it."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from vedette.api.application import Application
from vedette.api.server import Server
from vedette.core.settings import load_settings


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_signal_before_the_serving_begins_ends_it(tmp_path: Path, number: signal.Signals) -> None:
    before = signal.signal(number, signal.default_int_handler)
    try:
        with Application(load_settings(data_dir=tmp_path / "data", port=0)) as application:
            Server(application, "127.0.0.1", 0).run(lambda: signal.raise_signal(number))
            assert application.directory.server() is None
        assert signal.getsignal(number) is signal.default_int_handler
    finally:
        signal.signal(number, before)
