"""How long readers wait while rows come in, beside how long they wait at rest.

The tables have `STORED` rows before, so that what comes in meanwhile changes little (a test with few rows shows how it is where a
query takes hardly more than the call); "at rest" is the mean of before and after. Who sends is a process of its own. Rest and work
take turns, `TURNS` times: the ratio is the median of theirs.
"""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import httpx
import pytest

from bench.test_ingest import ROWS, sign_ins
from bench.test_listeners import free_port, lines_of, send
from bench.test_serve import COMMAND, serving
from vedette.core.datadir import DataDirectory

pytestmark = pytest.mark.bench
Record = Callable[[str, float, float, str], None]
LINES_A_SECOND = 25_000
"""Half of the lines that the listeners are promised to take."""
STORED = 1_000_000
TURNS, SECONDS = 3, 10
SIGN_INS = (
    "SigninLogs | where ResultType == '50126' | summarize count() by UserPrincipalName | top 10 by count_",
    "SigninLogs | where IPAddress == '203.0.17.4' | project TimeGenerated, UserPrincipalName, tostring(DeviceDetail.browser)",
    "SigninLogs | summarize count() by bin(TimeGenerated, 1d), Location",
)
MESSAGES = (
    "Syslog | where HostName == 'web17' | summarize count() by SeverityLevel",
    "Syslog | where SyslogMessage has 'u7' | take 20",
    "Syslog | summarize count() by Facility, bin(TimeGenerated, 1m)",
)
SEND_JSON = """
import http.client, itertools, sys, time
from urllib.parse import urlsplit
url, token, pause, folder = urlsplit(sys.argv[1]), sys.argv[2], float(sys.argv[3]), sys.argv[4]
bodies = [open(f"{folder}/{number}.json", "rb").read() for number in range(int(sys.argv[5]))]
connection = http.client.HTTPConnection(url.hostname, url.port)
due = time.perf_counter()
for body in itertools.cycle(bodies):
    time.sleep(max(0.0, due - time.perf_counter()))
    connection.request("POST", "/ingest/SigninLogs", body, {"Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    assert answer.status < 300, answer.read()
    answer.read()
    due += pause
"""
SEND_LINES = """
import socket, sys, time
port, a_second, lines = int(sys.argv[1]), int(sys.argv[2]), sys.stdin.buffer.read()
pause = lines.count(b"\\n") / a_second
with socket.create_connection(("127.0.0.1", port)) as connection:
    due = time.perf_counter()
    while True:
        time.sleep(max(0.0, due - time.perf_counter()))
        connection.sendall(lines)
        due += pause
"""


@contextmanager
def sending(script: str, *arguments: str, text: bytes = b"") -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-c", script, *arguments], stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(text)
    process.stdin.close()
    try:
        yield
        assert process.poll() is None, "the sender ended by itself"
    finally:
        process.terminate()
        process.wait(30)


class Reader:
    """An analyst's client, which asks one query after the other."""

    def __init__(self, client: httpx.Client, queries: Sequence[str]) -> None:
        self._client = client
        self._queries = queries

    def p95(self) -> float:
        times: list[float] = []
        end = time.perf_counter() + SECONDS
        while time.perf_counter() < end:
            for query in self._queries:
                begun = time.perf_counter()
                answer = self._client.post("/api/v1/workspaces/default/query", json={"query": query})
                times.append(time.perf_counter() - begun)
                assert answer.is_success, answer.text
        return sorted(times)[int(len(times) * 0.95)]

    def rows(self, table: str) -> int:
        answer = self._client.post("/api/v1/workspaces/default/query", json={"query": f"{table} | count"})
        count: int = answer.json()["rows"][0][0]
        return count

    def settle(self) -> None:
        while self._client.get("/api/v1/workspaces/default/ingestion/stats").json()["waitingRows"]:
            time.sleep(0.02)

    def compare(
        self, what: str, table: str, sender: Callable[[], AbstractContextManager[None]], record: Record
    ) -> None:
        self.p95()  # what is read the first time is not the rest
        rests, ratios = [self.p95()], []
        for _ in range(TURNS):
            had, began = self.rows(table), time.perf_counter()
            with sender():
                busy = self.p95()
            self.settle()
            came = (self.rows(table) - had) / (time.perf_counter() - began)
            rests.append(self.p95())
            ratios.append(busy / ((rests[-2] + rests[-1]) / 2))
            print(f"{what}: readers' p95 {rests[-2] * 1e3:.1f} ms at rest, {busy * 1e3:.1f} ms while {came:,.0f} rows/s came in, "
                  f"{rests[-1] * 1e3:.1f} ms at rest")  # fmt: skip
        record(f"readers' p95 while {what}, against at rest", statistics.median(ratios), 2, "times")


@pytest.mark.parametrize("rows", [0, STORED])
def test_json_at_half_of_what_is_possible(tmp_path: Path, record: Record, rows: int) -> None:
    source = random.Random(7)
    folder = tmp_path / "bodies"
    folder.mkdir()
    bodies = [json.dumps(sign_ins(source, ROWS)).encode() for _ in range(20)]
    for number, body in enumerate(bodies):
        (folder / f"{number}.json").write_bytes(body)
    data = tmp_path / "data"
    stored = tmp_path / "SigninLogs" / "stored.jsonl"
    stored.parent.mkdir()
    with stored.open("w", encoding="utf-8") as out:
        for _ in range(max(1, rows // 1000)):
            out.writelines(json.dumps(row) + "\n" for row in sign_ins(source, 1000))
    with serving(data, patience=60), connected(data) as client:
        subprocess.run([*COMMAND, "load", str(stored), "--data", str(data)], check=True, stdout=subprocess.DEVNULL)
        reader = Reader(client, SIGN_INS)
        started = time.perf_counter()
        for body in bodies * 4:
            assert client.post("/ingest/SigninLogs", content=body).is_success
        reader.settle()
        pause = 2 * (time.perf_counter() - started) / (4 * len(bodies))
        server = DataDirectory(data).server()
        assert server is not None
        reader.compare(
            f"JSON comes in at half of the possible rate, on {max(rows, 80_000):,} rows", "SigninLogs",
            lambda: sending(SEND_JSON, server.url, server.token, str(pause), str(folder), str(len(bodies))), record,
        )  # fmt: skip


def test_syslog_at_half_of_what_is_promised(tmp_path: Path, record: Record) -> None:
    port = free_port()
    data = tmp_path / "data"
    lines = lines_of("syslog")
    with (
        serving(data, patience=60, environment={"VEDETTE_SYSLOG_TCP": str(port)}),
        connected(data) as client,
    ):
        reader = Reader(client, MESSAGES)
        send(port, "syslog", STORED)
        reader.settle()
        reader.compare(
            f"{LINES_A_SECOND:,} lines of syslog a second come in", "Syslog",
            lambda: sending(SEND_LINES, str(port), str(LINES_A_SECOND), text=lines), record,
        )  # fmt: skip


@contextmanager
def connected(data: Path) -> Iterator[httpx.Client]:
    server = DataDirectory(data).server()
    assert server is not None
    with httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {server.token}"}, timeout=60) as client:
        yield client
