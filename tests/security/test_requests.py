"""Requests that a hostile page, a hostile client or a clumsy one sends to the REST API."""

from __future__ import annotations

import http.client
import io
import socket
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from tests.api.conftest import Running, hung_up_on, running  # noqa: F401 - a fixture
from vedette.api.limits import BodyLimit
from vedette.api.routes.logs import MAX_QUERIES
from vedette.core.settings import load_settings
from vedette.engine.query import QUERIES

WS = "/workspaces/default"


def _health(running: Running, host: str) -> tuple[int, str]:  # noqa: F811
    connection = http.client.HTTPConnection("127.0.0.1", running.server.port, timeout=60)
    connection.putrequest("GET", "/api/v1/health", skip_host=True)
    connection.putheader("Host", host)
    connection.endheaders()
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:{port}", 200), ("localhost:{port}", 200), ("LOCALHOST", 200), ("[::1]:{port}", 200), ("10.1.2.3", 200),
        ("evil.example", 421), ("127.0.0.1.evil.example:{port}", 421), ("evil.example:127", 421), ("", 421),
        ("localhost.evil.example", 421), ("[evil.example]", 421),
    ],
)  # fmt: skip
def test_a_name_that_was_rebound_to_this_server_gets_no_answer(
    running: Running,  # noqa: F811
    host: str,
    status: int,
) -> None:
    found, text = _health(running, host.format(port=running.server.port))
    assert found == status, text
    if status == 421:
        assert '"VDT0421"' in text


def test_the_public_name_and_further_names_are_known(tmp_path: Path) -> None:
    from vedette.api.limits import HostNames
    from vedette.api.server import _names

    class Held:
        settings = load_settings(
            data_dir=tmp_path, public_url="https://siem.contoso.example/x", allowed_hosts="one.example, Two.example"
        )

    names = HostNames(None, _names(Held()))  # type: ignore[arg-type]
    known = ["siem.contoso.example", "SIEM.contoso.example.:443", "one.example:80", "two.example"]
    assert [host for host in known if not names.knows(host)] == []
    assert not names.knows("three.example")


@pytest.mark.parametrize("table", ["../../escaped", "/tmp/vedette-escaped", "..", "a/b", 'a"b', "a b", "", "a\x00b"])
def test_a_table_name_never_becomes_a_path(running: Running, tmp_path: Path, table: str) -> None:  # noqa: F811
    wanted = str(tmp_path / "escaped") if table.startswith("/") else table
    with running.client() as client:
        answer = client.post(f"{WS}/load", params={"name": "x.jsonl", "table": wanted}, content=b'{"a":1}\n')
    assert answer.status_code in (200, 400), answer.text
    if table:
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == "VDT0606"
    assert not (tmp_path / "escaped").exists()


@pytest.mark.parametrize(
    "name", ["..", "../../x.jsonl", "/etc/passwd", "...", "a\x00b.jsonl", "x" * 5000, "C:\\x\\y.jsonl", ""]
)
def test_a_file_name_never_leaves_its_folder(running: Running, name: str) -> None:  # noqa: F811
    with running.client() as client:
        answer = client.post(f"{WS}/load", params={"name": name, "table": "T_CL"}, content=b'{"a":1}\n')
    assert answer.status_code in (200, 400), answer.text
    if answer.status_code == 200:
        assert answer.json()["files"][0]["file"] == name


