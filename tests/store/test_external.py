"""`externaldata`: from allowed hosts over TLS, in every format, within limits."""

from __future__ import annotations

import gzip
import io
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vedette.core.clock import SystemClock
from vedette.core.tls import LocalAuthority, client_context
from vedette.engine.query import QueryFailed
from vedette.kql.diagnostics import KqlError
from vedette.store.external import ExternalLimits, ExternalReader
from vedette.store.logstore import LogStore

_PARQUET = io.BytesIO()
pq.write_table(pa.table({"n": [1, 2], "s": ["a", None], "when": [None, "2026-01-02"]}), _PARQUET)

FILES: dict[str, bytes] = {
    "/list.csv": b'1,one,"{""k"": 1}",2026-01-02\n2,"two, or so",word,\nx\n',
    "/headed.csv.gz": gzip.compress(b"n,s\n1,one\n"),
    "/list.tsv": b"1\tone\n",
    "/list.psv": b"1|one\n",
    "/lines.txt": b"first\r\nsecond, with comma\n",
    "/lines.json": b'{"n": 1, "s": "one", "d": {"k": [1]}}\n\n{"s": 5, "n": "7"}\n',
    "/whole.json": b'[\n {"n": 1, "s": "one"},\n {"n": 2}\n]',
    "/table.parquet": _PARQUET.getvalue(),
    "/large.txt": b"x" * 200_000,
    "/bomb.txt.gz": gzip.compress(b"x" * 5_000_000),
    "/broken.json": b'{"n": ',
}


