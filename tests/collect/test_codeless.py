"""Sentinel's codeless definitions: what is read, what is refused by name, and how a source is polled."""

from __future__ import annotations

import base64
import copy
import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from vedette.collect.connectors.codeless.connector import Codeless, spelled
from vedette.collect.connectors.codeless.definition import read_definitions
from vedette.collect.connectors.codeless.json_path import json_path, select
from vedette.collect.connectors.contract import Page, PollFailure, Trouble
from vedette.core.clock import VirtualClock
from vedette.core.errors import InvalidInput
from vedette.core.redaction import Secret

START = datetime(2026, 3, 4, 10, 15, 30, tzinfo=UTC)
DEFINITION: dict[str, Any] = {
    "name": "contoso", "kind": "RestApiPoller", "type": "Microsoft.SecurityInsights/dataConnectors",
    "properties": {
        "connectorDefinitionName": "Contoso Audit", "dataType": "ContosoAudit_CL",
        "auth": {"type": "APIKey", "ApiKey": "[[parameters('apikey')]", "ApiKeyName": "X-Key", "ApiKeyIdentifier": ""},
        "request": {
            "apiEndpoint": "https://{{tenant}}.contoso.example/v1/events", "httpMethod": "GET",
            "queryTimeFormat": "yyyy-MM-ddTHH:mm:ssZ", "startTimeAttributeName": "since", "endTimeAttributeName": "until",
            "queryWindowInMin": 5, "queryParameters": {"kind": "audit"}, "headers": {"Accept": "application/json"},
            "rateLimitQPS": 100,
        },
        "response": {"eventsJsonPaths": ["$.data.events"], "format": "json"},
        "paging": {"pagingType": "NextPageToken", "nextPageTokenJsonPath": "$.next", "nextPageParaName": "token"},
    },
}  # fmt: skip
EVENTS = [{"id": number, "what": "sign-in"} for number in range(7)]
Handler = Callable[[httpx.Request], httpx.Response]


def changed(**parts: dict[str, Any] | None) -> dict[str, Any]:
    made = copy.deepcopy(DEFINITION)
    for name, value in parts.items():
        if value is None:
            made["properties"].pop(name)
        else:
            made["properties"][name] = {**made["properties"].get(name, {}), **value}
    return made


def opened(document: dict[str, Any], handler: Handler, **secrets: str) -> Any:
    (one,) = read_definitions(json.dumps(document))
    kind = Codeless(one, VirtualClock(START), httpx.MockTransport(handler))
    given = {
        "tenant": "acme",
        "user_name": "ada",
        "client_id": "c",
        "api_key": "k-1",
        "password": "p",
        "client_secret": "s",
        **secrets,
    }
    values = kind.manifest.check({field.name: given[field.name] for field in kind.manifest.fields})
    hidden = {field.name for field in kind.manifest.fields if field.secret}
    return kind.open(
        {name: value for name, value in values.items() if name not in hidden},
        {name: Secret(value) for name, value in values.items() if name in hidden},
    )


def drain(connection: Any) -> tuple[list[int], Page, int]:
    """The ids of all events of a poll, its last page, and how many pages there were."""
    cursor: dict[str, Any] = {}
    found = []
    for pages in range(1, 50):
        page = connection.poll("events", cursor)
        found += [event.row["id"] for event in page.events]
        assert {event.table for event in page.events} <= {"ContosoAudit_CL"}
        cursor = json.loads(json.dumps(page.cursor))
        if not page.more:
            return found, page, pages
    raise AssertionError


def test_what_the_store_says_of_a_row_is_not_the_sources_to_say() -> None:
    sent = {"id": 1, "Type": "domain", "TenantId": "acme", "_ItemId": "mine"}
    connection = opened(changed(paging=None), lambda _: httpx.Response(200, json={"data": {"events": [sent]}}))
    (event,) = connection.poll("events", {}).events
    kept = {name: value for name, value in event.row.items() if name != "TimeGenerated"}
    assert kept == {"id": 1, "Type_s": "domain", "TenantId_s": "acme", "_ItemId_s": "mine"}


