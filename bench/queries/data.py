"""Seeded logs of realistic width: sign-ins over 30 days and a tenth as many audit rows with nested arrays.

The table is made by the store itself out of a few rows, so that it lies as loaded logs do; the rest is then made by SQL in the
engine, straight into the store's columns.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import duckdb

from vedette.engine.dialect import identifier
from vedette.kql import ticks
from vedette.store.logstore import LogStore
from vedette.store.tables import StoredTable

NOW: Final = datetime(2026, 6, 1, tzinfo=UTC)
DAYS: Final = 30
USERS: Final = 50_000
_BASE: Final = 1_000_000
"""Rows that are made one by one; later ones are their copies at other times and with numbers of their own."""
_NOW = ticks.from_datetime(NOW)


def draw(salt: int, count: int) -> str:
    """SQL of a whole number below a count, drawn for each row `i`."""
    return f"CAST(hash(i * 64 + {salt}) % {count} AS BIGINT)"


def pick(salt: int, *values: str) -> str:
    """SQL of one of some texts, the first ones more often than the last."""
    listed = ", ".join(f"'{value}'" for value in values)
    share = f"(hash(i * 64 + {salt}) % 1000000) / 1000000.0"
    return f"([{listed}])[CAST(floor(pow({share}, 2) * {len(values)}) AS INTEGER) + 1]"


_USER = f"CAST(floor(pow((hash(i * 64 + 1) % 1000000) / 1000000.0, 1.5) * {USERS}) AS BIGINT)"
_UUID = "CAST(CAST(md5({1} || '.' || {0}) AS UUID) AS VARCHAR)"
_SYSTEM = pick(10, "Windows10", "Windows11", "iOS 17.5", "Android 14", "MacOs", "Ubuntu 24.04")
_BROWSER = pick(11, "Edge 124.0.2478", "Chrome 125.0.0", "Mobile Safari 17.5", "Firefox 126.0", "Rich Client 5.2.8")
_TOOL = (
    "CASE WHEN i % 200003 = 17 THEN ' sqlmap/1.8 ' WHEN i % 300007 = 5 THEN ' python-requests/2.31 ' "
    "WHEN i % 400009 = 3 THEN ' AADInternals/0.9 ' WHEN i % 3001 = 7 THEN ' sqlmapper ' ELSE ' ' END"
)

SIGNINS: Final[dict[str, str]] = {
    "TimeGenerated": f"{_NOW - DAYS * ticks.DAY} + CAST(i * ({DAYS * ticks.DAY} / {{total}}) AS BIGINT) + {draw(2, 9_999_999)}",
    "CreatedDateTime": f"{_NOW - DAYS * ticks.DAY} + CAST(i * ({DAYS * ticks.DAY} / {{total}}) AS BIGINT)",
    "OperationName": "'Sign-in activity'",
    "Category": pick(3, "SignInLogs", "NonInteractiveUserSignInLogs", "ServicePrincipalSignInLogs"),
    "ResultType": pick(4, "0", "0", "0", "0", "50126", "50074", "50140", "53003", "50053", "70046"),
    "ResultDescription": pick(4, "", "", "", "", "Invalid username or password or Invalid on-premise username or password.",
                              "Strong Authentication is required.", "Keep me signed in interrupt.",
                              "Access has been blocked by Conditional Access policies.", "Account is locked.", "Session expired."),
    "DurationMs": f"{draw(5, 100)} * {draw(6, 100)}",
    "CorrelationId": _UUID.format(7, 'i'),
    "Identity": "'User ' || u",
    "Location": pick(9, "DE", "US", "GB", "FR", "NL", "IN", "BR", "RU", "CN", "NG"),
    "AppDisplayName": pick(12, "Office 365 Exchange Online", "Microsoft Teams", "Azure Portal", "SharePoint Online", "Azure CLI",
                           "Microsoft Graph PowerShell", "Visual Studio Code", "Salesforce", "ServiceNow", "Contoso HR"),
    "AppId": _UUID.format(12, pick(12, *map(str, range(10)))),
    "ClientAppUsed": pick(13, "Browser", "Mobile Apps and Desktop clients", "Exchange ActiveSync", "IMAP4", "Other clients"),
    "ConditionalAccessStatus": pick(14, "success", "notApplied", "failure"),
    "DeviceDetail": (
        "'{\"deviceId\":\"' || " + _UUID.format(15, draw(15, 40_000)) + " || '\",\"displayName\":\"WS-' || " + draw(15, 40_000)
        + f" || '\",\"operatingSystem\":\"' || {_SYSTEM} || '\",\"browser\":\"' || {_BROWSER} || '\",\"isCompliant\":' || "
        f"CASE WHEN {draw(17, 3)} = 0 THEN 'true' ELSE 'false' END || ',\"trustType\":\"' || {pick(18, 'Azure AD joined', '', 'Hybrid Azure AD joined')} || '\"}}'"
    ),
    "LocationDetails": (
        f"'{{\"city\":\"' || {pick(19, 'Berlin', 'New York', 'London', 'Paris', 'Amsterdam', 'Pune', 'Recife', 'Kazan')} || '\",\"state\":\"\",\"countryOrRegion\":\"' || "
        + pick(9, "DE", "US", "GB", "FR", "NL", "IN", "BR", "RU", "CN", "NG")
        + f" || '\",\"geoCoordinates\":{{\"latitude\":' || ({draw(20, 160)} - 80) || '.5,\"longitude\":' || ({draw(21, 340)} - 170) || '.25}}}}'"
    ),
    "Status": f"'{{\"errorCode\":' || {pick(4, '0', '0', '0', '0', '50126', '50074', '50140', '53003', '50053', '70046')} || ',\"additionalDetails\":\"' || {pick(22, 'MFA requirement satisfied by claim in the token', '', 'MFA completed in Azure AD')} || '\"}}'",
    "IsInteractive": f"{draw(23, 2)} = 0",
    "Id": _UUID.format(24, 'i'),
    "IPAddress": f"(u % 3 + 80) || '.' || (u % 199) || '.' || (u % 251) || '.' || {draw(28, 20)}",
    "RiskLevelDuringSignIn": pick(29, "none", "none", "none", "low", "medium", "high"),
    "UserAgent": (
        f"'Mozilla/5.0 (' || {_SYSTEM} || '; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) ' || {_BROWSER} || {_TOOL} || "
        f"'Build/' || {draw(30, 100_000)} || ' Session ' || {draw(31, 1_000_000_000)}"
    ),
    "UserDisplayName": "'User ' || u",
    "UserId": "'00000000-0000-4000-8000-' || printf('%012x', u)",
    "UserPrincipalName": "'user' || u || '@contoso.example'",
    "UserType": pick(32, "Member", "Guest"),
    "AutonomousSystemNumber": f"CAST({draw(33, 60_000)} AS VARCHAR)",
    "_BilledSize": f"1000.0 + {draw(34, 900)}",
}  # fmt: skip
"""The columns of a sign-in as SQL over its number `i` and its user `u`."""

_PROPERTY = (
    "'{\"displayName\":\"' || " + pick(0, "Role.DisplayName", "AccountEnabled", "StrongAuthenticationMethod", "Group.ObjectID")
    + " || '\",\"oldValue\":\"[]\",\"newValue\":\"' || " + draw(0, 5000) + " || '\"}'"
)  # fmt: skip


def _resource(salt: int) -> str:
    properties = " || ',' || ".join(_PROPERTY.replace("i * 64 + 0", f"i * 64 + {salt + step}") for step in range(3))
    return (
        f'\'{{"id":"\' || {_UUID.format(salt, draw(salt, 20_000))} || \'","displayName":"Target \' || {draw(salt, 20_000)} || \'","type":"\' || '
        f"{pick(salt, 'User', 'Group', 'Application', 'Role')} || '\",\"modifiedProperties\":[' || {properties} || ']}}'"
    )


AUDITS: Final[dict[str, str]] = {
    "TimeGenerated": SIGNINS["TimeGenerated"],
    "OperationName": pick(3, "Update user", "Add member to role", "Update group", "Add user", "Reset password", "Delete user"),
    "Category": pick(4, "UserManagement", "RoleManagement", "GroupManagement"),
    "CorrelationId": _UUID.format(7, 'i'),
    "Result": pick(5, "success", "failure"),
    "Identity": "'User ' || u",
    "InitiatedBy": "'{\"user\":{\"userPrincipalName\":\"user' || u || '@contoso.example\",\"ipAddress\":\"80.1.2.' || (u % 250) || '\"}}'",
    "TargetResources": f"'[' || {_resource(40)} || CASE WHEN {draw(6, 2)} = 0 THEN ',' || {_resource(50)} ELSE '' END || ']'",
    "_BilledSize": f"1500.0 + {draw(34, 900)}",
}  # fmt: skip


def fill(store: LogStore, rows: int) -> None:
    """Put `rows` sign-ins and a tenth as many audit rows into an empty store."""
    connection = store._cursor()
    try:
        for name, columns, count in (("SigninLogs", SIGNINS, rows), ("AuditLogs", AUDITS, rows // 10)):
            _fill(store, connection, name, columns, count)
        connection.execute("CHECKPOINT").fetchall()
    finally:
        connection.close()


def _select(columns: dict[str, str], first: int, last: int, total: int) -> str:
    items = ", ".join(f"{sql.replace('{total}', str(total))} AS {identifier(name)}" for name, sql in columns.items())
    return f"SELECT i, {items} FROM (SELECT i, {_USER} AS u FROM range({first}, {last}) AS r(i))"


def _fill(
    store: LogStore, connection: duckdb.DuckDBPyConnection, name: str, columns: dict[str, str], total: int
) -> None:
    import orjson

    cursor = connection.execute(_select(columns, 0, 1000, total))
    names = [described[0] for described in cursor.description]
    sample = []
    for values in cursor.fetchall():
        row = dict(zip(names[1:], values[1:], strict=True))
        for key, value in row.items():
            if isinstance(value, str) and value[:1] in ("{", "["):
                row[key] = orjson.loads(value)
            elif key in ("TimeGenerated", "CreatedDateTime"):
                row[key] = ticks.to_datetime(value)
        sample.append(row)
    store.append(name, sample)
    table = store._tables.get(name)
    assert table is not None
    own = {
        key
        for key, sql in columns.items()
        if "{total}" in sql or sql == _UUID.format(7, "i") or sql == _UUID.format(24, "i")
    }
    connection.execute(_insert(table, columns, _select(columns, 1000, min(_BASE, total), total))).fetchall()
    for first in range(_BASE, total, _BASE):
        made = {key: columns[key] for key in columns if key in own}
        items = ", ".join(f"{sql.replace('{total}', str(total))} AS {identifier(key)}" for key, sql in made.items())
        kept = ", ".join(identifier(stored.physical) for stored in table.columns if stored.name not in own)
        parts = ", ".join(identifier(part) for stored in table.columns for part in stored.properties.values())
        rows = f'SELECT *, i AS "$row" FROM (SELECT "$row" + {first} AS i, {kept}{", " + parts if parts else ""} FROM {table.sql} WHERE rowid < {min(_BASE, total - first)})'
        names = f"{kept}{', ' + parts if parts else ''}"
        targets = ", ".join(identifier(table.stored[key].physical) for key in made)
        connection.execute(
            f'INSERT INTO {table.sql} ("$load", "$row", "$ingested", {names}, {targets}) '
            f"SELECT 1, i, 0, {names}, {targets} FROM (SELECT *, {items} FROM ({rows}))"
        ).fetchall()


def _insert(table: StoredTable, columns: dict[str, str], rows: str) -> str:
    targets = ['"$load"', '"$row"', '"$ingested"']
    values = ["1", "i", identifier("TimeGenerated")]
    for name in columns:
        stored = table.stored[name]
        targets.append(identifier(stored.physical))
        values.append(identifier(name))
        for path, physical in stored.properties.items():
            targets.append(identifier(physical))
            steps = "$" + "".join(f'."{step}"' for step in path)
            values.append(f"json_extract_string({identifier(name)}, '{steps}')")
    return f"INSERT INTO {table.sql} ({', '.join(targets)}) SELECT {', '.join(values)} FROM ({rows})"
