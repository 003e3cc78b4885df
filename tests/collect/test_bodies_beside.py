"""Long bodies, which a process beside the server's reads as the server would."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.collect.conftest import Doors
from vedette.collect.http.beside import BodyReader
from vedette.collect.http.door import Arrived, DoorRequest
from vedette.collect.http.registry import doors
from vedette.core.companion import Helper
from vedette.core.errors import VedetteError

DOORS = {door.name: door for door in doors()}
ROWS = [{"n": n, "text": f"é\n{n}", "who": {"name": "pat", "big": 2**60 + n}, "Type": "mine"} for n in range(50)]
LINES = "\n".join(map(json.dumps, ROWS)).encode()
EVENT = {"event": {"a": 1, "b": "x"}, "time": 1767225600.25, "index": "App_CL", "fields": {"f": ["g"]}}
BULK = b"\n".join(
    json.dumps(part).encode()
    for n in range(20)
    for part in (
        {"create" if n % 2 else "index": {"_index": f"logs-{n % 3}", "_id": f"i{n}"}},
        {"@timestamp": "2026-03-01", "n": n},
    )
)
OTLP = {
    "resourceLogs": [
        {"scopeLogs": [{"logRecords": [{"timeUnixNano": "1767225600000000000", "body": {"stringValue": "hello"}}]}]}
    ]
}
CASES: list[tuple[str, str, dict[str, str], dict[str, str], bytes, Any]] = [
    ("json", "/ingest/T_CL", {"table": "T_CL"}, {}, json.dumps(ROWS).encode(), None),
    ("json", "/ingest/T_CL", {"table": "T_CL"}, {"recordId": "n"}, LINES, None),
    ("json", "/ingest/T_CL", {"table": "T_CL"}, {}, b'{"a": 1}\nnot json \xff\n[1]\n{"a": 2}', None),
    ("json", "/ingest/T_CL", {"table": "T_CL"}, {}, b'[{"a": "half \\ud800 of a pair"}]', None),
    ("logs-ingestion", "/x", {"rule": "dcr-1", "stream": "Custom-T"}, {}, json.dumps(ROWS).encode(), "T_CL"),
    ("data-collector", "/api/logs", {}, {}, json.dumps(ROWS).encode(), {"n_b": "bool", "text_s": "string"}),
    ("splunk-hec", "/services/collector", {}, {}, json.dumps(EVENT).encode() * 3, None),
    ("splunk-hec", "/services/collector/raw", {}, {"host": "web1"}, b"one\ntwo\r\n\nthree \xff", None),
    ("elastic-bulk", "/_bulk", {}, {}, BULK, ["Logs-1"]),
    ("elastic-bulk", "/_bulk", {}, {}, BULK + b'\n{"delete":{"_index":"x","_id":"1"}}\n{"index":{"_index":"x"}}\nnot json', []),
    ("otlp", "/v1/logs", {}, {}, json.dumps(OTLP).encode(), None),
    ("threat-intelligence", "/w/threatintelligence:upload-indicators", {"workspace": "w"}, {},
     b'{"SourceSystem": "feed", "value": [{"type": "indicator", "id": "indicator--1", "confidence": 1.5}]}', None),
]  # fmt: skip


@pytest.fixture(scope="module")
def reader() -> Iterator[BodyReader]:
    made = BodyReader(long=0)
    assert made.helper.start(30)
    yield made
    made.end()


def _request(path: str, parts: dict[str, str], query: dict[str, str]) -> DoorRequest:
    headers = {
        "authorization": "Bearer hidden", "content-type": "application/json", "log-type": "Given", "time-generated-field": "text",
        "x-ms-azureresourceid": "/Subscriptions/One",
    }  # fmt: skip
    return DoorRequest("POST", path, parts, query, headers, "192.0.2.1")


def _plain(arrived: Arrived) -> Any:
    """With lists for all that is listed, as JSON has it."""
    rows = [(one.table, one.lines, None if one.record_ids is None else list(one.record_ids)) for one in arrived.rows]
    bad = [(table, list(records)) for table, records in arrived.bad]
    return (
        [(table, lines.count, lines.payload, list(lines.form), ids) for table, lines, ids in rows],
        bad,
        json.dumps(arrived.told),
    )


@pytest.mark.req("P-036")
@pytest.mark.parametrize("case", CASES, ids=[f"{name} {place}" for place, (name, *_) in enumerate(CASES)])
def test_it_finds_what_the_server_would(
    reader: BodyReader, case: tuple[str, str, dict[str, str], dict[str, str], bytes, Any]
) -> None:
    name, path, parts, query, body, facts = case
    request = _request(path, parts, query)
    found = reader._beside(DOORS[name], request, body, facts)
    assert found is not None
    assert _plain(found) == _plain(DOORS[name].read(request, body, facts))


@pytest.mark.parametrize(
    ("name", "parts", "body"),
    [
        ("json", {"table": "T_CL"}, b'[{"a": 1}, 2]'),
        ("json", {"table": "SentinelHealth"}, b'[{"a": 1}]'),
        ("splunk-hec", {}, b'{"event": ""}'),
        ("logs-ingestion", {"rule": "dcr-1", "stream": "Custom-T"}, b"{}"),
    ],
)
def test_what_is_wrong_the_server_says(reader: BodyReader, name: str, parts: dict[str, str], body: bytes) -> None:
    request = _request("/x", parts, {})
    with pytest.raises(VedetteError) as here:
        DOORS[name].read(request, body, "T_CL")
    with pytest.raises(VedetteError) as told:
        reader.read(DOORS[name], request, body, "T_CL")
    assert told.value.to_dict() == here.value.to_dict()
    assert reader._beside(DOORS["json"], _request("/ingest/T_CL", {"table": "T_CL"}, {}), b'{"a": 1}', None) is not None


def test_senders_take_turns(reader: BodyReader) -> None:
    request = _request("/ingest/T_CL", {"table": "T_CL"}, {})

    def lines(number: int) -> bytes:
        body = json.dumps([{"n": number, "text": "x" * (number * 37 % 5000)} for _ in range(1 + number % 60)]).encode()
        found = reader._beside(DOORS["json"], request, body, None)
        assert found is not None
        assert _plain(found) == _plain(DOORS["json"].read(request, body, None))
        return body

    with ThreadPoolExecutor(8) as senders:
        assert len(set(senders.map(lines, range(200)))) == 200


def test_no_credential_goes_there(reader: BodyReader, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    ask = Helper.ask

    def told(self: Helper, head: dict[str, Any], parts: Any, understood: Any) -> Any:
        asked.append(head)
        return ask(self, head, parts, understood)

    monkeypatch.setattr(Helper, "ask", told)
    assert reader._beside(DOORS["json"], _request("/ingest/T_CL", {"table": "T_CL"}, {}), b'{"a": 1}', None) is not None
    assert "log-type" in str(asked)
    assert "hidden" not in str(asked)


@pytest.mark.req("P-036", "P-046")
def test_all_rows_are_there_whether_the_process_is_or_not(doors: Doors) -> None:
    """Before it is there, while it is, when it was killed, and when there is another."""
    helper = doors.running.server._reader.helper

    def send(way: str) -> None:
        body = json.dumps([{"n": n, "way": way, "text": "x" * 200} for n in range(1_000)])
        answer = doors.post("/ingest/Long_CL", body.encode())
        assert answer.json() == {"accepted": 1_000, "unreadable": 0}
        found = doors.rows(f"Long_CL | where way == '{way}' | summarize count(), dcount(n), sum(n)")
        assert found == [[1_000, 1_000, 499_500]]

    send("before")  # which begins it
    assert helper.start(30)
    first = helper.pid
    send("while")
    assert helper.pid == first
    assert first is not None
    os.kill(first, signal.SIGKILL)
    send("killed")
    until = time.monotonic() + 60
    while not helper.start(5):
        assert time.monotonic() < until
    second = helper.pid
    send("again")
    assert helper.pid == second != first


NAMES = [
    "a",
    "",
    "$Load",
    "_ResourceId",
    "TimeGenerated",
    "@timestamp",
    "Type",
    "é\x00",
    "event",
    "time",
    "index",
    "fields",
    "host",
]
SCALARS = [
    "null", "true", "-0.0", "1e400", "-1e400", "1e-400", "12345678901234567890123", "-9223372036854775809", "18446744073709551615",
    "1.7976931348623159e308", "NaN", "Infinity", '"NaN"', '""', '"\\ud800"', '"\\u0000"', '"\\udc00\\ud800"', '"2026-03-01T10:00:00Z"',
    "[" * 300 + "]" * 300, "[" * 1_200 + "]" * 1_200, "[]", "{}", "", "01", "9" * 400,
]  # fmt: skip
TEXTS = st.recursive(
    st.sampled_from(SCALARS) | st.integers().map(str) | st.floats().map(json.dumps) | st.text(max_size=5).map(json.dumps),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda parts: f"[{','.join(parts)}]")
        | st.lists(st.tuples(st.sampled_from(NAMES).map(json.dumps), inner), max_size=4).map(  # a name may come twice
            lambda pairs: "{" + ",".join(f"{name}:{value}" for name, value in pairs) + "}"
        )
    ),
    max_leaves=8,
)  # fmt: skip
ACTIONS = st.sampled_from(
    ['{"index":{"_index":"one","_id":5}}', '{"create":{"_index":"two-2026.01.01","_id":"\\ud800"}}', '{"create":{"_index":"SentinelHealth"}}',
     '{"index":{"_index":"!!"}}', '{"delete":{"_index":"one","_id":"1"}}', '{"update":{"_id":"1"}}', '{"index":{}}', "{}"]
)  # fmt: skip


@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.sampled_from(sorted(set(DOORS) - {"otlp"})), st.lists(TEXTS, max_size=6), st.lists(ACTIONS, max_size=6),
    st.sampled_from(["\n", ",", "", " \r\n "]), st.sampled_from(["{}", "[{}]", '{{"sourcesystem":"s","value":[{}]}}']),
)  # fmt: skip
def test_whatever_is_sent_it_finds_what_the_server_would_or_leaves_it(
    reader: BodyReader, name: str, texts: list[str], actions: list[str], between: str, around: str
) -> None:
    path = {"splunk-hec": "/services/collector", "threat-intelligence": "/w/threatintelligence:upload-indicators"}.get(
        name, "/x"
    )
    request = _request(path, {"table": "T_CL", "rule": "dcr-1", "stream": "Custom-T", "index": ""}, {"recordId": "a"})
    text = around.format(between.join(texts))
    if name == "elastic-bulk":
        text = "\n".join(part for pair in zip(actions, texts) for part in pair)
    facts = {
        "logs-ingestion": "T_CL",
        "data-collector": {"a_d": "real", "a_b": "bool"},
        "elastic-bulk": ["One_CL"],
    }.get(name)
    body = text.encode("utf-8", "surrogatepass")
    process = reader.helper.pid
    found = reader._beside(DOORS[name], request, body, facts)
    assert reader.helper.pid == process, "nothing that is sent ends it"
    try:
        here = DOORS[name].read(request, body, facts)
    except VedetteError:
        assert found is None
        return
    if found is not None:
        assert _plain(found) == _plain(here)