def _by_token(request: httpx.Request) -> tuple[int, dict[str, Any], dict[str, str]]:
    at = int(request.url.params.get("token", 0))
    return at, {"next": str(at + 3)} if at + 3 < len(EVENTS) else {}, {}


def _by_offset(request: httpx.Request) -> tuple[int, dict[str, Any], dict[str, str]]:
    assert request.url.params["limit"] == "3"
    return int(request.url.params.get("skip", 0)), {}, {}


def _by_link(request: httpx.Request) -> tuple[int, dict[str, Any], dict[str, str]]:
    at = int(request.url.params.get("at", 0))
    return at, {}, {"Link": f'</v1/events?at={at + 3}>; rel="next"'} if at + 3 < len(EVENTS) else {}


def _by_url(request: httpx.Request) -> tuple[int, dict[str, Any], dict[str, str]]:
    at = int(request.url.params.get("at", 0))
    return at, {"link": f"https://acme.contoso.example/v1/events?at={at + 3}"} if at + 3 < len(EVENTS) else {}, {}


def _by_page(request: httpx.Request) -> tuple[int, dict[str, Any], dict[str, str]]:
    at = int(request.url.params["page"]) * 3
    return at, {"hasNext": at + 3 < len(EVENTS)}, {}


def _by_count(request: httpx.Request) -> tuple[int, dict[str, Any], dict[str, str]]:
    number = int(request.url.params["page"])
    return (number - 1) * 3, {"total": len(EVENTS), "number": number, "pages": 3}, {}


def _by_header(request: httpx.Request) -> tuple[int, dict[str, Any], dict[str, str]]:
    at = int(request.headers.get("X-At", 0))
    return at, {}, {"X-Next": str(at + 3)} if at + 3 < len(EVENTS) else {}


def _by_link_in_body(request: httpx.Request) -> tuple[int, dict[str, Any], dict[str, str]]:
    at = int(request.url.params.get("at", 0))
    return at, {"meta": {"next": f"/v1/events?at={at + 3}"}} if at + 3 < len(EVENTS) else {}, {}


def _by_last_id(request: httpx.Request) -> tuple[int, dict[str, Any], dict[str, str]]:
    last = request.url.params.get("after")
    return 0 if last is None else int(last) + 1, {}, {}


PAGING = {
    "CountBasedPaging": (
        _by_page,
        {"pageNumberParaName": "page", "zeroBasedIndexing": True, "hasNextFlagJsonPath": "$.hasNext"},
    ),
    "CountBasedPaging by count": (
        _by_count,
        {
            "pageNumberParaName": "page",
            "totalResultsJsonPath": "$.total",
            "pageNumberJsonPath": "$.number",
            "pageCountJsonPath": "$.pages",
        },
    ),
    "NextPageToken in headers": (
        _by_header,
        {"nextPageTokenJsonPath": "", "nextPageTokenResponseHeader": "X-Next", "nextPageRequestHeader": "X-At"},
    ),
    "LinkHeader in body": (_by_link_in_body, {"linkHeaderTokenJsonPath": "$.meta.next"}),
    "PersistentLinkHeader": (_by_link, {}),
    "NextPageToken": (_by_token, {}),
    "Offset": (_by_offset, {"offsetParaName": "skip", "pageSize": 3, "pageSizeParameterName": "limit"}),
    "LinkHeader": (_by_link, {}),
    "NextPageUrl": (_by_url, {"nextPageUrl": "$.link"}),
    "PersistentToken": (_by_token, {}),
}


