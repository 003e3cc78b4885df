"""Sixteen shapes of detections: what is asked in KQL, and the same rows by hand-written SQL over the same tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bench.queries.data import NOW
from vedette.kql import ticks

_NOW = ticks.from_datetime(NOW)
_DAY = _NOW - ticks.DAY
_WEEK = _NOW - 7 * ticks.DAY
_S = 'log_tables."SigninLogs"'
_A = 'log_tables."AuditLogs"'
_RESOURCES = '\'[{"displayName":"VARCHAR","modifiedProperties":[{"displayName":"VARCHAR"}]}]\''


@dataclass(frozen=True, slots=True)
class Shape:
    """One shape; `sql` may read the columns that the store keeps for properties of dynamic columns."""

    name: str
    kql: str
    sql: str


def _search(condition: str) -> str:
    return f'SELECT "TimeGenerated", "UserPrincipalName", "UserAgent" FROM {_S} WHERE {condition}'


_TERM = "(^|[^\\p{{L}}\\p{{N}}]){0}($|[^\\p{{L}}\\p{{N}}])"
_ANY = ("sqlmap", "python-requests", "AADInternals")

SHAPES: Final = (
    Shape(
        "1 day and a user, project, take 50",
        "SigninLogs | where TimeGenerated > ago(1d) | where UserPrincipalName == 'user77@contoso.example' "
        "| project TimeGenerated, IPAddress, AppDisplayName, ResultType | take 50",
        f"SELECT \"TimeGenerated\", \"IPAddress\", \"AppDisplayName\", \"ResultType\" FROM {_S} WHERE \"TimeGenerated\" > {_DAY} "
        "AND \"UserPrincipalName\" = 'user77@contoso.example' LIMIT 50",
    ),
    Shape(
        "contains, rare",
        "SigninLogs | where UserAgent contains 'SqlMap/1' | project TimeGenerated, UserPrincipalName, UserAgent",
        _search("contains(lower(\"UserAgent\"), 'sqlmap/1')"),
    ),
    Shape(
        "has, rare",
        "SigninLogs | where UserAgent has 'sqlmap' | project TimeGenerated, UserPrincipalName, UserAgent",
        _search(f"contains(lower(\"UserAgent\"), 'sqlmap') AND regexp_matches(lower(\"UserAgent\"), '{_TERM.format('sqlmap')}')"),
    ),
    Shape(
        "has_any of three",
        "SigninLogs | where UserAgent has_any ('sqlmap', 'python-requests', 'AADInternals') "
        "| project TimeGenerated, UserPrincipalName, UserAgent",
        _search(
            "regexp_matches(lower(\"UserAgent\"), '(sqlmap|python-requests|aadinternals)') AND ("
            + " OR ".join(f"regexp_matches(lower(\"UserAgent\"), '{_TERM.format(word.lower())}')" for word in _ANY)
            + ")"
        ),
    ),
    Shape(
        "matches regex",
        "SigninLogs | where UserAgent matches regex @'sqlmap/[0-9]+\\.[0-9]' | project TimeGenerated, UserPrincipalName, UserAgent",
        _search("contains(\"UserAgent\", 'sqlmap/') AND regexp_matches(\"UserAgent\", 'sqlmap/[0-9]+\\.[0-9]')"),
    ),
    Shape(
        "count and dcount by user",
        "SigninLogs | summarize Events = count(), Addresses = dcount(IPAddress) by UserPrincipalName",
        f'SELECT "UserPrincipalName", CAST(sum(n) AS BIGINT), count(*) FROM (SELECT "UserPrincipalName", "IPAddress", count(*) AS n FROM {_S} '
        "GROUP BY 1, 2) GROUP BY 1",
    ),
    Shape(
        "make_set(…, 100) by user, 7 days",
        "SigninLogs | where TimeGenerated > ago(7d) | summarize make_set(IPAddress, 100) by UserPrincipalName",
        f'SELECT "UserPrincipalName", to_json(list_slice(list("IPAddress"), 1, 100)) FROM (SELECT DISTINCT "UserPrincipalName", "IPAddress" '
        f'FROM {_S} WHERE "TimeGenerated" > {_WEEK}) GROUP BY 1',
    ),
    Shape(
        "arg_max(TimeGenerated, *) by user, 7 days",
        "SigninLogs | where TimeGenerated > ago(7d) | summarize arg_max(TimeGenerated, *) by UserPrincipalName",
        f'SELECT {{signin_columns}} FROM {_S} WHERE rowid IN (SELECT arg_max(rowid, "TimeGenerated") FROM {_S} WHERE "TimeGenerated" > {_WEEK} '
        'GROUP BY "UserPrincipalName")',
    ),
    Shape(
        "count by hour and result",
        "SigninLogs | summarize count() by bin(TimeGenerated, 1h), ResultType",
        f'SELECT "TimeGenerated" - "TimeGenerated" % {ticks.HOUR}, "ResultType", count(*) FROM {_S} GROUP BY 1, 2',
    ),
    Shape(
        "property of a dynamic column, filter and group",
        "SigninLogs | where tostring(DeviceDetail.operatingSystem) == 'Windows10' | summarize count() by tostring(DeviceDetail.browser)",
        f'SELECT {{browser}}, count(*) FROM {_S} WHERE {{system}} = \'Windows10\' GROUP BY 1',
    ),
    Shape(
        "mv-expand twice",
        "AuditLogs | mv-expand TargetResources | mv-expand Property = TargetResources.modifiedProperties "
        "| summarize count() by tostring(TargetResources.displayName), tostring(Property.displayName)",
        f"SELECT r.\"displayName\", p.\"displayName\", count(*) FROM (SELECT r, unnest(r.\"modifiedProperties\") AS p FROM (SELECT "
        f"unnest(from_json(\"TargetResources\", {_RESOURCES})) AS r FROM {_A})) GROUP BY 1, 2",
    ),
    Shape(
        "join on user within an hour, 7 days",
        "SigninLogs | where TimeGenerated > ago(7d) and ResultType == '53003' | project UserPrincipalName, Failed = TimeGenerated "
        "| join kind=inner (SigninLogs | where TimeGenerated > ago(7d) and RiskLevelDuringSignIn == 'high' "
        "| project UserPrincipalName, Risky = TimeGenerated) on UserPrincipalName "
        "| where Risky between (Failed - 1h .. Failed + 1h) | summarize count() by UserPrincipalName",
        f'SELECT a."UserPrincipalName", count(*) FROM {_S} AS a JOIN {_S} AS b ON a."UserPrincipalName" = b."UserPrincipalName" AND '
        f'b."TimeGenerated" BETWEEN a."TimeGenerated" - {ticks.HOUR} AND a."TimeGenerated" + {ticks.HOUR} WHERE a."TimeGenerated" > {_WEEK} '
        f"AND a.\"ResultType\" = '53003' AND b.\"TimeGenerated\" > {_WEEK} AND b.\"RiskLevelDuringSignIn\" = 'high' GROUP BY 1",
    ),
    Shape(
        "leftanti, 7 days against 7 days",
        "SigninLogs | where TimeGenerated > ago(7d) | distinct UserPrincipalName, IPAddress | join kind=leftanti (SigninLogs "
        "| where TimeGenerated between (ago(14d) .. ago(7d)) | distinct UserPrincipalName, IPAddress) on UserPrincipalName, IPAddress | count",
        f'SELECT count(*) FROM (SELECT DISTINCT "UserPrincipalName", "IPAddress" FROM {_S} WHERE "TimeGenerated" > {_WEEK}) AS a ANTI JOIN '
        f'(SELECT "UserPrincipalName", "IPAddress" FROM {_S} WHERE "TimeGenerated" BETWEEN {_NOW - 14 * ticks.DAY} AND {_WEEK}) '
        'AS b USING ("UserPrincipalName", "IPAddress")',
    ),
    Shape(
        "prev() by user",
        "SigninLogs | where TimeGenerated > ago(7d) | project UserPrincipalName, TimeGenerated, Location "
        "| sort by UserPrincipalName asc, TimeGenerated asc "
        "| extend Moved = prev(UserPrincipalName) == UserPrincipalName and prev(Location) != Location | summarize countif(Moved)",
        'SELECT count(*) FILTER (WHERE p = "Location" IS FALSE) FROM (SELECT "Location", lag("Location") OVER (PARTITION BY "UserPrincipalName" '
        f'ORDER BY "TimeGenerated") AS p FROM {_S} WHERE "TimeGenerated" > {_WEEK})',
    ),
    Shape(
        "percentiles by application",
        "SigninLogs | summarize percentiles(DurationMs, 50, 95, 99) by AppDisplayName",
        f'SELECT "AppDisplayName", quantile_disc("DurationMs", [0.5, 0.95, 0.99]) FROM {_S} GROUP BY 1',
    ),
    Shape(
        "make-series, 1 hour over 30 days, 1,000 users",
        "SigninLogs | where UserPrincipalName startswith 'user49' and strlen(UserPrincipalName) == 25 "
        f"| make-series Events = count() default = 0 on TimeGenerated from datetime({ticks.format_datetime(_NOW - 30 * ticks.DAY)}) to "
        f"datetime({ticks.format_datetime(_NOW)}) step 1h by UserPrincipalName",
        "WITH b AS (SELECT \"UserPrincipalName\" AS u, (\"TimeGenerated\" - {start}) // {hour} AS k, count(*) AS n FROM {s} WHERE "
        "starts_with(lower(\"UserPrincipalName\"), 'user49') AND strlen(\"UserPrincipalName\") = 25 GROUP BY ALL), "
        "m AS (SELECT u, map_from_entries(list((k, n))) AS m FROM b GROUP BY u) SELECT u, to_json(list_transform(range(720), "
        "lambda k: coalesce(m[k], 0))), to_json(list_transform(range(720), lambda k: {start} + k * {hour})) FROM m".replace(
            "{start}", str(_NOW - 30 * ticks.DAY)
        ).replace("{hour}", str(ticks.HOUR)).replace("{s}", _S),
    ),
)  # fmt: skip
