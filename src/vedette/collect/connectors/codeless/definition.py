"""Reads a codeless connector's polling configuration. What is not supported is refused by its name, never approximated.

Source: Microsoft's reference of the RestApiPoller data connector (auth, request, paging, response), and the older `pollingConfig`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from vedette.collect.connectors.codeless.json_path import Step, json_path
from vedette.collect.connectors.codeless.paging import SETTINGS, TYPES, check
from vedette.core.errors import InvalidInput, nearest
from vedette.store.catalog import is_own

AUTH: Final = ("None", "Basic", "APIKey", "OAuth2")
METHODS: Final = ("GET", "POST")
_PARAMETER: Final = re.compile(r"\{\{\s*([A-Za-z_]\w*)\s*\}\}")
_ARM_PARAMETER: Final = re.compile(r"\[\[?parameters\('([A-Za-z_]\w*)'\)\]")
_DATE: Final = re.compile(r"yyyy|MM|dd|HH|mm|ss|fff|'[^']*'|[-:TZ./_ ]")
_REQUEST: Final = {
    "apiendpoint", "httpmethod", "querytimeformat", "starttimeattributename", "endtimeattributename",
    "querywindowinmin", "queryparameters", "headers", "ratelimitqps", "retrycount", "timeoutinseconds",
    "queryparameterstemplate", "ispostpayloadjson", "querytimeintervalattributename", "querytimeintervalprepend",
    "querytimeintervaldelimiter",
}  # fmt: skip
_RESPONSE: Final = {"eventsjsonpaths", "format", "successstatusjsonpath", "successstatusvalue", "isgzipcompressed"}
_AUTH: Final = {
    "none": {"type", "authtype"},
    "basic": {"type", "authtype", "username", "password"},
    "apikey": {"type", "authtype", "apikey", "apikeyname", "apikeyidentifier", "isapikeyinpostpayload"},
    "oauth2": {
        "type", "authtype", "clientid", "clientsecret", "granttype", "tokenendpoint", "scope",
        "tokenendpointheaders", "tokenendpointqueryparameters",
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Definition:
    """One source. Texts may hold `{{name}}`, a parameter of the form; names of settings are in lower case."""

    id: str
    title: str
    about: str
    table: str
    auth_type: str
    auth: Mapping[str, Any]
    url: str
    method: str
    """GET or POST."""
    query: Mapping[str, str]
    template: Mapping[str, Any] | None
    """Parameters of any shape, with `{_QueryWindowStartTime}` and the like in their texts."""
    json_body: bool
    """Whether the body of a POST is JSON; a form otherwise."""
    interval: tuple[str, str, str] | None
    """The parameter that has the whole window, and what is before and between its two moments."""
    headers: Mapping[str, str]
    time_format: str
    start_name: str | None
    end_name: str | None
    window_minutes: int
    timeout: float
    rate: float
    """Requests a second."""
    paging_type: str | None
    paging: Mapping[str, Any]
    events: tuple[tuple[Step, ...], ...]
    success: tuple[tuple[Step, ...], str] | None
    compressed: bool
    parameters: tuple[str, ...] = field(default=())
    """Parameters besides the credentials."""

    @property
    def hosts(self) -> tuple[str, str]:
        """Which hosts are asked for events, and for a token; texts may hold parameters."""
        return _host_of(self.url), _host_of(str(self.auth.get("tokenendpoint") or ""))

    @property
    def host_parameters(self) -> tuple[str, ...]:
        """The parameters that say which host is asked."""
        return tuple(dict.fromkeys(_PARAMETER.findall(" ".join(self.hosts))))


def read_definitions(text: str) -> list[Definition]:
    """The sources of a document: a data connector, a list of them, or an ARM template around them. `InvalidInput` names what is wrong."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise InvalidInput(f"The definition is not JSON: {error}.") from None
    found = [_definition(properties, name, source) for name, properties, source in _pollers(document)]
    if not found:
        raise InvalidInput("There is no polling configuration in the document (kind RestApiPoller, or pollingConfig).")
    return found


