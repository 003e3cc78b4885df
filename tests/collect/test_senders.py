"""rsyslog, syslog-ng and logger(1) send to a running `vedette serve`; what they sent is asked for in KQL."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.plugins.syslog_senders import find_rsyslog, find_syslog_ng, unpacked
from vedette.api.application import Application
from vedette.core.settings import load_settings

ROOT = Path(__file__).resolve().parents[2]
CEF = "CEF:0|Contoso|Firewall|2.1|100|connection denied|8|src=10.0.0.7 dst=203.0.113.9 dpt=443 act=Denied msg=no way"


class Server:
    """`vedette serve` over a data directory of its own."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.log = folder / "server.log"
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("VEDETTE_")} | {
            "VEDETTE_SYSLOG_UDP": "0", "VEDETTE_SYSLOG_TCP": "0", "VEDETTE_SYSLOG_TLS": "0", "PYTHONPATH": str(ROOT / "src"),
        }  # fmt: skip
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from vedette.cli.main import main; main()", "serve", "--data", str(self.data), "--port", "0"],
            stdout=self.log.open("w"), stderr=subprocess.STDOUT, env=self.environment,
        )  # fmt: skip
        self.ports: dict[str, int] = {}

    def wait(self) -> None:
        end = time.monotonic() + 60
        while len(self.ports) < 3:
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < end, self.log.read_text()
            found = re.findall(r"syslog over (\w+) is heard on 127.0.0.1, port (\d+)", self.log.read_text())
            self.ports = {protocol.lower(): int(port) for protocol, port in found}
            time.sleep(0.1)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(60)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("serve"))
    try:
        running.wait()
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="module")
def ask(server: Server) -> Callable[[str, int], list[list[object]]]:
    """Runs a query until it has as many rows as are expected."""
    import httpx

    from vedette.core.datadir import DataDirectory

    record = DataDirectory(server.data).server()
    assert record is not None
    client = httpx.Client(base_url=record.url, headers={"Authorization": f"Bearer {record.token}"}, timeout=60)

    def run(query: str, expected: int) -> list[list[object]]:
        end = time.monotonic() + 60
        while True:
            answer = client.post("/api/v1/workspaces/default/query", json={"query": query})
            rows: list[list[object]] = answer.json().get("rows", []) if answer.status_code == 200 else []
            if len(rows) >= expected or time.monotonic() > end:
                assert len(rows) == expected, (answer.text[:2000], server.log.read_text()[-2000:])
                return rows
            time.sleep(0.2)

    return run


