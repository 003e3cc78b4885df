"""`docs/connectors/index.md`: what can be collected from, out of the registry."""

from __future__ import annotations

from vedette.collect.connectors.contract import ConnectorManifest
from vedette.collect.connectors.registry import default_connectors
from vedette.core.clock import SystemClock

# ruff: noqa: E501 - rows of tables are one line each

_HEAD = """<!-- Written by `make pages` from the manifests of vedette.collect.connectors; change it there. -->

# Integrations

What a running server collects by asking, at intervals. What sends by itself (syslog, agents, HTTP) is on
[Sending logs](../ingestion.md).
"""

_MANAGING = """## Managing integrations

In the console under **Settings**, **Integrations**; on the command line with `vedette connectors`; or through the REST API
(`/api/v1/workspaces/{workspace}/connectors`).

* There may be several instances of each, with names of their own.
* Secrets go into the secret store and are never shown again. To rotate one, enter the new value; what is left out stays.
* **Test** reaches the hosts, signs in, and asks each endpoint for one object, so that a missing permission is named.
* An instance is green when every endpoint delivers, yellow when some do, red when none does, grey when it is disabled.
* A disabled instance goes on where it stopped. One that is pointed at another tenant begins anew.
* Deleting an instance deletes its secrets and its history; what it collected stays.

```text
vedette connectors kinds --data DIR
vedette connectors list --data DIR
vedette connectors set "Azure Production Tenant" --interval alerts=600 --data DIR
vedette connectors polls "Azure Production Tenant" --data DIR
vedette connectors delete "Azure Production Tenant" --data DIR
```

## When an integration does not work

| what you see | what it means | what to do |
|---|---|---|
| unauthorized | The credentials are not accepted | Enter a new secret; compare tenant ID and client ID |
| forbidden | A permission is missing; everything else goes on | Add the permission that the message names, and grant admin consent |
| throttled | The service asks to wait; the endpoint rests 10, 20, 40, 60 minutes | Raise the interval |
| gone | The service does not have this endpoint for the tenant | Nothing: it is asked again every hour |
| unavailable | The network or the service does not work; it is asked again soon, less and less often | Try the connection, for example `curl -I https://graph.microsoft.com` |
| healthy, but no rows | Nothing happened, or it is on its way | `vedette connectors polls` tells how many events each poll brought |
"""


_CODELESS = """## Codeless connectors

A codeless connector of Microsoft Sentinel (a data connector of the kind `RestApiPoller`, an older `pollingConfig`, or an ARM template
with some) becomes a kind of its own:

```text
vedette connectors import definition.json --data DIR
vedette connectors add contoso-audit Contoso --set tenant=acme --secret-env api_key=CONTOSO_KEY --data DIR
```

| part | supported |
|---|---|
| auth | None, Basic, APIKey (in a header, or in the body of a POST), OAuth2 with client credentials |
| request | GET and POST (`isPostPayloadJson` or a form) over https, `queryParameters`, `queryParametersTemplate` with its variables, headers, the window of time (`startTimeAttributeName`, `endTimeAttributeName`, `{_QueryWindowStartTime}`, `{_QueryWindowEndTime}`, `queryTimeIntervalAttributeName`), `queryTimeFormat` of digits, `UnixTimestamp`, `UnixTimestampInMills`, `rateLimitQPS`, `timeoutInSeconds` |
| paging | LinkHeader, PersistentLinkHeader, NextPageUrl, NextPageToken, PersistentToken, Offset, CountBasedPaging; `pagingQueryParamOnly`, `pagingInfoPlacement` |
| response | JSON; `eventsJsonPaths` of names, `[n]`, `[-1:]` and `[*]` (`$.data.events`), `successStatusJsonPath`, `isGzipCompressed` |

Parameters (`{{name}}`, `[[parameters('name')]`) become fields of the form; the credentials' ones are replaced by fields for them.
Anything else is refused by its name, and nothing is imported. Events become rows of the table that `dataType` or the stream names; a
transformation of a data collection rule is not a part of the definition. Importing needs the right to change connectors in all workspaces.

A definition may ask a host in a private network. Where a parameter says the host, that needs the setting
`VEDETTE_OUTBOUND_ALLOW`, and the credentials are entered again when the parameter changes. A definition that would ask another host with the
credentials of instances that are there is not imported in place of the former one.

## Connectors of other packages

A Python package brings a connector through an entry point of the group `vedette.connectors`: a function of a clock that returns an
object with a `manifest` and `open(values, secrets)`; what it opens has `poll(endpoint, cursor)`, `check()` and `close()`. The contract
is `vedette.collect.connectors.contract`.
"""


def _minutes(manifest: ConnectorManifest) -> str:
    found = sorted({int(one.interval.total_seconds() // 60) for one in manifest.endpoints})
    return ", ".join(str(one) for one in found) + " min"


def render() -> str:
    """The page."""
    manifests = [kind.manifest for kind in default_connectors(SystemClock())]
    rows = ["| integration | category | interval | tables |", "|---|---|---|---|"]
    for one in manifests:
        page = one.guide.removeprefix("connectors/")
        tables = ", ".join(f"`{name}`" for name in dict.fromkeys(name for at in one.endpoints for name in at.tables))
        rows.append(f"| [{one.title}]({page}) | {one.category} | {_minutes(one)} | {tables or 'as configured'} |")
    parts = [_HEAD, "\n".join(rows) + "\n", _MANAGING]
    parts += [_described(one) for one in manifests if one.guide == f"connectors/index.md#{one.id}"]
    parts.append(_CODELESS)
    return "\n".join(parts)


def _described(one: ConnectorManifest) -> str:
    """What stands of a connector that has no page of its own."""
    endpoints = ["| endpoint | interval | tables | permission | what |", "|---|---|---|---|---|"]
    endpoints += [
        f"| {at.title} | {int(at.interval.total_seconds() // 60)} min | {', '.join(f'`{name}`' for name in at.tables)} "
        f"| {at.permission} | {at.about} |"
        for at in one.endpoints
    ]
    needs = "\n".join(f"* {line}" for line in one.prerequisites)
    rights = "\n".join(f"* `{item.name}`: {item.reason}" for item in one.permissions)
    return (
        f"## {one.title} {{#{one.id}}}\n\n{one.about} The connector is `{one.id}`; the vendor's documentation: <{one.vendor_docs}>.\n\n"
        f"What it needs:\n\n{needs}\n\n" + (f"Permissions:\n\n{rights}\n\n" if rights else "")
        + "\n".join(endpoints) + f"\n\n{one.fields_table()}\n\n{one.troubleshooting_table()}\n"
    )  # fmt: skip
