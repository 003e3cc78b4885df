"""Sixteen shapes of detections, and variants: what is asked in KQL, and the same rows by hand-written SQL over the same tables."""

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

VARIANTS: Final = (
    Shape(
        "two conditions, half an hour, three columns",
        "SigninLogs | where TimeGenerated between (ago(90m) .. ago(1h)) and AppDisplayName == 'Azure Portal' and ResultType in ('50126', '53003') "
        "| project TimeGenerated, UserPrincipalName, IPAddress",
        f'SELECT "TimeGenerated", "UserPrincipalName", "IPAddress" FROM {_S} WHERE "TimeGenerated" BETWEEN {_NOW - 90 * ticks.MINUTE} AND '
        f"{_NOW - ticks.HOUR} AND \"AppDisplayName\" = 'Azure Portal' AND \"ResultType\" IN ('50126', '53003')",
    ),
    Shape(
        "startswith or a property, wide rows",
        "SigninLogs | where TimeGenerated > ago(2d) | where UserPrincipalName startswith 'user49' or DeviceDetail.browser == 'Firefox 126.0' "
        "| project TimeGenerated, UserPrincipalName, IPAddress, UserAgent, Location",
        f'SELECT "TimeGenerated", "UserPrincipalName", "IPAddress", "UserAgent", "Location" FROM {_S} WHERE "TimeGenerated" > {_NOW - 2 * ticks.DAY} '
        "AND (starts_with(lower(\"UserPrincipalName\"), 'user49') OR {browser} = 'Firefox 126.0')",
    ),
    Shape(
        "arg_max of three columns by two keys",
        "SigninLogs | where TimeGenerated > ago(7d) | summarize arg_max(TimeGenerated, IPAddress, Location, DurationMs) by UserPrincipalName, AppDisplayName",
        f'SELECT "UserPrincipalName", "AppDisplayName", "TimeGenerated", "IPAddress", "Location", "DurationMs" FROM {_S} WHERE rowid IN (SELECT '
        f'arg_max(rowid, "TimeGenerated") FROM {_S} WHERE "TimeGenerated" > {_WEEK} GROUP BY "UserPrincipalName", "AppDisplayName")',
    ),
    Shape(
        "arg_max(*) by user, then one user",
        "SigninLogs | summarize arg_max(TimeGenerated, *) by UserPrincipalName | where UserPrincipalName == 'user77@contoso.example'",
        f'SELECT {{signin_columns}} FROM {_S} WHERE rowid IN (SELECT arg_max(rowid, "TimeGenerated") FROM {_S} WHERE '
        "\"UserPrincipalName\" = 'user77@contoso.example' GROUP BY \"UserPrincipalName\")",
    ),
    Shape(
        "sum, avg and max by two keys and a day",
        "SigninLogs | summarize Sum = sum(DurationMs), Mean = avg(DurationMs), Most = max(DurationMs), N = count() by Location, ResultType, "
        "Day = bin(TimeGenerated, 1d)",
        f'SELECT "Location", "ResultType", "TimeGenerated" - "TimeGenerated" % {ticks.DAY}, CAST(sum("DurationMs") AS BIGINT), avg("DurationMs"), '
        f'max("DurationMs"), count(*) FROM {_S} GROUP BY 1, 2, 3',
    ),
    Shape(
        "bins of the last day",
        "SigninLogs | summarize Failed = countif(ResultType != '0'), N = count() by Hour = bin(TimeGenerated, 1h), AppDisplayName | where Hour >= ago(1d)",
        f'SELECT "TimeGenerated" - "TimeGenerated" % {ticks.HOUR}, "AppDisplayName", count(*) FILTER (WHERE "ResultType" <> \'0\'), count(*) '
        f'FROM {_S} WHERE "TimeGenerated" >= {_DAY} GROUP BY 1, 2',
    ),
    Shape(
        "dcount and make_set by two keys",
        "SigninLogs | where TimeGenerated > ago(3d) | summarize dcount(IPAddress), make_set(IPAddress, 20) by UserPrincipalName, Location",
        f'SELECT "UserPrincipalName", "Location", count(*), to_json(list_slice(list("IPAddress"), 1, 20)) FROM (SELECT DISTINCT "UserPrincipalName", '
        f'"Location", "IPAddress" FROM {_S} WHERE "TimeGenerated" > {_NOW - 3 * ticks.DAY}) GROUP BY 1, 2',
    ),
    Shape(
        "time since the last sign-in, newest first",
        "SigninLogs | where TimeGenerated > ago(5d) | sort by UserPrincipalName, TimeGenerated | extend Later = next(UserPrincipalName), "
        "Before = next(TimeGenerated), From = next(Location) | where Later == UserPrincipalName and From != Location "
        "| summarize count(), min(TimeGenerated - Before) by Location",
        'SELECT "Location", count(*), min("TimeGenerated" - b) FROM (SELECT "Location", "TimeGenerated", lag("TimeGenerated") OVER w AS b, lag("Location") '
        f'OVER w AS f FROM {_S} WHERE "TimeGenerated" > {_NOW - 5 * ticks.DAY} WINDOW w AS (PARTITION BY "UserPrincipalName" ORDER BY "TimeGenerated")) '
        'WHERE f <> "Location" GROUP BY 1',
    ),
    Shape(
        "row_number() of each address",
        "SigninLogs | where TimeGenerated > ago(4d) | sort by IPAddress asc, TimeGenerated asc | extend N = row_number(1, prev(IPAddress) != IPAddress) "
        "| where N == 3 | count",
        f'SELECT count(*) FROM (SELECT 1 FROM {_S} WHERE "TimeGenerated" > {_NOW - 4 * ticks.DAY} QUALIFY row_number() OVER (PARTITION BY "IPAddress" '
        'ORDER BY "TimeGenerated") = 3)',
    ),
    Shape(
        "mv-expand once, two properties",
        "AuditLogs | where Result == 'success' | mv-expand T = TargetResources | where tostring(T.type) in ('User', 'Group') "
        "| summarize count(), dcount(Identity) by tostring(T.type), OperationName",
        f"SELECT r.\"type\", \"OperationName\", CAST(sum(n) AS BIGINT), count(*) FROM (SELECT r.\"type\" AS r, \"OperationName\", \"Identity\", count(*) AS n "
        f"FROM (SELECT \"OperationName\", \"Identity\", unnest(from_json(\"TargetResources\", '[{{\"type\":\"VARCHAR\"}}]')) AS r FROM {_A} "
        "WHERE \"Result\" = 'success') WHERE r.\"type\" IN ('User', 'Group') GROUP BY 1, 2, 3) AS g(r, \"OperationName\", \"Identity\", n) GROUP BY 1, 2"
        .replace('SELECT r."type", "OperationName", CAST', 'SELECT r, "OperationName", CAST', 1),
    ),
    Shape(
        "leftouter join on two keys, then a day",
        "SigninLogs | where TimeGenerated > ago(3d) | summarize Failed = countif(ResultType != '0') by UserPrincipalName, Location "
        "| join kind=leftouter (SigninLogs | where TimeGenerated > ago(3d) and RiskLevelDuringSignIn == 'high' | summarize Risky = count() "
        "by UserPrincipalName, Location) on UserPrincipalName, Location | summarize sum(Failed), sum(Risky) by Location",
        f'SELECT "Location", CAST(sum(f) AS BIGINT), coalesce(CAST(sum(r) AS BIGINT), 0) FROM (SELECT "UserPrincipalName" AS u, "Location", '
        f'count(*) FILTER (WHERE "ResultType" <> \'0\') AS f FROM {_S} WHERE "TimeGenerated" > {_NOW - 3 * ticks.DAY} GROUP BY 1, 2) AS a LEFT JOIN '
        f'(SELECT "UserPrincipalName" AS u, "Location", count(*) AS r FROM {_S} WHERE "TimeGenerated" > {_NOW - 3 * ticks.DAY} AND '
        "\"RiskLevelDuringSignIn\" = 'high' GROUP BY 1, 2) AS b USING (u, \"Location\") GROUP BY 1",
    ),
    Shape(
        "percentile and avg by two keys",
        "SigninLogs | summarize percentile(DurationMs, 95), avg(DurationMs) by AppDisplayName, Location",
        f'SELECT "AppDisplayName", "Location", quantile_disc("DurationMs", 0.95), avg("DurationMs") FROM {_S} GROUP BY 1, 2',
    ),
)  # fmt: skip
"""What analysts write beside the sixteen: other columns and types, several keys, two aggregations."""
