"""The command in this process, over a data directory that nobody else holds or that a server holds."""

from __future__ import annotations

import io
import json
import logging
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import campaign
from vedette.api.application import Application
from vedette.api.server import Server
from vedette.cli.main import main
from vedette.core.settings import load_settings


@dataclass
class Done:
    """What a command did."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)

    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


Command = Callable[..., Done]


@pytest.fixture
def vedette(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs `vedette` through its entry point; no error may end in a traceback, or in the sentence for faults."""

    def run(*arguments: object, stdin: str = "") -> Done:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["vedette", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8"))
        root = logging.getLogger()
        handlers, level = root.handlers[:], root.level
        heeded = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            with pytest.raises(SystemExit) as ended:
                main()
        finally:  # what `serve` sets up writes to this test's standard error, which is closed after it
            root.handlers[:] = handlers
            root.setLevel(level)
            for number, handler in heeded.items():  # nor is what a command does about signals for other tests
                signal.signal(number, handler)
        caught = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        assert "Traceback" not in caught.err + caught.out
        assert "failed where it should not" not in caught.err + caught.out
        return Done(ended.value.code, caught.out, caught.err)

    return run


@pytest.fixture(params=["alone", "served"])
def data(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A data directory, once held by nobody and once by a running server."""
    folder = tmp_path / "data"
    if request.param == "alone":
        yield folder
        return
    with Application(load_settings(data_dir=folder)) as application:
        server = Server(application, "127.0.0.1", 0)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        deadline = time.monotonic() + 60
        while application.directory.server() is None:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield folder
        server.stop()
        thread.join(timeout=60)
        assert not thread.is_alive()


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """The files of the small campaign: logs and rules."""
    return campaign(tmp_path / "files")


@pytest.fixture
def filled(vedette: Command, data: Path, files: tuple[Path, Path]) -> Path:
    """A data directory with the campaign's logs and rule."""
    logs, rules = files
    assert vedette("load", logs, "--data", data).code == 0
    assert vedette("rules", "import", rules, "--data", data).code == 0
    return data