@pytest.mark.parametrize("name", ["evidence.zip", "bomb.zip", "some/where/events.evtx", "x.json.gz", "x.parquet"])
def test_a_report_does_not_tell_where_the_server_keeps_things(running: Running, name: str) -> None:  # noqa: F811
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        if name == "bomb.zip":
            archive.writestr("bomb.jsonl", b"\n" * 20_000_000)
        archive.writestr("case/events.evtx", b"ElfFile\0junk")
        archive.writestr("../out.json", b"{}")
        archive.writestr("notes.txt", b"collected with care")
    content = {
        "evidence.zip": packed.getvalue(),
        "bomb.zip": packed.getvalue(),
        "x.json.gz": b"\x1f\x8bno",
        "x.parquet": b"PAR1",
    }
    with running.client() as client:
        answer = client.post(f"{WS}/load", params={"name": name}, content=content.get(name, b"ElfFile\0junk"))
    assert str(running.data) not in answer.text, answer.text
    assert "unpacked-" not in answer.text
    if name == "evidence.zip":
        report = answer.json()
        told = {one["file"]: (one["error"] or {}).get("message", "") for one in report["files"]}
        assert set(told) == {"evidence.zip/case/events.evtx", "evidence.zip/out.json"}
        assert told["evidence.zip/case/events.evtx"].startswith("evidence.zip/case/events.evtx is not an EVTX file")
        assert [one["file"] for one in report["unknown"]] == ["evidence.zip/notes.txt"]


@pytest.mark.parametrize(
    "timespan",
    ["P99999999999999D", "P9999999D", "PT99999999999999999999999S", "P1D/0001-01-01T00:00:00Z",
     "9999-12-31T23:59:59Z/P2D", "/", "P", "x" * 10_000],
)  # fmt: skip
def test_a_timespan_beyond_all_time_is_refused(running: Running, timespan: str) -> None:  # noqa: F811
    with running.client() as client:
        answer = client.post(f"{WS}/query", json={"query": "print 1", "timespan": timespan})
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "VDT0400"


def _raw(running: Running, path: str, headers: dict[str, str], blocks: int) -> tuple[int, str]:  # noqa: F811
    """The answer to a body of blocks of one MiB; sending ends early where the server hangs up."""
    connection = http.client.HTTPConnection("127.0.0.1", running.server.port, timeout=60)
    connection.putrequest("POST", f"/api/v1{path}")
    for name, value in {"Content-Type": "application/json", **headers}.items():
        connection.putheader(name, value)
    connection.endheaders()
    try:
        for _ in range(blocks):
            connection.send(b"100000\r\n" + b"[" * 2**20 + b"\r\n")
        connection.send(b"0\r\n\r\n")
    except OSError:
        pass
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


@pytest.mark.parametrize("path", [f"{WS}/query", f"{WS}/local/load", "/session"])
def test_a_body_without_end_is_refused_without_a_sign_in(running: Running, path: str) -> None:  # noqa: F811
    assert _raw(running, path, {"Transfer-Encoding": "chunked"}, 40)[0] == 401
    assert _raw(running, path, {"Transfer-Encoding": "chunked", "Authorization": "Bearer vdt_no_one"}, 1)[0] == 401
    assert _raw(running, path, {"Content-Length": str(2**40)}, 0)[0] == 413
    record = running.application.directory.server()
    assert record is not None
    known = {"Authorization": f"Bearer {record.token}"}
    assert _raw(running, path, {"Transfer-Encoding": "chunked", **known}, 40)[0] == 413
    assert _raw(running, path, {"Transfer-Encoding": "chunked", **known}, 1)[0] not in (401, 413, 429)


def _asked(running: Running, *parts: bytes) -> bytes:  # noqa: F811
    """All that the server says to these bytes, until it hangs up."""
    with socket.create_connection(("127.0.0.1", running.server.port), timeout=60) as connection:
        for part in parts:
            connection.sendall(part)
        said = b""
        with suppress(OSError):
            while more := connection.recv(65536):
                said += more
        return said


def test_a_request_of_two_lengths_is_refused_and_the_connection_ends(running: Running) -> None:  # noqa: F811
    hidden = b"GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n"
    lengths = b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    for path in (b"/api/v1/session", b"/api/v1/workspaces/default/load?name=x", b"/v1/logs"):
        said = _asked(running, b"POST " + path + b" HTTP/1.1\r\nHost: localhost\r\n" + lengths, hidden)
        assert said.startswith(b"HTTP/1.1 400")
        assert said.count(b"HTTP/1.1 ") == 1


