"""Hours of logs in minutes: a server that hears syslog and JSON at a steady rate, and is asked meanwhile, has flat memory and loses nothing."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

from bench.test_listeners import CEF, SYSLOG
from bench.test_serve import serving
from vedette.core.datadir import DataDirectory

SECONDS = float(os.environ.get("SOAK_SECONDS", "1200"))
RATE = int(os.environ.get("SOAK_RATE", "20000"))
"""Lines a second, half of them syslog and half CEF."""
BLOCKS = 50
MEMORY = "128"
"""MiB of the engine: by default it keeps of its file what it has read, up to 4 GiB, and would not be flat before that. With 256 it has
not taken all of them by the second third."""


def megabytes_of_all(server: int) -> float:
    """The resident memory of a process and of all that it has begun, in units of 10^6 bytes."""
    done = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,rss="], capture_output=True, text=True, check=True)
    processes = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
    own, more = {server}, True
    while more:
        found = {process for process, parent, _ in processes if parent in own} - own
        own |= found
        more = bool(found)
    return sum(size for process, _, size in processes if process in own) * 1024 / 1e6


class Load:
    """What is sent, and how much of it was."""

    def __init__(self, port: int, client: httpx.Client) -> None:
        self._port = port
        self._client = client
        self.stop = threading.Event()
        self.lines = self.events = self.rows = self.queries = 0
        self.errors: list[str] = []
        self.threads = [threading.Thread(target=work) for work in (self._send_lines, self._send_json, self._ask)]

    def _send_lines(self) -> None:
        source = random.Random(1)
        size = RATE // 10
        blocks = [
            "".join(
                (SYSLOG if number % 2 else CEF).format(
                    second=number % 60, host=number % 97, pid=source.randrange(10**6), port=source.randrange(60_000)
                )
                + "\n"
                for number in range(size)
            ).encode()
            for _ in range(BLOCKS)
        ]
        with socket.create_connection(("127.0.0.1", self._port)) as connection:
            due = time.monotonic()
            while not self.stop.is_set():
                connection.sendall(source.choice(blocks))
                self.lines += size // 2
                self.events += size - size // 2
                due += 0.1
                time.sleep(max(0.0, due - time.monotonic()))

    def _send_json(self) -> None:
        number = 0
        while not self.stop.is_set():
            # long enough to be read by the process beside the server's
            rows = [{"n": number + place, "text": "x" * 200, "who": {"name": f"user{place}"}} for place in range(400)]
            answer = self._client.post("/ingest/Soak_CL", json=rows)
            if answer.status_code == 200:
                number += len(rows)
                self.rows = number
            elif answer.status_code not in (429, 503):
                self.errors.append(answer.text)
            time.sleep(0.2)

    def _ask(self) -> None:
        while not self.stop.is_set():
            for query in (
                "Syslog | where SyslogMessage has 'invalid' | count",
                "CommonSecurityLog | summarize count() by DestinationPort",
            ):
                answer = self._client.post("/api/v1/workspaces/default/query", json={"query": query})
                if answer.is_success or "Syslog" in answer.text or "CommonSecurityLog" in answer.text:
                    self.queries += 1
                else:
                    self.errors.append(answer.text)
            time.sleep(1)


@pytest.mark.soak
def test_memory_is_flat_and_nothing_is_lost(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data = tmp_path / "data"
    with serving(data, patience=60, environment={"VEDETTE_SYSLOG_TCP": str(port), "VEDETTE_LOG_MEMORY": MEMORY}) as (
        _,
        process,
    ):
        server = DataDirectory(data).server()
        assert server is not None
        with httpx.Client(
            base_url=server.url, headers={"Authorization": f"Bearer {server.token}"}, timeout=60
        ) as client:
            load = Load(port, client)
            for thread in load.threads:
                thread.start()
            sizes: list[float] = []
            begun = told = time.monotonic()
            end = begun + SECONDS
            try:
                while time.monotonic() < end:
                    time.sleep(SECONDS / 60)
                    sizes.append(megabytes_of_all(process))
                    if time.monotonic() - told >= 60:
                        told += 60
                        print(
                            f"{told - begun:.0f} s: {sizes[-1]:.0f} MB resident, {load.lines + load.events:,} lines",
                            file=sys.stderr,
                        )
            finally:
                load.stop.set()
                for thread in load.threads:
                    thread.join()
            wanted = [["CommonSecurityLog", load.events], ["Soak_CL", load.rows], ["Syslog", load.lines]]
            query = "union withsource=T Syslog, CommonSecurityLog, Soak_CL | summarize count() by T | sort by T asc"
            deadline = time.monotonic() + 120
            while (
                found := client.post("/api/v1/workspaces/default/query", json={"query": query}).json()["rows"]
            ) != wanted:
                assert time.monotonic() < deadline, (found, wanted)
                time.sleep(0.5)
            once = client.post(
                "/api/v1/workspaces/default/query", json={"query": "Soak_CL | summarize by n | count"}
            ).json()
            assert once["rows"] == [[load.rows]]
    assert not load.errors
    assert load.queries
    early, late = sorted(sizes[20:40])[10], sorted(sizes[40:])[10]  # the medians of the second and of the last third
    print(
        f"resident memory {early:.0f} MB, then {late:.0f} MB; {load.lines + load.events} lines, {load.rows} rows, {load.queries} queries",
        file=sys.stderr,
    )
    assert late < early * 1.1 + 10, sizes