@contextmanager
def daemon(command: list[str], environment: dict[str, str], ready: Path) -> Iterator[None]:
    process = subprocess.Popen(
        command, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        end = time.monotonic() + 60
        while not ready.exists():
            assert process.poll() is None, process.stdout and process.stdout.read()
            assert time.monotonic() < end
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.communicate(timeout=30)


def log(socket: Path, tag: str, *texts: str) -> None:
    for text in texts:
        subprocess.run(
            ["logger", "--socket", str(socket), "--tag", tag, "--priority", "authpriv.warning", "--id=4321", text],
            check=True,
        )


needs_logger = pytest.mark.skipif(shutil.which("logger") is None, reason="logger(1) is not installed")
SYSLOG = "Syslog | where ProcessName == '{tag}' | project SyslogMessage, Facility, SeverityLevel, ProcessID, HostIP | order by SyslogMessage asc"


def authority(server: Server) -> Path:
    return server.data / "tls" / "ca.pem"


# As docs/syslog.md has them.
RSYSLOG = {
    "tcp": '*.* action(type="omfwd" target="127.0.0.1" port="{port}" protocol="tcp" TCP_Framing="octet-counted" template="RSYSLOG_SyslogProtocol23Format")',
    "tcp lines": '*.* action(type="omfwd" target="127.0.0.1" port="{port}" protocol="tcp")',
    "udp": '*.* action(type="omfwd" target="127.0.0.1" port="{port}" protocol="udp" template="RSYSLOG_TraditionalForwardFormat")',
}


@needs_logger
@pytest.mark.req("P-034", "P-035", "P-045")
@pytest.mark.parametrize("way", RSYSLOG)
def test_rsyslog(server: Server, ask: Callable[[str, int], list[list[object]]], tmp_path: Path, way: str) -> None:
    program = find_rsyslog()
    if program is None:
        pytest.skip("rsyslog is not installed (make packages)")
    socket, tag = tmp_path / "in.sock", f"rsyslog-{way.replace(' ', '-')}"
    config = tmp_path / "rsyslog.conf"
    config.write_text(
        f'module(load="imuxsock" SysSock.Use="off")\ninput(type="imuxsock" Socket="{socket}" UseSpecialParser="on")\n'
        f'global(workDirectory="{tmp_path}")\n' + RSYSLOG[way].format(port=server.ports[way[:3]]) + "\n"
    )
    with daemon([program, "-n", "-f", str(config), "-i", str(tmp_path / "pid")], {}, socket):
        log(socket, tag, 'first: it\'s "quoted"', "second äöü", f"{CEF} by {tag}")
        rows = ask(SYSLOG.format(tag=tag), 2)
        assert [row[0] for row in rows] == ['first: it\'s "quoted"', "second äöü"]
        assert all(row[1:] == ["authpriv", "warning", 4321, "127.0.0.1"] for row in rows)
        query = f"CommonSecurityLog | where Message == 'no way by {tag}' | project SourceIP, DestinationPort, SimplifiedDeviceAction"
        assert ask(query, 1) == [["10.0.0.7", 443, "Deny"]]


@needs_logger
@pytest.mark.req("P-034")
def test_rsyslog_by_the_bulk_api(server: Server, ask: Callable[[str, int], list[list[object]]], tmp_path: Path) -> None:
    """rsyslog's output for Elasticsearch, which knows nothing of Vedette."""
    from vedette.core.datadir import DataDirectory

    program, module = find_rsyslog(), next(unpacked().rglob("rsyslog/omelasticsearch.so"), None)
    record = DataDirectory(server.data).server()
    if program is None or module is None:
        pytest.skip("rsyslog and its package rsyslog-elasticsearch are not there (make packages)")
    assert record is not None
    socket, config = tmp_path / "in.sock", tmp_path / "rsyslog.conf"
    config.write_text(
        f'''module(load="imuxsock" SysSock.Use="off") module(load="{module}")
input(type="imuxsock" Socket="{socket}" UseSpecialParser="on")
global(workDirectory="{tmp_path}")
template(name="document" type="list" option.jsonf="on") {{
  property(outname="@timestamp" name="timereported" dateFormat="rfc3339" format="jsonf")
  property(outname="host" name="hostname" format="jsonf") property(outname="tag" name="programname" format="jsonf")
  property(outname="message" name="msg" format="jsonf") }}
action(type="omelasticsearch" server="127.0.0.1" serverport="{record.url.rpartition(":")[2]}" uid="vedette" pwd="{record.token}"
  searchIndex="Shipped_CL" searchType="" bulkmode="on" template="document" errorfile="{tmp_path}/errors")
'''
    )
    with daemon([program, "-n", "-f", str(config), "-i", str(tmp_path / "pid")], {}, socket):
        log(socket, "shipper", 'first: it\'s "quoted"', "second äöü")
        rows = ask(
            "Shipped_CL | where isnotempty(TimeGenerated) | project message = trim(' ', message), tag | order by message asc",
            2,
        )
    assert rows == [['first: it\'s "quoted"', "shipper"], ["second äöü", "shipper"]]
    assert not (tmp_path / "errors").exists()


SYSLOG_NG = {
    "tcp": 'network("127.0.0.1" port({port}) transport("tcp"))',
    "rfc5424": 'syslog("127.0.0.1" port({port}) transport("tcp"))',
    "udp": 'network("127.0.0.1" port({port}) transport("udp"))',
    "tls": 'syslog("127.0.0.1" port({port}) transport("tls") tls(ca-file("{ca}") peer-verify(required-trusted)))',
}


@needs_logger
@pytest.mark.req("P-034", "P-045")
@pytest.mark.parametrize("way", SYSLOG_NG)
def test_syslog_ng(server: Server, ask: Callable[[str, int], list[list[object]]], tmp_path: Path, way: str) -> None:
    found = find_syslog_ng()
    if found is None:
        pytest.skip("syslog-ng is not there (python -m tools.system_packages)")
    command, environment = found
    socket, tag, config = tmp_path / "in.sock", f"ng-{way}", tmp_path / "syslog-ng.conf"
    port = server.ports["tcp" if way == "rfc5424" else way]
    config.write_text(
        f'@version: 3.35\nsource s {{ unix-dgram("{socket}"); }};\n'
        f"destination d {{ {SYSLOG_NG[way].format(port=port, ca=authority(server))}; }};\nlog {{ source(s); destination(d); }};\n"
    )
    files = [f"--{name}={tmp_path / name}" for name in ("persist-file", "pidfile", "control")]
    with daemon([*command, "-F", "--no-caps", f"--cfgfile={config}", *files], environment, socket):
        log(socket, tag, "first [with] brackets", "second äöü")
        rows = ask(SYSLOG.format(tag=tag), 2)
        assert [row[0] for row in rows] == ["first [with] brackets", "second äöü"]
        assert all(row[1:] == ["authpriv", "warning", 4321, "127.0.0.1"] for row in rows)


@needs_logger
@pytest.mark.req("P-034")
@pytest.mark.parametrize(
    "options",
    [["--udp", "--rfc3164"], ["--udp", "--rfc5424"], ["--tcp", "--rfc5424", "--octet-count"], ["--tcp", "--rfc3164"]],
)
def test_logger(server: Server, ask: Callable[[str, int], list[list[object]]], options: list[str]) -> None:
    tag = "logger" + "".join(options).replace("--", "-")
    port = server.ports[options[0].strip("-")]
    subprocess.run(
        [
            "logger",
            "--server",
            "127.0.0.1",
            "--port",
            str(port),
            *options,
            "--tag",
            tag,
            "--priority",
            "local3.err",
            "--id=7",
            "hello there",
        ],
        check=True,
    )
    assert ask(SYSLOG.format(tag=tag), 1) == [["hello there", "local3", "err", 7, "127.0.0.1"]]


def test_settings_that_are_wrong_are_told(tmp_path: Path) -> None:
    from vedette.api.listening import syslog_listeners
    from vedette.core.errors import InvalidInput

    for name, value, message in (
        ("syslog_timezone", "Nowhere/City", "'Nowhere/City' is not a time zone"),
        ("syslog_allow", "10.0.0.0/99", "'10.0.0.0/99' is not a network"),
        ("syslog_tls_key", tmp_path / "key", "both a certificate and its key"),
        ("syslog_tls_client_ca", tmp_path / "none", "cannot be used"),
    ):
        settings = load_settings(data_dir=tmp_path / name, syslog_tls=0, **{name: value})
        with Application(settings) as application, pytest.raises(InvalidInput, match=message):
            syslog_listeners(application)
    with Application(load_settings(data_dir=tmp_path / "off")) as application:
        assert syslog_listeners(application) is None