@pytest.mark.parametrize("kind", PAGING)
def test_every_kind_of_paging(kind: str) -> None:
    where, more = PAGING[kind]

    def handle(request: httpx.Request) -> httpx.Response:
        at, told, headers = where(request)
        return httpx.Response(200, json={"data": {"events": EVENTS[at : at + 3]}, **told}, headers=headers)

    paging = {**DEFINITION["properties"]["paging"]} if "Token" in kind else {}
    document = changed()
    document["properties"]["paging"] = {**paging, "pagingType": kind.split()[0], **more}
    found, last, pages = drain(opened(document, handle))
    assert found == list(range(7))
    assert pages == 3
    assert last.cursor["mark"] == START.isoformat()


def test_a_token_out_of_the_last_event_and_a_place_that_outlives_its_window() -> None:
    document = changed()
    document["properties"]["paging"] = {
        "pagingType": "PersistentToken", "nextPageTokenJsonPath": "$.data.events[-1:].id", "nextPageParaName": "after",
        "pagingQueryParamOnly": True,
    }  # fmt: skip
    asked: list[dict[str, str]] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(dict(request.url.params))
        at, _, _ = _by_last_id(request)
        return httpx.Response(200, json={"data": {"events": EVENTS[at : at + 3]}})

    connection = opened(document, handle)
    found, last, _ = drain(connection)
    assert found == list(range(7))
    assert last.cursor["token"] == "6"
    assert asked[1] == {"after": "2"}
    assert connection.poll("events", last.cursor).events == []
    assert asked[-1] == {"after": "6"}


def test_a_link_outlives_its_window() -> None:
    document = changed()
    document["properties"]["paging"] = {
        "pagingType": "PersistentLinkHeader",
        "pageSizeParameterName": "limit",
        "pageSize": 3,
    }
    asked: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.raw_path.decode())
        at = int(request.url.params.get("at", 0))
        link = f'</v1/events?at={min(at + 3, len(EVENTS))}>; rel="next"'  # such a source always has a next page
        return httpx.Response(200, json={"data": {"events": EVENTS[at : at + 3]}}, headers={"Link": link})

    connection = opened(document, handle)
    found, last, _ = drain(connection)
    assert found == list(range(7))
    connection.poll("events", last.cursor)
    assert asked[-1] == "/v1/events?at=7"


def test_what_a_post_says() -> None:
    asked: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, content=gzip.compress(b'{"data": {"events": [{"id": 1}]}}'))

    template = "{'cmd': 'report', 'data': {'from': '{_QueryWindowStartTime}', 'of': '{{tenant}}'}, '{_APIKeyName}': '{_APIKey}'}"
    post: dict[str, Any] = {
        "httpMethod": "POST",
        "isPostPayloadJson": True,
        "queryParametersTemplate": template,
        "queryParameters": {},
    }
    paging = {
        "pagingType": "CountBasedPaging",
        "pageNumberParaName": "page",
        "pageSize": 5,
        "pagingInfoPlacement": "RequestBody",
    }
    document = changed(request=post, auth={"IsApiKeyInPostPayload": True}, response={"isGzipCompressed": True})
    document["properties"]["paging"] = paging
    page = opened(document, handle).poll("events", {})
    assert [event.row["id"] for event in page.events] == [1]
    assert json.loads(asked[0].content) == {
        "cmd": "report", "data": {"from": "2026-03-04T10:10:30Z", "of": "acme"}, "X-Key": "k-1",
        "since": "2026-03-04T10:10:30Z", "until": "2026-03-04T10:15:30Z", "pageSize": "5", "page": "1",
    }  # fmt: skip
    assert "X-Key" not in asked[0].headers
    form = changed(request={"httpMethod": "POST"})
    opened(form, handle)
    opened(changed(request={"httpMethod": "POST"}, response={"isGzipCompressed": True}), handle).poll("events", {})
    assert parse_qs(asked[-1].content.decode())["kind"] == ["audit"]
    whole = {
        "queryTimeIntervalAttributeName": "filter",
        "queryTimeIntervalPrepend": "at gt ",
        "queryTimeIntervalDelimiter": " and at lt ",
    }
    document = changed(
        request={**whole, "startTimeAttributeName": None, "endTimeAttributeName": None},
        response={"isGzipCompressed": True},
    )
    opened(document, handle).poll("events", {})
    assert asked[-1].url.params["filter"] == "at gt 2026-03-04T10:10:30Z and at lt 2026-03-04T10:15:30Z"


