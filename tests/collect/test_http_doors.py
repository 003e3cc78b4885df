"""The HTTP front doors, with the clients that senders really use."""

from __future__ import annotations

import base64
import errno
import gzip
import hashlib
import hmac
import io
import json
import logging
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httpx
import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError
from azure.monitor.ingestion import LogsIngestionClient
from elasticsearch import Elasticsearch, helpers
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from splunk_hec_handler import SplunkHecHandler

from tests.collect.conftest import Doors
from vedette.collect.http.gate import Grant
from vedette.core.accounts import local_operator
from vedette.core.errors import TooManyRequests, Unavailable
from vedette.core.roles import Permission
from vedette.store import frames, spool
from vedette.store.intake import Intake

# -- plain JSON


@pytest.mark.req("P-036", "P-046")
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"n": 1, "way": "object"}', [1]),
        (b'[{"n": 1, "way": "array"}, {"n": 2, "way": "array"}]', [1, 2]),
        (b'{"n": 1, "way": "lines"}\n\n{"n": 2, "way": "lines"}\r\n', [1, 2]),
        (b'{\n "n": 1,\n "way": "pretty"\n}\n', [1]),
        (b'{"n": 1, "way": "sur\\ud800rogate"}', [1]),
        (b'{\n "n": 1,\n "way": "printed"\n}\n{\n "n": 2,\n "way": "printed"\n}\n', [1, 2]),
        (b'\xef\xbb\xbf[{"n": 1, "way": "marked"}]', [1]),
        (b'{"n": 1, "way": "streamed"}{"n": 2, "way": "streamed"} {"n": 3, "way": "streamed"}', [1, 2, 3]),
        ('\ufeff{"n": 1, "way": "wide"}'.encode("utf-16-le"), [1]),
    ],
)
def test_plain_json(doors: Doors, content: bytes, expected: list[int]) -> None:
    read = content.decode("utf-16" if content[:1] == b"\xff" else "utf-8")
    way = "surrogate" if "sur" in read else read.split('"way": "')[1].split('"')[0]
    assert doors.post("/ingest/Plain_CL", content).json() == {"accepted": len(expected), "unreadable": 0}
    found = doors.rows(f"Plain_CL | where replace_regex(way, '[^a-z]', '') == '{way}' | project n | sort by n asc")
    assert [row[0] for row in found] == expected


def test_gzip_into_a_known_table(doors: Doors) -> None:
    row = {
        "TimeGenerated": "2026-03-01T10:00:00.1234567Z",
        "UserPrincipalName": "gzip@contoso.example",
        "Surplus": {"a": 1},
    }
    assert doors.post("/ingest/SigninLogs", gzip.compress(json.dumps(row).encode()), Content_Encoding="gzip").is_success
    query = "SigninLogs | where UserPrincipalName startswith 'gzip' | project TimeGenerated"
    assert doors.rows(query) == [["2026-03-01T10:00:00.1234567Z"]]
    services = doors.running.application.services(doors.running.application.workspace("default"))
    assert "Surplus" in services.logs.describe("SigninLogs").extra


def test_a_line_that_cannot_be_read_is_kept_whole_with_its_reason(doors: Doors) -> None:
    long = "x" * 50_000
    answer = doors.post("/ingest/Mixed_CL", f'{{"n": 1}}\n{{"n": {long}\n[1]\n').json()
    assert (answer["accepted"], answer["unreadable"]) == (1, 2)
    assert [one["line"] for one in answer["errors"]] == [2, 3]
    kept = doors.rows(
        "VedetteDeadLetter_CL | where TableName == 'Mixed_CL' | project Line, Reason, Raw | sort by Line asc"
    )
    assert kept[0][0] == 2
    assert kept[0][1].startswith("invalid JSON at character 7")
    assert kept[0][2] == f'{{"n": {long}'
    assert kept[1] == [3, "not a JSON object but an array", "[1]"]


def test_a_record_that_is_sent_again_is_stored_once(doors: Doors) -> None:
    for _ in range(3):
        assert doors.post(
            "/ingest/Once_CL?recordId=id", b'[{"id": "a"}, {"id": "b"}, {"id": "a"}, {"other": 1}]'
        ).is_success
    assert doors.rows("Once_CL | summarize count() by id | sort by id asc") == [["", 3], ["a", 1], ["b", 1]]


@pytest.mark.parametrize(
    ("path", "content", "headers", "status"),
    [
        ("/ingest/Bad_CL", b"", {"Authorization": ""}, 401),
        ("/ingest/Bad_CL", b"{}", {"Authorization": "Bearer vdt_0123456789abcdef_" + "0" * 64}, 401),
        ("/ingest/Bad_CL?workspace=other", b"{}", {}, 404),
        ("/ingest/1Bad", b"{}", {}, 400),
        ("/ingest/signinLogs", b"{}", {}, 400),
        ("/ingest/SigninLog", b"{}", {}, 400),
        ("/ingest/Firewall", b"{}", {}, 400),
        ("/ingest/Bad_CL", b"nonsense", {}, 400),
        ("/ingest/Bad_CL", b"[1]", {}, 400),
        ("/ingest/Bad_CL", b"{}", {"Content-Encoding": "gzip"}, 400),
        ("/ingest/Bad_CL", gzip.compress(b"{}" * 99)[:-12], {"Content-Encoding": "gzip"}, 400),
        ("/ingest/Bad_CL", b"{}", {"Content-Encoding": "br"}, 415),
        ("/ingest/Bad_CL", gzip.compress(b" " * (31 << 20)), {"Content-Encoding": "gzip"}, 413),
    ],
)
def test_what_is_refused(doors: Doors, path: str, content: bytes, headers: dict[str, str], status: int) -> None:
    answer = doors.post(path, content, **headers)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert error["code"].startswith("VDT")
    assert error["message"]
    assert "Traceback" not in answer.text