def test_a_body_that_stops_is_not_waited_for(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr("vedette.api.connections.BODY_PAUSE", 0.3)
    start = b"POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n"
    assert _asked(running, start, b'{"token":') == b""
    with running.client() as client:
        assert client.get("/workspaces").status_code == 200


def test_bodies_in_memory_have_a_limit_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vedette.api.limits.MAX_HELD", 300_000)
    answered: list[int] = []

    async def reading(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["more_body"]:
            pass
        if scope["path"] == "/waits":
            await limit({**scope, "path": "/other"}, parts(2), note)  # while the first one is held
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def note(message: Any) -> None:
        if message["type"] == "http.response.start":
            answered.append(message["status"])

    def parts(count: int) -> Any:
        left = [{"type": "http.request", "body": b"x" * 100_000, "more_body": n > 0} for n in reversed(range(count))]

        async def receive() -> Any:
            return left.pop(0)

        return receive

    limit = BodyLimit(reading)
    scope = {"type": "http", "method": "POST", "path": "/waits", "headers": []}
    anyio.run(limit, scope, parts(2), note)
    assert answered == [429, 200]
    answered.clear()
    anyio.run(limit, {**scope, "path": "/x"}, parts(3), note)
    assert answered == [200], "what was answered is held no longer"


@pytest.mark.parametrize("content", [b"", b"[" * 100_000, b'{"query":' * 50_000, b"\xff\xfe", b"null", b'{"query":1}',
                                     b'{"query":"\\ud800"}', b'{"query":"a","query":"b","other":1}', b'{"query":"a"'])  # fmt: skip
def test_json_that_is_none_is_a_bad_request(running: Running, content: bytes) -> None:  # noqa: F811
    with running.client() as client:
        answer = client.post(f"{WS}/query", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422), answer.text
    assert "Traceback" not in answer.text
    assert answer.json()["error"]["message"]


def test_nothing_but_health_and_the_description_answers_a_stranger(running: Running) -> None:  # noqa: F811
    open_paths = {"/api/v1/health", "/api/v1/session"}
    with running.client() as client:
        document = client.get("/openapi.json").json()
    wrong = []
    with httpx.Client(base_url=running.server.url, timeout=30) as stranger:
        for path, methods in document["paths"].items():
            address = path.replace("{ws}", "default").replace("{incident}", "1")
            for method in methods:
                if path in open_paths:
                    continue
                answer = stranger.request(method, address, json={} if method in ("post", "patch") else None)
                # a body that is not valid may be said to be so before it is asked who sends it
                if answer.status_code not in (400, 401) or (answer.status_code == 400 and method == "get"):
                    wrong.append((method, path, answer.status_code))
    assert wrong == []


def test_a_one_time_sign_in_is_good_for_one_of_many_at_once(running: Running) -> None:  # noqa: F811
    token = running.application.sign_in_link(running.server.url).split("token=")[1]
    with ThreadPoolExecutor(8) as pool:
        statuses = list(
            pool.map(
                lambda _: (
                    httpx.post(f"{running.server.url}/api/v1/session", json={"token": token}, timeout=30).status_code
                ),
                range(8),
            )
        )
    assert statuses.count(200) == 1, statuses


def test_slow_queries_keep_nobody_waiting(running: Running) -> None:  # noqa: F811
    slow = {"query": "range x from 1 to 1000000000000 step 1 | count"}
    with ExitStack() as callers:
        for _ in range(45):
            callers.enter_context(hung_up_on(running, f"{WS}/query", slow))
        until(lambda: QUERIES.running >= MAX_QUERIES)
        time.sleep(0.5)  # the others have come as well
        with running.client() as client:
            assert client.get("/workspaces").status_code == 200
        assert QUERIES.running >= MAX_QUERIES, "they have run all the time"
    until(lambda: not QUERIES.running)


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize(
    "path", ["/%00", "/assets/%00", "/" + "a" * 300, "/" + "a/" * 3000, "/%ff%fe", "/..%2f..%2fserver.py"]
)
def test_an_address_that_no_file_can_have_is_an_address_like_others(running: Running, path: str) -> None:  # noqa: F811
    answer = httpx.get(f"{running.server.url}{path}", timeout=30)
    assert answer.status_code in (200, 404, 503), answer.text
    assert "def create_app" not in answer.text