class Handler(BaseHTTPRequestHandler):
    """Gives the files, and leads elsewhere."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/elsewhere":
            self.send_response(302)
            self.send_header("Location", "/list.csv")
            self.end_headers()
            return
        content = FILES.get(path)
        self.send_response(200 if content is not None else 404)
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, httpx.BaseTransport]]:
    """A server over TLS: its host with port, and a transport that trusts it."""
    authority = LocalAuthority.create()
    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context: ssl.SSLContext = authority.server_context()
    listener.socket = context.wrap_socket(listener.socket, server_side=True)
    thread = threading.Thread(target=listener.serve_forever, daemon=True)
    thread.start()
    yield f"127.0.0.1:{listener.server_port}", httpx.HTTPTransport(verify=client_context(authority.pem))
    listener.shutdown()
    thread.join()
    listener.server_close()


@pytest.fixture
def logs(server: tuple[str, httpx.BaseTransport]) -> Iterator[LogStore]:
    host, transport = server
    limits = ExternalLimits(bytes=100_000, seconds=10, addresses=3)
    with LogStore(None, SystemClock(), external=ExternalReader([host], transport=transport, limits=limits)) as store:
        yield store


def ask(logs: LogStore, server: tuple[str, httpx.BaseTransport], columns: str, path: str, properties: str = "") -> list[list[object]]:  # fmt: skip
    tail = f" with ({properties})" if properties else ""
    return logs.query(f"externaldata({columns})[@'https://{server[0]}{path}?sig=secret']{tail}").rows


@pytest.mark.parametrize(
    ("columns", "path", "properties", "expected"),
    [
        (
            "n: long, s: string, d: dynamic, t: datetime", "/list.csv", "",
            [[1, "one", {"k": 1}, "2026-01-02T00:00:00.0000000Z"], [2, "two, or so", "word", None], [None, "", None, None]],
        ),
        ("n: int, s: string", "/headed.csv.gz", "ignoreFirstRecord=true", [[1, "one"]]),
        ("n: int, s: string", "/headed.csv.gz", "format='csv', ignoreFirstRecord=true", [[1, "one"]]),
        ("n: real", "/list.tsv", "format=tsv", [[1.0]]),
        ("n: long, s: string", "/list.psv", "format='psv'", [[1, "one"]]),
        ("line: string", "/lines.txt", "format='txt'", [["first"], ["second, with comma"]]),
        ("all: string", "/lines.txt", "format='raw'", [["first\r\nsecond, with comma\n"]]),
        ("s: string, n: long, d: dynamic", "/lines.json", "format='json'", [["one", 1, {"k": [1]}], ["5", 7, None]]),
        ("n: long, s: string", "/whole.json", "format='multijson'", [[1, "one"], [2, ""]]),
        ("n: long, absent: bool", "/whole.json", "", [[1, None], [2, None]]),
        ("n: long, s: string, when: datetime", "/table.parquet", "",
         [[1, "a", None], [2, "", "2026-01-02T00:00:00.0000000Z"]]),
    ],
)  # fmt: skip
def test_formats(
    logs: LogStore, server: tuple[str, httpx.BaseTransport], columns: str, path: str, properties: str, expected: object
) -> None:
    assert ask(logs, server, columns, path, properties) == expected


def test_rows_take_part_in_queries(logs: LogStore, server: tuple[str, httpx.BaseTransport]) -> None:
    text = (
        f"let known = externaldata(n: long, s: string)['https://{server[0]}/list.csv', 'https://{server[0]}/list.tsv'] "
        "with (format='csv');\n"
        "range n from 1 to 3 step 1 | where n in ((known | project n)) | join kind=inner known on n | count"
    )
    assert logs.query(text).rows[0][0] == 2


@pytest.mark.parametrize(
    ("path", "properties", "message"),
    [
        ("/none.csv", "", "answered with status 404"),
        ("/elsewhere", "", "answered with status 302"),
        ("/large.txt", "", "more than 100,000 bytes"),
        ("/bomb.txt.gz", "", "more than 100,000 bytes when it is unpacked"),
        ("/broken.json", "", "is not JSON"),
        ("/list.csv", "format='parquet'", "is not Parquet"),
    ],
)
def test_what_an_address_does_wrong_ends_the_query(
    logs: LogStore, server: tuple[str, httpx.BaseTransport], path: str, properties: str, message: str
) -> None:
    with pytest.raises(QueryFailed, match=message) as caught:
        ask(logs, server, "x: string", path, properties)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("https://other.example/x.csv", "may not reach other.example: an administrator allows hosts with VEDETTE_EXTERNALDATA_HOSTS"),
        ("https://127.0.0.1/x.csv", "may not reach 127.0.0.1:"),
        ("http://{host}/list.csv", "https addresses alone"),
        ("https://user@{host}/list.csv", "https addresses alone"),
        ("file:///etc/passwd", "https addresses alone"),
        ("https://{host}/list.csv?x' | 'y", None),
    ],
)  # fmt: skip
def test_what_is_not_allowed_is_refused(
    logs: LogStore, server: tuple[str, httpx.BaseTransport], uri: str, message: str | None
) -> None:
    query = f'externaldata(x: string)["{uri.format(host=server[0])}"] | take 1'
    if message is None:
        assert logs.query(query).rows == [["1"]]
        return
    with pytest.raises(KqlError, match=message):
        logs.query(query)
    assert logs.check(query).columns is not None  # nothing is fetched to check


def test_no_host_is_allowed_by_default() -> None:
    with LogStore(None, SystemClock()) as store, pytest.raises(KqlError, match="VEDETTE_EXTERNALDATA_HOSTS") as caught:
        store.query("externaldata(x: string)['https://files.example/list.csv']")
    assert caught.value.diagnostics[0].code == "VDT1006"


def test_names_below_a_name() -> None:
    reader = ExternalReader(["*.example.com", "one.example:8443"])
    for refused in ("https://example.com/x", "https://badexample.com/x", "https://one.example/x"):
        with pytest.raises(Exception, match="may not reach"):
            reader.rows([refused], {}, [])


def test_unknown_properties_and_formats_are_refused(logs: LogStore, server: tuple[str, httpx.BaseTransport]) -> None:
    with pytest.raises(KqlError, match="no property 'mapping'"):
        ask(logs, server, "x: string", "/list.csv", "mapping='x'")
    with pytest.raises(KqlError, match="does not read the format 'avro'"):
        ask(logs, server, "x: string", "/list.csv", "format='avro'")