def test_a_table_that_nobody_knows_is_made_only_with_the_name_of_a_custom_one(doors: Doors) -> None:
    """Else rows that are sent to a name with a letter too few would be in a table that no rule reads."""
    error = doors.post("/ingest/SigninLog", b"{}").json()["error"]
    assert error["message"] == "There is no table 'SigninLog', and the name of a custom table ends in _CL."
    assert error["hint"] == "Name it SigninLog_CL, or did you mean 'SigninLogs'?"
    assert doors.post("/ingest/Zzz", b"{}").json()["error"]["hint"] == "Name it Zzz_CL."
    doors.running.application.stores.open(doors.workspace_id).append("Loaded", [{"n": 1}])
    assert doors.post("/ingest/Loaded", b'{"n": 2}').is_success
    assert doors.rows("Loaded | project n | sort by n asc") == [[1], [2]]


def test_a_token_for_ingestion_can_do_nothing_else(doors: Doors) -> None:
    headers = {"Authorization": f"Bearer {doors.token}"}
    base = f"{doors.url}/api/v1/workspaces/default"
    assert httpx.post(f"{base}/query", json={"query": "print 1"}, headers=headers, timeout=60).status_code == 403
    assert httpx.get(f"{base}/incidents", headers=headers, timeout=60).status_code == 403
    assert httpx.post(f"{base}/ingestion/shared-key", headers=headers, timeout=60).status_code == 403


@pytest.mark.parametrize("table", ["SentinelAudit", "SentinelHealth", "VedetteIngestion_CL", "VedetteDeadLetter_CL"])
def test_no_sender_writes_what_the_server_says_of_itself(doors: Doors, table: str, shared_key: str) -> None:
    forged = b'[{"Forged": "yes"}]'
    rule = f"/dataCollectionRules/dcr-default/streams/Custom-{table}?api-version=2023-01-01"
    answers = [
        doors.post(f"/ingest/{table}", forged),
        doors.post(f"/ingest/{table.lower()}", forged),
        doors.post(rule, forged, Content_Type="application/json"),
        doors.post(f"/{table}/_bulk", b'{"index": {}}\n{"Forged": "yes"}\n', Content_Type="application/x-ndjson"),
    ]
    if table.endswith("_CL"):
        answers.append(collector(doors, shared_key, [{"Forged": "yes"}], **{"Log-Type": table.removesuffix("_CL")}))
    for answer in answers:
        assert answer.status_code == 400, answer.text
        assert "written by Vedette itself" in answer.text
    # HEC keeps an event whose index is no table that it may go into.
    event = json.dumps({"index": table, "event": {"Forged": table}}).encode()
    assert doors.post("/services/collector/event", event).json()["code"] == 0
    assert doors.rows(f"SplunkEvents_CL | where tostring(Event) contains '{table}' | count") == [[1]]
    assert doors.rows(f"{table} | where isnotempty(column_ifexists('Forged', '')) | count") == [[0]]


FORGED = {
    "Type": "SecurityAlert", "TenantId": "mine", "_ResourceId": "/subscriptions/a", "_SubscriptionId": "a", "_ItemId": "first",
    "_TimeReceived": "2001-01-01T00:00:00Z", "_BilledSize": 0.5, "_IsBillable": "false",
}  # fmt: skip
"""What the store says of a row, as a sender would have it."""


@pytest.mark.req("P-036", "P-046")
@pytest.mark.parametrize("table", ["Forged_CL", "CommonSecurityLog"])
@pytest.mark.parametrize("door", ["json", "logs-ingestion", "bulk", "hec"])
def test_no_sender_says_what_the_store_knows_of_a_row(doors: Doors, door: str, table: str) -> None:
    row = {"DeviceVendor": f"forged {door}", "Type_s": "its own"} | FORGED
    event = json.dumps(row)
    stream = f"{'Custom' if table.endswith('_CL') else 'Microsoft'}-{table}"
    rule = f"/dataCollectionRules/dcr-default/streams/{stream}?api-version=2023-01-01"
    answer = {
        "json": lambda: doors.post(f"/ingest/{table}", event),
        "logs-ingestion": lambda: doors.post(rule, f"[{event}]", Content_Type="application/json"),
        "bulk": lambda: doors.post(f"/{table}/_bulk", f'{{"create": {{}}}}\n{event}\n', Content_Type="application/x-ndjson"),
        "hec": lambda: doors.post("/services/collector/event", f'{{"index": "{table}", "event": {event}}}'),
    }[door]()  # fmt: skip
    assert answer.is_success, answer.text
    said = "Type, TenantId, _ResourceId, _SubscriptionId, _ItemId != 'first', _TimeReceived > ago(1d), _BilledSize > 100, _IsBillable"
    query = f"{table} | where DeviceVendor == 'forged {door}'"
    assert doors.rows(f"{query} | project {said}") == [[table, doors.workspace_id, "", "", True, True, True, ""]]
    kept = {"Type_s": "its own", "Type_s_s": "SecurityAlert", "TenantId_s": "mine", "_ItemId_s": "first", "_BilledSize_d": 0.5,
            "_TimeReceived_t": "2001-01-01T00:00:00", "_IsBillable_s": "false"}  # fmt: skip
    read = ", ".join(f"tostring(column_ifexists('{name}', dynamic(null)))" for name in kept)
    (found,) = doors.rows(f"{query} | project {read}")
    assert [one.removesuffix(".0000000Z").removesuffix("Z") for one in found] == [str(one) for one in kept.values()]


def test_a_token_without_the_permission_is_refused_before_the_body_is_read(doors: Doors) -> None:
    identity = doors.running.application.identity
    reader = identity.create_token(
        "local-operator", "reads", by=local_operator(doors.running.data), permissions=[Permission.QUERY]
    ).text.reveal()
    answer = doors.post("/ingest/Bad_CL", b"x" * 1000, Authorization=f"Bearer {reader}")
    assert answer.status_code == 403
    assert "data/ingest" in answer.json()["error"]["message"]


