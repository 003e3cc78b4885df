"""How fast syslog and CEF over TCP get through a running server into its tables, beside rsyslog that writes to PostgreSQL."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from bench.test_serve import serving
from tests.plugins.postgres import PostgresServer
from tests.plugins.syslog_senders import find_rsyslog, unpacked
from vedette.core.datadir import DataDirectory

pytestmark = pytest.mark.bench

Record = Callable[[str, float, float, str], None]
LINES = 500_000
RSYSLOG_LINES = 50_000
BATCHED = 1000

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
FORMS = {"syslog": SYSLOG, "CEF": CEF}


def lines_of(form: str) -> bytes:
    return "".join(
        form.format(second=number % 60, host=number % 97, pid=number * 7 % 9973, port=1024 + number) + "\n"
        for number in range(BATCHED)
    ).encode()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def send(port: int, form: str, count: int) -> None:
    subprocess.run([sys.executable, "-c", SEND, str(port), str(count // BATCHED)], input=lines_of(form), check=True)


def into_vedette(folder: Path, form: str) -> tuple[float, float]:
    """Lines a second from the first byte until all can be queried, and processor time of the server in microseconds a line."""
    port = free_port()
    with serving(folder / "data", patience=60, environment={"VEDETTE_SYSLOG_TCP": str(port)}) as (_, process):
        server = DataDirectory(folder / "data").server()
        assert server is not None
        with httpx.Client(
            base_url=server.url, headers={"Authorization": f"Bearer {server.token}"}, timeout=60
        ) as client:
            health = "/api/v1/workspaces/default/ingestion/health"

            def stored() -> int:
                sources = client.get(health).json()["sources"]
                return sum(one["stored"] for one in sources if one["source"].startswith("syslog tcp"))

            send(port, form, 20_000)  # the tables' first rows are not the rate
            wait_for(lambda: stored() == 20_000)
            used = processor_seconds(process)
            started = time.perf_counter()
            send(port, form, LINES)
            wait_for(lambda: stored() == LINES + 20_000)
            took = time.perf_counter() - started
            return LINES / took, (processor_seconds(process) - used) / LINES * 1e6


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def processor_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def rsyslog(folder: Path, postgres: PostgresServer, module: Path) -> Iterator[int]:
    """rsyslog as its documentation has it for a database: a queue in memory, many rows in one transaction."""
    folder.mkdir()
    port = free_port()
    configuration = folder / "rsyslog.conf"
    configuration.write_text(
        f'''global(workDirectory="{folder}")
module(load="imtcp") module(load="{module}")
template(name="row" type="list" option.stdsql="on") {{
  constant(value="INSERT INTO messages (received, reported, facility, priority, host, tag, message) VALUES ('")
  property(name="timegenerated" dateFormat="pgsql") constant(value="', '") property(name="timereported" dateFormat="pgsql")
  constant(value="', ") property(name="syslogfacility") constant(value=", ") property(name="syslogpriority")
  constant(value=", '") property(name="hostname") constant(value="', '") property(name="syslogtag")
  constant(value="', '") property(name="msg") constant(value="')") }}
ruleset(name="db") {{ action(type="ompgsql" server="127.0.0.1" port="{postgres.port}" db="logs" uid="vedette" pass="{postgres.password}"
  template="row" queue.type="LinkedList" queue.size="200000" queue.dequeueBatchSize="1024" queue.workerThreads="2") }}
input(type="imtcp" port="{port}" address="127.0.0.1" ruleset="db")
''',
        encoding="utf-8",
    )
    program = find_rsyslog()
    assert program is not None
    process = subprocess.Popen([program, "-n", "-f", str(configuration), "-i", str(folder / "pid")])
    try:
        wait_for(lambda: _listens(port))
        yield port
    finally:
        process.terminate()
        process.wait(60)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def into_postgres(folder: Path, postgres: PostgresServer, module: Path, form: str) -> float:
    """Lines a second that rsyslog writes into a table, whole and not parsed further than the header."""
    import psycopg

    postgres.execute("DROP DATABASE IF EXISTS logs")
    postgres.execute("CREATE DATABASE logs")
    with psycopg.connect(
        host="127.0.0.1", port=postgres.port, user="vedette", password=postgres.password, dbname="logs", autocommit=True
    ) as connection:
        connection.execute(
            "CREATE TABLE messages (id serial PRIMARY KEY, received timestamptz, reported timestamptz, facility smallint, "
            "priority smallint, host text, tag text, message text)"
        )

        def stored() -> int:
            row = connection.execute("SELECT count(*) FROM messages").fetchone()
            assert row is not None
            return int(row[0])

        with rsyslog(folder, postgres, module) as port:
            send(port, form, BATCHED)
            wait_for(lambda: stored() == BATCHED)
            started = time.perf_counter()
            send(port, form, RSYSLOG_LINES)
            wait_for(lambda: stored() == BATCHED + RSYSLOG_LINES)
            return RSYSLOG_LINES / (time.perf_counter() - started)


@pytest.mark.parametrize("name", FORMS)
def test_lines_over_tcp(tmp_path: Path, record: Record, name: str) -> None:
    rate, used = into_vedette(tmp_path, FORMS[name])
    print(f"{name}: {rate:,.0f} lines/s into the table, {used:.1f} us of processor time a line")
    record(f"100,000 lines of {name} over TCP, in the table (2 cores)", 100_000 / rate, 2.0, "s")
    record(f"processor time of the server a line of {name} over TCP, in the table", used, 40.0, "µs")


@pytest.mark.parametrize("name", FORMS)
def test_beside_rsyslog_with_postgresql(
    tmp_path: Path, record: Record, name: str, postgres_server: PostgresServer
) -> None:
    module = next(unpacked().rglob("rsyslog/ompgsql.so"), None)
    if module is None or find_rsyslog() is None:
        pytest.skip("rsyslog and its package rsyslog-pgsql are not there (tools/system_packages.py)")
    ours, theirs = [], []
    for turn in range(2):
        theirs.append(into_postgres(tmp_path / f"rsyslog{turn}", postgres_server, module, FORMS[name]))
        (tmp_path / f"{turn}").mkdir()
        ours.append(into_vedette(tmp_path / f"{turn}", FORMS[name])[0])
    print(f"{name}: Vedette {max(ours):,.0f} lines/s, rsyslog with PostgreSQL (no fsync) {max(theirs):,.0f}")
    record(
        f"{name} over TCP into tables, the rate of rsyslog with PostgreSQL over ours",
        max(theirs) / max(ours),
        0.5,
        "times",
    )