def _pollers(document: Any) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    if isinstance(document, list):
        for one in document:
            yield from _pollers(one)
        return
    if not isinstance(document, Mapping):
        return
    properties = document.get("properties")
    if isinstance(properties, Mapping):
        kind = str(document.get("kind") or "")
        if kind == "RestApiPoller":
            yield str(properties.get("connectorDefinitionName") or document.get("name") or ""), properties, properties
            return
        polling = properties.get("pollingConfig")
        if isinstance(polling, Mapping):
            shown = properties.get("connectorUiConfig") or {}
            yield str(shown.get("id") or shown.get("title") or document.get("name") or ""), polling, shown
            return
        if "dataConnectors" in str(document.get("type") or "") and kind and "request" in properties:
            raise _refused("kind", kind, ("RestApiPoller",))
        yield from _pollers(properties.get("template") or properties.get("mainTemplate"))
    if "resources" in document:
        yield from _pollers(document["resources"])


def _definition(given: Mapping[str, Any], name: str, shown: Mapping[str, Any]) -> Definition:
    slug = re.sub(r"[^a-z0-9]+", "-", _PARAMETER.sub("", name).casefold()).strip("-")[:50]
    if not slug:
        raise InvalidInput("The definition has no name (connectorDefinitionName).", target="connectorDefinitionName")
    auth, request = _object(given, "auth"), _object(given, "request")
    paging, response = _object(given, "paging", {}), _object(given, "response")
    kind = str(auth.get("type") or auth.get("authtype") or "None")
    auth_type = next((one for one in AUTH if one.casefold() == kind.casefold()), None)
    if auth_type is None:
        raise _refused("auth.type", kind, AUTH)
    _only("auth", auth, _AUTH[auth_type.casefold()])
    if auth_type == "OAuth2" and str(auth.get("granttype", "client_credentials")).casefold() != "client_credentials":
        raise _refused("auth.GrantType", str(auth["granttype"]), ("client_credentials",))
    _only("request", request, _REQUEST)
    method = str(request.get("httpmethod") or "GET").upper()
    if method not in METHODS:
        raise _refused("request.httpMethod", str(request["httpmethod"]), METHODS)
    template = _template(request.get("queryparameterstemplate"))
    if auth.get("isapikeyinpostpayload") and (method != "POST" or "{_APIKey}" not in json.dumps(template)):
        raise InvalidInput(
            "auth.IsApiKeyInPostPayload needs a POST whose queryParametersTemplate has {_APIKey}.",
            target="auth.IsApiKeyInPostPayload",
        )
    _only("response", response, _RESPONSE)
    if str(response.get("format") or "json").casefold() != "json":
        raise _refused("response.format", str(response["format"]), ("json",))
    paging_type = paging.get("pagingtype")
    if paging_type is not None:
        if paging_type not in TYPES:
            raise _refused("paging.pagingType", str(paging_type), TYPES)
        _only("paging", paging, {"pagingtype", *SETTINGS[paging_type]})
        check(paging, paging_type, method)
    interval = None
    if request.get("querytimeintervalattributename"):
        names = ("querytimeintervalattributename", "querytimeintervalprepend", "querytimeintervaldelimiter")
        if not request.get(names[2]):
            raise InvalidInput(
                "request.queryTimeIntervalDelimiter is missing.", target="request.queryTimeIntervalDelimiter"
            )
        interval = (str(request[names[0]]), str(request.get(names[1]) or ""), str(request[names[2]]))
    whole = json.dumps([dict(request), dict(auth)])
    if "[concat(" in whole or "[[concat(" in whole or "[variables(" in whole:
        raise InvalidInput(
            "Expressions of ARM templates other than parameters('name') are not supported.", target="request"
        )
    url = _text(str(request.get("apiendpoint") or ""))
    address = urlsplit(_PARAMETER.sub("x", url))
    local = address.hostname in ("localhost", "127.0.0.1", "::1")
    if (
        not address.hostname
        or (address.scheme != "https" and not (local and address.scheme == "http"))
        or address.username
    ):
        raise InvalidInput(
            f"request.apiEndpoint must be an https address, and '{url[:80]}' is not.", target="request.apiEndpoint"
        )
    if (
        auth_type == "OAuth2"
        and urlsplit(_PARAMETER.sub("x", _text(str(auth.get("tokenendpoint") or "")))).scheme != address.scheme
    ):
        raise InvalidInput("auth.TokenEndpoint must be an https address.", target="auth.TokenEndpoint")
    time_format = str(request.get("querytimeformat") or "yyyy-MM-ddTHH:mm:ssZ")
    if time_format not in ("UnixTimestamp", "UnixTimestampInMills") and _DATE.sub("", time_format):
        raise _refused(
            "request.queryTimeFormat", time_format, ("yyyy-MM-ddTHH:mm:ssZ", "UnixTimestamp", "UnixTimestampInMills")
        )
    query = {
        str(key): _text(str(value)) for key, value in _object(request, "queryparameters", {}, "request.", False).items()
    }
    headers = {str(key): _text(str(value)) for key, value in _object(request, "headers", {}, "request.", False).items()}
    success = None
    if response.get("successstatusjsonpath"):
        success = (json_path(str(response["successstatusjsonpath"])), str(response.get("successstatusvalue")))
    for name_, path in paging.items():
        if path and (name_.endswith("jsonpath") or name_ == "nextpageurl"):
            json_path(str(path))
    paths = response.get("eventsjsonpaths") or ["$"]
    table = str(
        given.get("dataType")
        or _object(given, "dcrConfig", {}).get("streamname")
        or shown.get("dataType")
        or f"{slug}_CL"
    )
    table = table.removeprefix("Custom-").removeprefix("Microsoft-")
    if not re.fullmatch(r"[A-Za-z_]\w*", table):
        table = re.sub(r"\W", "_", slug) + "_CL"
    if is_own(table):
        raise InvalidInput(f"dataType: the table {table} is written by Vedette alone.", target="dataType")
    named = [*_PARAMETER.findall(json.dumps([url, query, headers, template]))]
    return Definition(
        id=slug, title=str(shown.get("title") or name)[:100],
        about=str(shown.get("descriptionMarkdown") or f"Polls {address.hostname}, as its codeless definition says.")[:500],
        table=table, auth_type=auth_type, auth={key: _text(value) for key, value in auth.items()}, url=url, method=method,
        query=query, template=template, json_body=bool(request.get("ispostpayloadjson")), interval=interval,
        headers=headers, time_format=time_format,
        start_name=request.get("starttimeattributename"), end_name=request.get("endtimeattributename"),
        window_minutes=_number(request, "querywindowinmin", 5, 1, 1440),
        timeout=float(_number(request, "timeoutinseconds", 30, 1, 180)), rate=float(_number(request, "ratelimitqps", 10, 1, 1000)),
        paging_type=paging_type, paging=paging, events=tuple(json_path(str(one)) for one in paths), success=success,
        compressed=bool(response.get("isgzipcompressed")),
        parameters=tuple(dict.fromkeys(named)),
    )  # fmt: skip