@pytest.mark.parametrize("door", ["plain", "rule", "key"])
def test_a_record_that_is_too_much_leaves_its_neighbours(doors: Doors, door: str, shared_key: str) -> None:
    """A shipper that is told 400 throws all of them away."""
    records = b'[{"n": 1}, {"n": 1' + b"0" * 400 + b'}, {"n": ' + b"[" * 2000 + b"]" * 2000 + b'}, {"n": 4}]'
    if door == "plain":
        answer = doors.post("/ingest/Neighbours_plain_CL", records)
        assert (answer.json()["accepted"], answer.json()["unreadable"]) == (2, 2)
    elif door == "rule":
        path = "/dataCollectionRules/dcr-default/streams/Custom-Neighbours_rule_CL?api-version=2023-01-01"
        assert doors.post(path, records, Content_Type="application/json").status_code == 204
    else:
        assert collector(doors, shared_key, records, **{"Log-Type": "Neighbours_key"}).status_code == 200
    table, column = f"Neighbours_{door}_CL", "n_d" if door == "key" else "n"
    assert doors.rows(f"{table} | project n = toint({column}) | sort by n asc") == [[1], [4]]
    raw = doors.rows(
        f"VedetteDeadLetter_CL | where TableName == '{table}' | project Raw, Reason | sort by strlen(Raw) asc"
    )
    assert [one.encode() in records for one, _ in raw] == [True, True]
    assert [len(one) for one, _ in raw] == [408, 4007]
    assert "infinity" in raw[0][1]
    assert "depth" in raw[1][1]


# -- Logs Ingestion API


class _Credential:
    def __init__(self, token: str) -> None:
        self._token = token

    def get_token(self, *scopes: str, **more: Any) -> AccessToken:
        assert scopes == ("https://monitor.azure.com//.default",) or scopes == ("https://monitor.azure.com/.default",)
        return AccessToken(self._token, 4_000_000_000)


@pytest.mark.req("P-046")
def test_the_official_client_of_the_logs_ingestion_api_over_tls(over_tls: tuple[Doors, str, Path]) -> None:
    doors, url, ca = over_tls
    client = LogsIngestionClient(url, _Credential(doors.token), connection_verify=str(ca), retry_total=0)
    rule = "dcr-" + doors.workspace_id.replace("-", "")
    records = [{"n": number, "text": "x" * 1000} for number in range(2500)]  # more than one request of 1 MB
    client.upload(rule, "Custom-Uploaded_CL", records)
    client.upload(rule, "Microsoft-CommonSecurityLog", [{"DeviceVendor": "uploaded"}])
    assert doors.rows("Uploaded_CL | summarize count(), sum(n)") == [[2500, sum(range(2500))]]
    assert doors.rows("CommonSecurityLog | where DeviceVendor == 'uploaded' | count") == [[1]]
    with pytest.raises(HttpResponseError) as refused:
        client.upload("dcr-0123456789abcdef0123456789abcdef", "Custom-X_CL", records[:1])
    assert (refused.value.status_code, refused.value.error.code) == (404, "NotFound")  # type: ignore[union-attr]
    with pytest.raises(HttpResponseError) as refused:
        client.upload(rule, "Microsoft-NoSuchTable", records[:1])
    assert refused.value.status_code == 404
    wrong = LogsIngestionClient(url, _Credential("nothing"), connection_verify=str(ca), retry_total=0)
    with pytest.raises(HttpResponseError) as refused:
        wrong.upload(rule, "Custom-X_CL", records[:1])
    assert refused.value.status_code == 401


@pytest.mark.parametrize(
    ("content", "headers", "version", "status", "code"),
    [
        (b'{"a": 1}', {}, "2023-01-01", 400, "InvalidContent"),
        (b"[1", {}, "2023-01-01", 400, "InvalidContent"),
        (b"[]", {}, "2020-01-01", 400, "InvalidApiVersion"),
        (b"[]", {"Content-Type": "text/plain"}, "2023-01-01", 415, "UnsupportedContentType"),
        (b"[" + b" " * (1 << 20) + b"]", {}, "2023-01-01", 413, "ContentLengthLimitExceeded"),
        (gzip.compress(b"[" + b" " * (1 << 20) + b"]"), {"Content-Encoding": "gzip"}, "2023-01-01", 413, "ContentLengthLimitExceeded"),
    ],
)  # fmt: skip
def test_errors_of_the_logs_ingestion_api(
    doors: Doors, content: bytes, headers: dict[str, str], version: str, status: int, code: str
) -> None:
    path = f"/dataCollectionRules/dcr-default/streams/Custom-X_CL?api-version={version}"
    answer = doors.post(path, content, **({"Content-Type": "application/json"} | headers))
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


# -- HTTP Data Collector API


@pytest.fixture(scope="module")
def shared_key(doors: Doors) -> str:
    application = doors.running.application
    services = application.services(application.workspace("default"))
    return str(services.new_shared_key(local_operator(doors.running.data))["sharedKey"])


def collector(doors: Doors, key: str, records: Any, *, at: datetime | None = None, **headers: str) -> httpx.Response:
    content = records if isinstance(records, bytes) else json.dumps(records).encode()
    date = format_datetime(at or datetime.now(UTC), usegmt=True)
    text = f"POST\n{len(content)}\napplication/json\nx-ms-date:{date}\n/api/logs"
    signature = base64.b64encode(hmac.new(base64.b64decode(key), text.encode(), hashlib.sha256).digest()).decode()
    given = {
        "Authorization": f"SharedKey {doors.workspace_id}:{signature}", "Log-Type": "Collected", "x-ms-date": date,
        "Content-Type": "application/json",
    }  # fmt: skip
    return httpx.post(
        f"{doors.url}/api/logs", params={"api-version": "2016-04-01"}, content=content,
        headers={name: value for name, value in (given | headers).items() if value},
    timeout=60)  # fmt: skip


