"""How fast syslog and CEF over TCP get into a store: received, parsed, on disk; and until they can be queried."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.bench
ROOT = Path(__file__).resolve().parents[1]
Record = Callable[[str, float, float, str], None]
LINES = 300_000
BATCHED = 1000

LISTEN = """
import json, sys, time
from pathlib import Path
from vedette.collect.listeners.options import ListenerOptions
from vedette.collect.listeners.server import SyslogListeners
from vedette.core.clock import SystemClock
from vedette.store.intake import Intake
from vedette.store.logstore import LogStore

folder, wanted = Path(sys.argv[1]), int(sys.argv[2])
with LogStore(folder / "logs.duckdb", SystemClock()) as store, Intake(store, folder / "spool", SystemClock()) as intake:
    listeners = SyslogListeners(ListenerOptions(tcp=0, collector="bench"), intake, SystemClock())
    listeners.start()
    print(listeners.ports["tcp"], flush=True)
    while not listeners.counts.total("received"):
        time.sleep(0.001)
    started = time.perf_counter()
    while listeners.counts.total("stored") < wanted:
        time.sleep(0.005)
    durable = time.perf_counter() - started
    intake.flush(120)
    queried = time.perf_counter() - started
    listeners.stop()
    print(json.dumps({"durable": durable, "queried": queried, "cut": listeners.counts.total("cut"), "stored": intake.stats().stored}))
"""

SEND = """
import socket, sys
port, count, lines = int(sys.argv[1]), int(sys.argv[2]), sys.stdin.buffer.read()
with socket.create_connection(("127.0.0.1", port)) as connection:
    for _ in range(count):
        connection.sendall(lines)
"""

SYSLOG = "<86>Mar  4 09:05:{second:02} web{host:02} sshd[{pid}]: Failed password for invalid user u{pid} from 203.0.113.{host} port {port} ssh2"
CEF = (
    "<134>Mar  4 09:05:{second:02} fw{host:02} CEF:0|Palo Alto Networks|PAN-OS|10.2.3|threat|url filtering|8|rt=Mar 04 2026 09:05:41 "
    "src=10.20.4.{host} dst=203.0.113.45 spt={port} dpt=443 proto=TCP request=https://x.example/{pid} msg=blocked by policy "
    "cs1Label=Rule Name cs1=Block bad url cat=phishing act=Deny in=100 out=232 suser=u{pid}"
)


@pytest.mark.parametrize(("name", "form"), [("syslog", SYSLOG), ("CEF", CEF)])
def test_lines_over_tcp(tmp_path: Path, record: Record, name: str, form: str) -> None:
    lines = "".join(
        form.format(second=number % 60, host=number % 97, pid=number * 7 % 9973, port=1024 + number) + "\n"
        for number in range(BATCHED)
    )
    python = [sys.executable, "-c"]
    with subprocess.Popen(
        [*python, LISTEN, str(tmp_path), str(LINES)], stdout=subprocess.PIPE, text=True, cwd=ROOT / "src"
    ) as listening:
        assert listening.stdout is not None
        port = listening.stdout.readline().strip()
        subprocess.run([*python, SEND, port, str(LINES // BATCHED)], input=lines.encode(), check=True)
        result = json.loads(listening.stdout.read())
    assert result["stored"] == LINES
    assert result["cut"] == 0
    record(f"100,000 lines of {name} over TCP, on disk (2 cores)", result["durable"] / LINES * 100_000, 2.0, "s")
    record(f"100,000 lines of {name} over TCP, in the table (2 cores)", result["queried"] / LINES * 100_000, 4.0, "s")