def _host_of(url: str) -> str:
    """What of an address says which machine it is, port included."""
    return url.partition("://")[2].partition("/")[0].partition("?")[0]


def _template(given: Any) -> Mapping[str, Any] | None:
    """The object of a `queryParametersTemplate`, which may be written with single quotes."""
    if given in (None, ""):
        return None
    for text in (str(given), str(given).replace("'", '"')):
        try:
            found = json.loads(_text(text))
        except ValueError:
            continue
        if isinstance(found, dict):
            return found
    raise InvalidInput("request.queryParametersTemplate is no JSON object.", target="request.queryParametersTemplate")


def _text(value: Any) -> Any:
    """A text with parameters of ARM templates as `{{name}}`."""
    return _ARM_PARAMETER.sub(lambda found: "{{" + found[1] + "}}", value) if isinstance(value, str) else value


def _object(
    given: Mapping[str, Any], name: str, default: Any = None, prefix: str = "", fold: bool = True
) -> Mapping[str, Any]:
    value = given.get(name, default)
    if value is None and default is not None:
        value = default
    if not isinstance(value, Mapping):
        raise InvalidInput(f"{prefix}{name} is missing, or is no object.", target=f"{prefix}{name}")
    return {str(key).casefold(): inner for key, inner in value.items()} if fold else value


def _number(given: Mapping[str, Any], name: str, default: int, least: int, most: int) -> int:
    value = given.get(name) or default
    try:
        number = int(value)
    except (TypeError, ValueError):
        raise InvalidInput(f"{name} must be a number.", target=name) from None
    return max(least, min(number, most))


def _only(part: str, given: Mapping[str, Any], known: set[str]) -> None:
    for name in given:
        if name not in known and given[name] not in (None, "", False, {}, []):
            near = nearest(name, known)
            raise InvalidInput(
                f"{part}.{name} is not supported.",
                target=f"{part}.{name}",
                hint=f"Did you mean {near}?" if near else None,
            )


def _refused(what: str, value: str, known: tuple[str, ...]) -> InvalidInput:
    return InvalidInput(f"{what} '{value[:60]}' is not supported; supported: {', '.join(known)}.", target=what)