@pytest.mark.req("P-046")
def test_the_data_collector_api_makes_typed_columns(doors: Doors, shared_key: str) -> None:
    record = {
        "text": "a", "number": 42, "flag": True, "moment": "2026-03-01T10:00:00Z", "nested": [{"a": [1]}], "nothing": None,
        "id": "8145d822-13a7-44ad-859c-36f31a84f6dd", "TimeGenerated": "never",
    }  # fmt: skip
    assert collector(doors, shared_key, [record], **{"time-generated-field": "moment"}).status_code == 200
    query = "Collected_CL | project TimeGenerated, text_s, number_d, flag_b, moment_t, nested_s, id_g, SourceSystem"
    expected = [
        "2026-03-01T10:00:00.0000000Z", "a", 42.0, True, "2026-03-01T10:00:00.0000000Z", '[{"a":[1]}]',
        "8145d822-13a7-44ad-859c-36f31a84f6dd", "RestAPI",
    ]  # fmt: skip
    assert doors.rows(query) == [expected]
    # texts go into the columns that are there if they convert, and make columns of their own if they do not
    assert collector(doors, shared_key, {"number": "43", "flag": "true", "second": 1}).status_code == 200
    assert collector(doors, shared_key, {"number": "many", "flag": 1}).status_code == 200
    query = "Collected_CL | where isempty(text_s) | project number_d, flag_b, number_s, flag_d | sort by number_d desc"
    assert doors.rows(query) == [[43.0, True, "", None], [None, None, "many", 1.0]]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (
            {"actor": {"id": "00u1", "detailEntry": {"score": 3}}, "target": [{"id": "x"}], "nothing": {}},
            {"actor_id_s": "00u1", "actor_detailEntry_score_d": 3.0, "target_s": '[{"id":"x"}]', "nothing_s": "{}"},
        ),
        ({"id.orig_h": "10.0.0.1", "a b": 1, "x-y": True}, {"id_orig_h_s": "10.0.0.1", "a_b_d": 1.0, "x_y_b": True}),
        ({"a": {"b": 1}, "a_b": 2, "a.b": 3}, {"a_b_d": 2.0, "a_b__d": 3.0, "a_b___d": 1.0}),
        (
            {"Computer": "web-1", "Message": "m", "Category": "c", "IPAddress": "10.0.0.1", "message": "n"},
            {"Computer": "web-1", "Message": "m", "Category": "c", "IPAddress": "10.0.0.1", "message_s": "n"},
        ),
        ({"Message": 5, "host": {"Computer": "web-1"}}, {"Message_d": 5.0, "host_Computer_s": "web-1"}),
    ],
)  # fmt: skip
@pytest.mark.req("P-046")
def test_the_columns_of_a_collected_record(
    doors: Doors, shared_key: str, record: dict[str, object], expected: dict[str, object]
) -> None:
    assert collector(doors, shared_key, [record | {"which": str(record)}], **{"Log-Type": "Shaped"}).status_code == 200
    text = "Shaped_CL | where which_s == which | project-away which_s, TimeGenerated, TenantId, Type, SourceSystem, _*"
    query = f"let which = {json.dumps(str(record))}; {text} | project made = pack_all(true)"
    assert doors.rows(query) == [[expected]]


def test_what_a_collected_record_calls_by_a_reserved_name_is_kept(doors: Doors, shared_key: str) -> None:
    record = {"tenant": "t", "TimeGenerated": "2026-03-01T10:00:00Z", "RawData": "raw", "n": 1}
    resource = "/subscriptions/A/resourceGroups/B"
    assert collector(doors, shared_key, [{"n": 0} | FORGED], **{"Log-Type": "Named"}).status_code == 200
    query = "Named_CL | project Type, TenantId, _ResourceId, _ItemId != 'first', Type_s, TenantId_s, _ResourceId_s, _BilledSize_d"
    assert doors.rows(query) == [
        ["Named_CL", doors.workspace_id, "", True, "SecurityAlert", "mine", "/subscriptions/a", 0.5]
    ]
    sent = [
        collector(doors, shared_key, [record], **{"Log-Type": "Kept"}),
        collector(doors, shared_key, [record | {"n": 2}], **{"Log-Type": "Kept", "time-generated-field": "TimeGenerated",
                                                             "x-ms-AzureResourceId": resource}),
    ]  # fmt: skip
    assert [one.status_code for one in sent] == [200, 200]
    query = "Kept_CL | sort by n_d asc | project tenant_s, RawData, TimeGenerated_s, Own = TimeGenerated < ago(1d), _ResourceId"
    assert doors.rows(query) == [
        ["t", "raw", "2026-03-01T10:00:00Z", False, ""],
        ["t", "raw", "", True, resource.lower()],
    ]


def test_the_signature_of_the_documented_example(shared: Path) -> None:
    vector = json.loads((shared / "contracts" / "la_http_data_collector_testvector.json").read_text(encoding="utf-8"))
    from vedette.collect.http.gate import _signed
    from vedette.core.redaction import Secret

    signature = vector["headers"]["Authorization"].partition(":")[2]
    assert _signed(Secret(vector["sharedKey_base64"]), vector["stringToSign"], signature)
    assert not _signed(Secret(vector["sharedKey_base64"]), vector["stringToSign"] + " ", signature)