def test_windows_follow_on_one_another_and_the_request_is_the_definitions() -> None:
    asked: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"data": {"events": []}})

    connection = opened(DEFINITION, handle)
    page = connection.poll("events", {})
    connection._clock.advance(300)
    connection.poll("events", page.cursor)
    assert [dict(request.url.params) for request in asked] == [
        {"kind": "audit", "since": "2026-03-04T10:10:30Z", "until": "2026-03-04T10:15:30Z"},
        {"kind": "audit", "since": "2026-03-04T10:15:30Z", "until": "2026-03-04T10:20:30Z"},
    ]
    assert asked[0].url.host == "acme.contoso.example"
    assert asked[0].headers["X-Key"] == "k-1"


def test_the_kinds_of_credentials() -> None:
    asked: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if request.url.path == "/token":
            assert b"client_secret=s" in request.content
            return httpx.Response(200, json={"access_token": "t-1", "expires_in": 3600})
        return httpx.Response(200, json={"data": {"events": []}})

    for auth, expected in (
        ({"type": "Basic"}, "Basic " + base64.b64encode(b"ada:p").decode()),
        ({"type": "APIKey", "ApiKey": "x"}, "token k-1"),
        (
            {
                "type": "OAuth2",
                "TokenEndpoint": "https://login.contoso.example/token",
                "GrantType": "client_credentials",
            },
            "Bearer t-1",
        ),
        ({"type": "None"}, None),
    ):
        document = changed()
        document["properties"]["auth"] = auth
        opened(document, handle).poll("events", {})
        assert asked[-1].headers.get("Authorization") == expected
    assert [request.url.path for request in asked].count("/token") == 1


@pytest.mark.parametrize(
    ("status", "trouble"),
    [(401, Trouble.UNAUTHORIZED), (403, Trouble.FORBIDDEN), (429, Trouble.THROTTLED), (500, Trouble.UNAVAILABLE),
     (302, Trouble.UNAVAILABLE)],
)  # fmt: skip
def test_failures_are_told_without_a_secret(status: int, trouble: Trouble) -> None:
    connection = opened(DEFINITION, lambda request: httpx.Response(status, headers={"Retry-After": "70"}, text="k-1"))
    with pytest.raises(PollFailure) as caught:
        connection.poll("events", {})
    assert caught.value.trouble is trouble
    assert caught.value.retry_after == 70
    assert "k-1" not in json.dumps(caught.value.to_dict())
    assert not connection.check().ok


@pytest.mark.parametrize(
    ("endpoint", "tenant", "told"),
    [
        ("https://{{tenant}}/v1", "localhost", "may not connect to localhost"),
        ("https://{{tenant}}/v1", "169.254.169.254", "may not connect to 169.254.169.254"),
        ("https://169.254.169.254/{{tenant}}", "x", "may not connect to 169.254.169.254"),
        ("https://localhost:1/{{tenant}}", "x", "localhost cannot be read"),
    ],
)
def test_a_parameter_leads_to_no_internal_address(endpoint: str, tenant: str, told: str) -> None:
    document = changed(request={"apiEndpoint": endpoint})
    (one,) = read_definitions(json.dumps(document))
    connection = Codeless(one, VirtualClock(START)).open({"tenant": tenant}, {"api_key": Secret("key-1")})
    with pytest.raises(PollFailure, match=told):
        connection.poll("events", {})
    connection.close()


def test_a_next_page_elsewhere_is_refused() -> None:
    document = changed(paging={"pagingType": "NextPageUrl", "nextPageUrl": "$.link"})
    answer = {"data": {"events": EVENTS}, "link": "https://evil.example/v1"}
    with pytest.raises(PollFailure, match="another host"):
        opened(document, lambda request: httpx.Response(200, json=answer)).poll("events", {})


