"""A process that collects on a fast clock: `python -m tests.collect.collecting DIR URL CA EPOCH`, until it gets SIGTERM.

`EPOCH` is the moment (seconds since 1970, of the machine) at which the fast clock stood at `START`.
"""

from __future__ import annotations

import functools
import logging
import signal
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.plugins.fake_tenant import START
from vedette.api.application import Application
from vedette.clients.azure_cloud import local_cloud
from vedette.collect.connectors import registry
from vedette.core.settings import load_settings

SPEED = 600


class FastClock:
    """A clock that runs `SPEED` times as fast as the machine's, in every process that is told the same epoch."""

    def __init__(self, epoch: float) -> None:
        self.epoch = epoch

    def now(self) -> datetime:
        return START.astimezone(UTC) + timedelta(seconds=(time.time() - self.epoch) * SPEED)

    def monotonic(self) -> float:
        return time.monotonic() * SPEED

    def sleep(self, seconds: float) -> None:
        time.sleep(max(0.0, seconds) / SPEED)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return event.wait(max(0.0, seconds) / SPEED)


def main() -> None:
    folder, url, ca, epoch = sys.argv[1:]
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="[%(levelname)s] %(name)s: %(message)s")
    registry.AzureSecurity = functools.partial(registry.AzureSecurity, alerts_page=50)  # type: ignore[misc,assignment]
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with Application(
        load_settings(data_dir=Path(folder)), FastClock(float(epoch)), clouds={"Local": local_cloud(url, Path(ca))}
    ) as application:
        print("collecting", flush=True)
        collector = threading.Thread(target=application.collector.run, args=(stop,))
        collector.start()
        while not stop.wait(0.05):
            sys.stdout.flush()
        application.collector.wake()
        collector.join()
    print("ended", flush=True)


if __name__ == "__main__":
    main()