@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        (b"{}", {"Authorization": "SharedKey x:y"}, 400, "InvalidCustomerId"),
        (b"{}", {"Authorization": f"SharedKey {'0' * 8}-0000-0000-0000-{'0' * 12}:y"}, 403, "InvalidAuthorization"),
        (b"{}", {"Authorization": ""}, 403, "InvalidAuthorization"),
        (b"{}", {"Log-Type": ""}, 400, "MissingLogType"),
        (b"{}", {"Log-Type": "a-b"}, 400, "InvalidLogType"),
        (b"{", {}, 400, "InvalidDataFormat"),
        (b"{}", {"Content-Type": "text/plain"}, 400, "UnsupportedContentType"),
    ],
)
def test_errors_of_the_data_collector_api(
    doors: Doors, shared_key: str, content: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    answer = collector(doors, shared_key, content, **headers)
    assert (answer.status_code, answer.json()["Error"]) == (status, code)


def test_an_old_signature_is_good_no_longer(doors: Doors, shared_key: str) -> None:
    answer = collector(doors, shared_key, {}, at=datetime.now(UTC) - timedelta(minutes=20))
    assert answer.status_code == 403


# -- Splunk HEC


@pytest.mark.req("P-036", "P-046")
def test_a_handler_for_splunk(doors: Doors) -> None:
    host, _, port = doors.url.removeprefix("http://").partition(":")
    handler = SplunkHecHandler(
        host, doors.token, port=int(port), proto="http", ssl_verify=False, source="app", sourcetype="_json"
    )
    logger = logging.Logger("hec")
    logger.addHandler(handler)
    logger.warning("something happened")
    logger.error({"what": "structured", "n": 3})
    found = doors.rows("SplunkEvents_CL | where Source == 'app' | project Text = tostring(Event) | sort by Text asc")
    assert len(found) == 2
    assert any("something happened" in row[0] for row in found)
    assert any('"structured"' in row[0] for row in found)


def test_hec_events_and_raw_lines(doors: Doors) -> None:
    events = (
        b'{"time": 1772359200.5, "host": "h1", "source": "many", "event": "one"}{"event": {"a": 1}, "source": "many", '
        b'"fields": {"f": "v"}}\n{"event": {"DeviceVendor": "hec"}, "sourcetype": "CommonSecurityLog", "time": "1772359200"}'
    )
    answer = doors.post("/services/collector/event", events, Authorization=f"Splunk {doors.token}")
    assert answer.json() == {"text": "Success", "code": 0}
    found = doors.rows("SplunkEvents_CL | where Source == 'many' | project Host, Event, Fields | sort by Host desc")
    assert found == [["h1", "one", None], ["", {"a": 1}, {"f": "v"}]]
    assert doors.rows("CommonSecurityLog | where DeviceVendor == 'hec' | project TimeGenerated") == [
        ["2026-03-01T10:00:00.0000000Z"]
    ]
    basic = base64.b64encode(f"x:{doors.token}".encode()).decode()
    raw = doors.post(
        "/services/collector/raw?source=rawlines&host=h2", b"first\nsecond\n", Authorization=f"Basic {basic}"
    )
    assert raw.json()["code"] == 0
    assert (
        doors.rows("SplunkEvents_CL | where Source == 'rawlines' | summarize make_set(tostring(Event)) by Host")[0][0]
        == "h2"
    )
    assert httpx.get(f"{doors.url}/services/collector/health", timeout=60).json()["code"] == 17


def test_a_raw_line_ends_where_splunk_ends_it(doors: Doors) -> None:
    body = "one\r\n\ntwo\x0bof\u0085a\u2028kind\nthree\r".encode()
    answer = doors.post("/services/collector/raw?source=ends", body, Authorization=f"Splunk {doors.token}")
    assert answer.json()["code"] == 0
    query = "SplunkEvents_CL | where Source == 'ends' | project tostring(Event)"
    assert sorted(row[0] for row in doors.rows(query)) == ["one", "three", "two\x0bof\u0085a\u2028kind"]


def test_what_an_address_says_of_hec_events_holds_unless_they_say_otherwise(doors: Doors) -> None:
    given = {"Authorization": f"Splunk {doors.token}"}
    path = "/services/collector/event?host=h&source=defaults&sourcetype=s&time=1772359200"
    assert doors.post(
        path, b'\xef\xbb\xbf{"event": "a"}{"event": "b", "host": "own", "time": 1772359201500, "more": 1}', **given
    ).is_success
    found = doors.rows(
        "SplunkEvents_CL | where Source == 'defaults' | project TimeGenerated, Host, SourceType | sort by Host asc"
    )
    assert found == [["2026-03-01T10:00:00.0000000Z", "h", "s"], ["2026-03-01T10:00:01.5000000Z", "own", "s"]]
    event = b'{"index": "HecRows_CL", "host": "h", "fields": {"f": 1}, "event": {"a": 1}}'
    assert doors.post("/services/collector/event", event, **given).is_success
    assert doors.rows("HecRows_CL | project a, Host, tostring(Fields.f)") == [[1, "h", "1"]]
    answer = doors.post(f"/services/collector?token={doors.token}", b'{"event": 1}', Authorization="")
    assert (answer.status_code, answer.json()["code"]) == (400, 16)


@pytest.mark.parametrize(
    ("content", "authorization", "status", "code"),
    [
        (b"{}", "", 401, 2),
        (b"{}", "Negotiate x", 401, 3),
        (b"{}", "Splunk wrong", 403, 4),
        (b" ", None, 400, 5),
        (b'{"event": 1} nonsense', None, 400, 6),
        (b'{"host": "a"}', None, 400, 12),
        (b'{"event": ""}', None, 400, 13),
        (b'{"event": 1, "fields": [1]}', None, 400, 15),
        (b'{"event": 1, "fields": {"a": {"b": 1}}}', None, 400, 15),
    ],
)
def test_errors_of_hec(doors: Doors, content: bytes, authorization: str | None, status: int, code: int) -> None:
    given = f"Splunk {doors.token}" if authorization is None else authorization
    answer = doors.post("/services/collector", content, Authorization=given)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


# -- Elasticsearch


@pytest.mark.req("P-036", "P-046")
@pytest.mark.parametrize("path", ["", "/elasticsearch"])
def test_the_official_client_of_elasticsearch(doors: Doors, path: str) -> None:
    client = Elasticsearch(doors.url + path, basic_auth=("vedette", doors.token))
    assert client.info()["version"]["number"]
    name = f"app{path.replace('/', '-')}"
    actions = [
        {
            "_index": f"{name}-2026.03.01",
            "_id": str(number),
            "@timestamp": "2026-03-01T10:00:00Z",
            "n": number,
            "host": {"name": "h"},
        }
        for number in range(5)
    ]
    assert helpers.bulk(client, actions) == (5, [])
    assert helpers.bulk(client, actions) == (5, [])  # tried again: the same documents
    table = f"{name.replace('-', '_')}_CL"
    query = f"{table} | summarize count(), sum(n), any(TimeGenerated), any(tostring(host.name))"
    assert doors.rows(query) == [[5, 10, "2026-03-01T10:00:00.0000000Z", "h"]]


def test_each_document_has_its_result(doors: Doors) -> None:
    content = b'{"index":{}}\n{"a":1}\n{"delete":{"_id":"1"}}\n{"create":{"_index":"signinlogs"}}\n{"a":\n{"update":{"_id":"1"}}\n{}\n'
    answer = doors.post("/results/_bulk", content, Content_Type="application/x-ndjson").json()
    assert answer["errors"] is True
    assert [[action, item[action]["status"]] for item in answer["items"] for action in item] == [
        ["index", 201], ["delete", 400], ["create", 400], ["update", 400],
    ]  # fmt: skip
    assert doors.rows("VedetteDeadLetter_CL | where TableName == 'SigninLogs' | project Raw") == [['{"a":']]
    malformed = doors.post("/results/_bulk", b'{"bulk":{}}\n{}\n')
    assert malformed.status_code == 400
    assert "action/metadata line [1]" in malformed.json()["error"]["reason"]
    assert doors.post("/_bulk", b"{}", Authorization="").status_code == 401
    assert doors.post("/_license", b"{}").status_code == 405


@pytest.mark.req("P-036", "P-046")
def test_a_document_with_an_id_is_made_once(doors: Doors) -> None:
    def sent(*actions: tuple[str, str, int]) -> list[tuple[int, str]]:
        lines = [
            json.dumps(one)
            for action, name, n in actions
            for one in ({action: {"_id": name} if name else {}}, {"n": n})
        ]
        answer = doors.post("/made/_bulk", "\n".join(lines) + "\n", Content_Type="application/x-ndjson").json()
        told = [next(iter(item.values())) for item in answer["items"]]
        assert answer["errors"] is any("error" in one for one in told)
        return [(one["status"], one["error"]["type"] if "error" in one else one["result"]) for one in told]

    created, conflict, noop = (201, "created"), (409, "version_conflict_engine_exception"), (200, "noop")
    expected = [created, conflict, created, noop, created, created]
    actions = [
        ("create", "a", 1),
        ("create", "a", 2),
        ("index", "b", 3),
        ("index", "b", 4),
        ("create", "", 5),
        ("index", "", 6),
    ]
    assert sent(*actions) == expected, "in one request"
    assert sent(("create", "a", 7), ("create", "b", 8), ("index", "a", 9)) == [conflict, conflict, noop], (
        "while they wait"
    )
    assert doors.rows("made_CL | project n | sort by n asc") == [[1], [3], [5], [6]]
    assert sent(("create", "a", 10), ("index", "b", 11), ("create", "c", 12)) == [conflict, noop, created], (
        "in the table"
    )
    assert doors.rows("made_CL | summarize make_list(n) | project array_sort_asc(list_n)") == [[[1, 3, 5, 6, 12]]]
    elsewhere = doors.post("/made-2026.03.01/_bulk", b'{"create": {"_id": "a"}}\n{"n": 13}\n').json()
    assert elsewhere["items"][0]["create"]["status"] == 201, "an id is its index's"


def test_what_is_not_accepted_may_be_sent_again(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    body = b'{"create": {"_id": "a"}}\n{"n": 1}\n'
    with monkeypatch.context() as patched:

        def full(*_: object, **__: object) -> None:
            raise TooManyRequests("Too much is waiting.", retry_after=1.0)

        patched.setattr(Intake, "accept_together", full)
        assert doors.post("/again/_bulk", body).status_code == 429
    assert doors.post("/again/_bulk", body).json()["items"][0]["create"]["status"] == 201
    assert doors.rows("again_CL | project n") == [[1]]


def test_what_shippers_ask_of_elasticsearch_before_they_send(doors: Doors) -> None:
    headers = {"Authorization": f"Bearer {doors.token}"}
    for prefix in ("", "/elasticsearch"):
        base = doors.url + prefix
        assert httpx.get(f"{base}/_cluster/health", headers=headers, timeout=60).json()["status"] == "green"
        assert httpx.head(f"{base}/_index_template/filebeat", headers=headers, timeout=60).status_code == 404
        assert httpx.put(f"{base}/_index_template/filebeat", headers=headers, json={}, timeout=60).json() == {
            "acknowledged": True
        }
        missing = httpx.get(f"{base}/_xpack", headers=headers, timeout=60)
        assert (missing.status_code, missing.json()["status"]) == (404, 404)
    assert doors.post("/elasticsearch/prefixed/_doc/_bulk", b'{"index": {}}\n{"a": 1}\n').json()["errors"] is False
    assert doors.rows("prefixed_CL | project a") == [[1]]


@pytest.mark.parametrize("stated", [True, False])
def test_a_sender_of_too_much_is_told_so(doors: Doors, stated: bool) -> None:
    path = "/dataCollectionRules/dcr-default/streams/Custom-Much_CL?api-version=2023-01-01"
    body = json.dumps([{"a": "x" * 1000} for _ in range(16_000)]).encode()
    headers = {"Authorization": f"Bearer {doors.token}", "Content-Type": "application/json", "Connection": "close"}
    connection = HTTPConnection(doors.url.removeprefix("http://"), timeout=60)
    try:  # it does not look for an answer before all is sent, and the server ends the connection after its own
        connection.request("POST", path, body if stated else io.BytesIO(body), headers)
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())["error"]["code"]) == (413, "ContentLengthLimitExceeded")
    finally:
        connection.close()


