"""How soon `vedette serve` answers, and what it weighs at rest."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

pytestmark = pytest.mark.bench
ROOT = Path(__file__).resolve().parents[1]
COMMAND = [sys.executable, "-c", "import sys; from vedette.cli.main import main; sys.exit(main())"]
Record = Callable[[str, float, float, str], None]
REST_SECONDS = 20


@contextmanager
def serving(
    data: Path, *options: str, patience: float, environment: Mapping[str, str] | None = None
) -> Iterator[tuple[float, int]]:
    """Starts a server; gives the seconds until it answered, and its process id. Ends it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    own = {name: value for name, value in os.environ.items() if not name.startswith("VEDETTE_")}
    own |= {"PYTHONPATH": str(ROOT / "src"), **(environment or {})}
    log = data.parent / "server.log"
    with log.open("ab") as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            [*COMMAND, "serve", "--data", str(data), "--port", str(port), *options],
            env=own, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip
    try:
        while True:
            waited = time.perf_counter() - started
            assert process.poll() is None, f"the server ended by itself: {log.read_text(errors='replace')[-2000:]}"
            assert waited < patience, f"no answer after {waited:.0f} s: {log.read_text(errors='replace')[-2000:]}"
            try:
                if httpx.get(f"http://127.0.0.1:{port}/api/v1/health", timeout=2).is_success:
                    break
            except httpx.TransportError:
                pass
            time.sleep(0.02)
        yield time.perf_counter() - started, process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def resident_megabytes(process_id: int) -> float:
    """The resident memory of a process in units of 10^6 bytes."""
    done = subprocess.run(["ps", "-o", "rss=", "-p", str(process_id)], capture_output=True, text=True, check=True)
    return int(done.stdout) * 1024 / 1e6


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """A data directory that `serve --demo` made, and the seconds that took."""
    data = tmp_path_factory.mktemp("serve") / "data"
    with serving(data, "--demo", patience=180) as (seconds, _):
        pass
    return data, seconds


def test_the_demo_answers_soon(demo: tuple[Path, float], record: Record) -> None:
    record("`vedette serve --demo` on a new data directory, until it answers", demo[1], 60, "s")


def test_an_existing_directory_answers_soon(demo: tuple[Path, float], record: Record) -> None:
    seconds = []
    for _ in range(3):
        with serving(demo[0], patience=60) as (waited, _process):
            seconds.append(waited)
    record("`vedette serve` on an existing data directory, until it answers", sorted(seconds)[1], 2, "s")


def test_a_server_at_rest_is_small(demo: tuple[Path, float], record: Record) -> None:
    with serving(demo[0], patience=60) as (_, process):
        time.sleep(REST_SECONDS)
        record("`vedette serve` at rest, resident memory", resident_megabytes(process), 300, "MB")