@pytest.mark.parametrize(
    ("parts", "named"),
    [
        ({"auth": {"type": "JwtToken"}}, "auth.type 'JwtToken'"),
        ({"auth": {"type": "OAuth2", "GrantType": "authorization_code"}}, "auth."),
        ({"auth": {"IsApiKeyInPostPayload": True}}, "auth.IsApiKeyInPostPayload"),
        ({"request": {"httpMethod": "PUT"}}, "request.httpMethod 'PUT'"),
        ({"request": {"queryParametersTemplate": "a b"}}, "request.queryParametersTemplate is no JSON object"),
        ({"request": {"queryTimeIntervalAttributeName": "q"}}, "request.queryTimeIntervalDelimiter is missing"),
        ({"request": {"queryTimeFormat": "ddd, dd MMM"}}, "request.queryTimeFormat"),
        ({"request": {"apiEndpoint": "http://contoso.example"}}, "request.apiEndpoint"),
        ({"request": {"apiEndpoint": "[[concat('a', 'b')]"}}, "Expressions of ARM templates"),
        ({"response": {"format": "csv"}}, "response.format 'csv'"),
        ({"response": {"convertChildPropertiesToArray": True}}, "response.convertchildpropertiestoarray"),
        ({"response": {"eventsJsonPaths": ["$..events[?(@.a)]"]}}, "JSONPath '$..events"),
        ({"paging": {"pagingType": "TimeStamp"}}, "paging.pagingType 'TimeStamp'"),
        ({"paging": {"offsetParaName": "at"}}, "paging.offsetparaname is not supported"),
        ({"paging": {"pagingInfoPlacement": "RequestBody"}}, "paging.pagingInfoPlacement 'RequestBody'"),
        ({"paging": {"nextPageTokenJsonPath": "$.a[1:3]"}}, "JSONPath '$.a[1:3]'"),
        ({"response": None}, "response is missing"),
    ],
)  # fmt: skip
def test_what_is_not_supported_is_refused_by_name(parts: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_definitions(json.dumps(changed(**parts)))
    assert named in str(caught.value)


def test_a_table_in_which_the_server_speaks_of_itself_is_refused() -> None:
    document = changed()
    document["properties"]["dataType"] = "SentinelAudit"
    with pytest.raises(InvalidInput, match="SentinelAudit is written by Vedette alone"):
        read_definitions(json.dumps(document))


def test_templates_and_the_older_form() -> None:
    older = {
        "properties": {
            "connectorUiConfig": {"id": "Old One", "title": "Old One"},
            "pollingConfig": {
                "auth": {"authType": "APIKey", "APIKeyName": "Authorization", "APIKeyIdentifier": "Bearer"},
                "request": {
                    "apiEndpoint": "https://old.example/x",
                    "httpMethod": "Get",
                    "startTimeAttributeName": "from",
                },
                "response": {"eventsJsonPaths": ["$"]},
            },
        }
    }
    template = {"resources": [{"properties": {"mainTemplate": {"resources": [DEFINITION]}}}, older]}
    assert [one.id for one in read_definitions(json.dumps(template))] == ["contoso-audit", "old-one"]
    with pytest.raises(InvalidInput, match="no polling configuration"):
        read_definitions("{}")
    with pytest.raises(InvalidInput, match="not JSON"):
        read_definitions("{")


def test_paths_and_times() -> None:
    assert json_path("$.a['b c'].d") == ("a", "b c", "d")
    assert select({"a": {"b": 1}}, ("a", "b")) == 1
    assert select({"a": [1]}, ("a", "b")) is None
    assert spelled(START, "UnixTimestamp") == str(int(START.timestamp()))
    assert spelled(START, "UnixTimestampInMills") == str(int(START.timestamp()) * 1000)
    assert spelled(START, "yyyy-MM-ddTHH:mm:ss.fffZ") == "2026-03-04T10:15:30.000Z"