def test_a_wrong_method_is_told_as_azure_tells_it(doors: Doors) -> None:
    answer = httpx.get(f"{doors.url}/dataCollectionRules/dcr-default/streams/Custom-X_CL", timeout=60)
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "MethodNotAllowed")


@pytest.mark.parametrize("path", [
    "/ingest/X_CL", "/v1/logs", "/api/logs", "/services/collector/event", "/dataCollectionRules/a/streams/b", "/x/_bulk",
])  # fmt: skip
def test_an_address_that_only_takes_says_so(doors: Doors, path: str) -> None:
    answer = httpx.get(doors.url + path, headers={"Authorization": f"Bearer {doors.token}"}, timeout=60)
    assert (answer.status_code, answer.headers["content-type"]) == (405, "application/json")
    assert answer.headers["Allow"].startswith("POST")


@pytest.mark.parametrize("path", ["/ingest/", "/ingest"])
def test_an_address_without_a_table_says_so(doors: Doors, path: str) -> None:
    answer = doors.post(path, b"{}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VDT0606")
    assert answer.json()["error"]["hint"] == "Send to /ingest/TABLE."
    assert httpx.post(doors.url + path, content=b"{}").status_code == 401, "nobody else is told more"
    wrong = httpx.get(doors.url + path)
    assert (wrong.status_code, wrong.json()["error"]["code"], wrong.headers["Allow"]) == (405, "VDT0405", "POST")


def test_browsers_find_the_console_where_shippers_find_elasticsearch(doors: Doors) -> None:
    plain = httpx.get(doors.url, headers={"Accept": "text/html"}, timeout=60)
    assert "text/html" in plain.headers["content-type"]
    key = base64.b64encode(f"id:{doors.token}".encode()).decode()
    assert (
        httpx.get(doors.url, headers={"Authorization": f"ApiKey {key}"}, timeout=60).json()["tagline"]
        == "You Know, for Search"
    )


# -- OTLP


@pytest.mark.req("P-036", "P-046")
@pytest.mark.filterwarnings("ignore:`LoggingHandler` in `opentelemetry-sdk` is deprecated")
def test_the_exporter_of_opentelemetry(doors: Doors) -> None:
    provider = LoggerProvider(resource=Resource.create({"service.name": "shop", "list": ["a", "b"]}))
    exporter = OTLPLogExporter(
        f"{doors.url}/v1/logs", headers={"Authorization": f"Bearer {doors.token}"}, compression=None
    )
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    logger = logging.Logger("shop")
    logger.addHandler(LoggingHandler(logger_provider=provider))
    logger.error("no stock of %s", "lamps", extra={"count": 3})
    provider.shutdown()
    query = "OTelLogs | where ServiceName == 'shop' | project Body, SeverityNumber, toint(Attributes['count']), tostring(ResourceAttributes.list[1])"
    assert doors.rows(query) == [["no stock of lamps", SeverityNumber.ERROR.value, 3, "b"]]


def test_otlp_in_json(doors: Doors) -> None:
    body = {"resourceLogs": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "json"}}]}, "scopeLogs": [
        {"scope": {"name": "s", "attributes": [{"key": "a", "value": {"boolValue": True}}]}, "logRecords": [{"flags": 1,
            "observedTimeUnixNano": "1772359201000000000",
            "timeUnixNano": "1772359200123456789", "severityText": "WARN", "traceId": "5b8efff798038103d269b633813fc60c",
            "body": {"kvlistValue": {"values": [{"key": "k", "value": {"intValue": "7"}}]}}, "new": 1,
        }]}]}]}  # fmt: skip
    packed = gzip.compress(json.dumps(body).encode())
    answer = doors.post("/v1/logs", packed, Content_Type="application/json", Content_Encoding="gzip")
    assert answer.json() == {}
    query = "OTelLogs | where ServiceName == 'json' | project TimeGenerated, Body, SeverityText, TraceId, ScopeName"
    assert doors.rows(query) == [
        ["2026-03-01T10:00:00.1234567Z", '{"k":7}', "WARN", "5b8efff798038103d269b633813fc60c", "s"]
    ]
    services = doors.running.application.services(doors.running.application.workspace("default"))
    assert {"ObservedTime", "TraceFlags", "ScopeAttributes"} <= set(services.logs.describe("OTelLogs").extra)
    assert doors.post("/v1/logs", b'{"resourceLogs": null}', Content_Type="application/json").json() == {}
    # the names of the definition, which the JSON of protobuf has as well
    record = {
        "trace_id": "5b8efff798038103d269b633813fc60c",
        "span_id": "eee19b7ec3c1b174",
        "body": {"string_value": "defined"},
    }
    named = {"resource_logs": [{"scope_logs": [{"log_records": [record]}]}]}
    assert doors.post("/v1/logs", json.dumps(named).encode(), Content_Type="application/json").json() == {}
    assert doors.rows("OTelLogs | where Body == 'defined' | project TraceId, SpanId") == [
        ["5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174"]
    ]


@pytest.mark.parametrize(
    ("kind", "content", "status"),
    [
        ("application/json", b"[]", 400),
        ("application/json", b'{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"traceId": "zz"}]}]}]}', 400),
        ("application/x-protobuf", b"\xff\xff", 400),
        ("text/plain", b"x", 415),
    ],
)
def test_errors_of_otlp(doors: Doors, kind: str, content: bytes, status: int) -> None:
    answer = doors.post("/v1/logs", content, Content_Type=kind)
    assert answer.status_code == status
    assert answer.headers["content-type"] == ("application/x-protobuf" if "protobuf" in kind else "application/json")


# -- every door

EVERY_DOOR = [
    ("/ingest/Busy_CL", b"{}", "application/json", 429),
    (
        "/dataCollectionRules/dcr-default/streams/Custom-Busy_CL?api-version=2023-01-01",
        b"[{}]",
        "application/json",
        429,
    ),
    ("/services/collector", b'{"event": 1}', "application/json", 503),
    ("/busy/_bulk", b'{"index":{}}\n{}\n', "application/x-ndjson", 429),
    ("/v1/logs", b'{"resourceLogs": []}', "application/json", 429),
]


@pytest.mark.parametrize(("path", "content", "kind", "status"), EVERY_DOOR)
def test_senders_are_told_when_to_come_again(
    doors: Doors, monkeypatch: pytest.MonkeyPatch, path: str, content: bytes, kind: str, status: int
) -> None:
    def full(*_: object, **__: object) -> None:
        raise TooManyRequests("Too much is waiting.", retry_after=7)

    monkeypatch.setattr(Intake, "accept_together", full)
    answer = doors.post(path, content, Content_Type=kind)
    assert (answer.status_code, answer.headers["Retry-After"]) == (status, "7")


@pytest.mark.parametrize(
    ("path", "content", "kind"),
    [one[:3] for one in EVERY_DOOR] + [("/_bulk", b'{"index":{"_index":"a"}}\n{}\n{"index":{"_index":"b"}}\n{}\n', "application/json")],
)  # fmt: skip
def test_no_door_says_where_the_server_keeps_its_files(
    doors: Doors, monkeypatch: pytest.MonkeyPatch, path: str, content: bytes, kind: str
) -> None:
    def full(*_: object, **__: object) -> None:
        raise Unavailable("The spool /srv/data cannot be used: no space left on device.", file="/srv/data")

    monkeypatch.setattr(Intake, "accept_together", full)
    answer = doors.post(path, content, Content_Type=kind)
    assert "/srv" not in answer.text
    told = answer.status_code, answer.headers.get("Retry-After")
    assert told == ((200, None) if path == "/_bulk" else (503, "5"))
    assert path != "/_bulk" or [item["index"]["status"] for item in answer.json()["items"]] == [503, 503]


@pytest.mark.parametrize(("path", "content", "kind", "status"), EVERY_DOOR)
def test_no_door_shows_what_went_wrong_inside(
    doors: Doors, monkeypatch: pytest.MonkeyPatch, path: str, content: bytes, kind: str, status: int
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("internal detail")

    monkeypatch.setattr(Intake, "accept_together", broken)
    answer = doors.post(path, content, Content_Type=kind)
    assert answer.status_code == 500
    assert "internal detail" not in answer.text
    assert "Traceback" not in answer.text


def test_the_counts_are_told(doors: Doors) -> None:
    assert doors.post("/ingest/Counted_CL", b"[{}, {}]").is_success
    deadline = time.monotonic() + 60
    with doors.running.client() as client:
        while True:  # what the server says of itself comes in between, too
            doors.rows("Counted_CL | count")
            told = client.get("/workspaces/default/ingestion/stats").json()
            if told["stored"] + told["repeated"] == told["accepted"]:
                break
            assert time.monotonic() < deadline, told
    assert told["accepted"] >= 2
    assert (told["waitingRows"], told["trouble"]) == (0, None)


def test_of_documents_for_two_tables_each_tells_its_own_result_even_where_one_may_not_be_written(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sender that is told of the whole request sends again what will never be taken."""
    content = b'{"create": {"_index": "SentinelHealth"}}\n{"n": 1}\n{"create": {"_index": "busy"}}\n{"n": 1}\n'

    def full(self: Grant, rows: object, source: str) -> None:
        raise TooManyRequests("Too much is waiting.", retry_after=1)

    monkeypatch.setattr(Grant, "accept", full)
    answer = doors.post("/_bulk", content, Content_Type="application/x-ndjson")
    assert answer.status_code == 200
    assert [item["create"]["status"] for item in answer.json()["items"]] == [400, 429]
    alone = doors.post("/_bulk", content[content.index(b"busy") - 24 :], Content_Type="application/x-ndjson")
    assert alone.status_code == 429


SEVERAL_TABLES = {
    "/ingest/Lines_CL": (b'{"n": 1}\n17\n', {"Lines_CL": 2}),
    "/services/collector": (
        b"".join(b'{"index": "Hec%d_CL", "event": {"n": 1}}' % place for place in range(3)),
        {"Hec0_CL": 1, "Hec1_CL": 1, "Hec2_CL": 1},
    ),
    "/_bulk": (
        b"".join(
            b'{"index": {"_index": "Bulk%d_CL"}}\n%s\n' % (place, document)
            for place, document in enumerate((b'{"n": 1}', b'{"n": 2}', b"17"))
        ),
        {"Bulk0_CL": 1, "Bulk1_CL": 1, "Bulk2_CL": 1},
    ),
}  # fmt: skip


@pytest.mark.parametrize("path", SEVERAL_TABLES)
def test_a_request_for_several_tables_is_taken_whole_or_not_at_all(
    doors: Doors, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """The disk is full when the second table's rows are written; the sender repeats the whole request."""
    content, expected = SEVERAL_TABLES[path]
    tables = {*expected, "VedetteDeadLetter_CL"}
    with monkeypatch.context() as patched:
        written: list[str] = []

        def full(number: int, table: str, *arguments: Any, **named: Any) -> bytes:
            if table in tables:
                written.append(table)
                if len(written) == 2:
                    raise OSError(errno.ENOSPC, "No space left on device")
            return frames.frame(number, table, *arguments, **named)

        patched.setattr(spool, "frame", full)
        assert doors.post(path, content, Content_Type="application/json").status_code == 503
        assert len(set(written)) == 2
    assert doors.post(path, content, Content_Type="application/json").is_success
    own = ", ".join(sorted(tables - {"Bulk2_CL"}))
    found = doors.rows(
        f"union withsource=T isfuzzy=true {own} | extend T = iff(T == 'VedetteDeadLetter_CL', TableName, T) "
        f"| where T in ({', '.join(map(repr, sorted(expected)))}) | summarize count() by T"
    )
    assert dict(found) == expected


def test_a_table_that_gets_too_much_does_not_keep_the_documents_of_others(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is never taken is refused item by item, and has no part in what is taken whole."""

    def small(self: spool.Spool, size: int) -> None:
        self._check_most(size, 1000)

    monkeypatch.setattr(spool.Spool, "check_size", small)
    content = b"".join(
        b'{"create": {"_index": "%s", "_id": "1"}}\n{"text": "%s"}\n' % one
        for one in ((b"much", b"x" * 2000), (b"little", b"x"))
    )
    answer = doors.post("/_bulk", content, Content_Type="application/x-ndjson")
    assert [item["create"]["status"] for item in answer.json()["items"]] == [413, 201]
    assert doors.rows("little_CL | count") == [[1]]
    again = doors.post("/_bulk", content, Content_Type="application/x-ndjson")
    assert [item["create"]["status"] for item in again.json()["items"]] == [413, 409]


def test_too_much_at_once_is_no_fault_of_the_server(
    doors: Doors, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever runs it finds no error in its log for each sender that is to come again."""
    monkeypatch.setattr("vedette.api.limits.MAX_HELD", 200_000)
    answer = doors.post("/ingest/Much_CL", json.dumps([{"text": "x" * 400_000}]).encode())
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "1"
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
