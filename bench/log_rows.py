"""Fourteen days of log rows for measurements: millions, as wide as real ones, made inside the engine.

The first rows of each file of the shared material are the models. A row that is made takes all columns of a model: of a common
kind of event often, of a rare kind rarely. Its times, people, hosts, addresses and ids are its own, and its long texts differ from
those of every other row, so that neither the engine's compression nor its caches see copies.
"""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa

from vedette.engine.dialect import identifier, quote
from vedette.kql import ticks
from vedette.kql.types import Type
from vedette.store.logstore import LogStore
from vedette.store.report import LoadOptions
from vedette.store.statements import lent
from vedette.store.tables import StoredTable

SHARES: Final = {
    "SecurityEvent": 200, "CommonSecurityLog": 220, "AADNonInteractiveUserSignInLogs": 100, "Syslog": 80,
    "DeviceProcessEvents": 60, "DeviceNetworkEvents": 60, "DeviceFileEvents": 50, "WindowsEvent": 40, "Event": 30,
    "DnsEvents": 30, "W3CIISLog": 20, "SigninLogs": 20, "OfficeActivity": 20, "AzureDiagnostics": 20,
    "AWSCloudTrail": 20, "DeviceEvents": 15, "DeviceImageLoadEvents": 15, "AADServicePrincipalSignInLogs": 10,
    "MicrosoftGraphActivityLogs": 10, "CloudAppEvents": 10, "DeviceLogonEvents": 10, "DeviceRegistryEvents": 10,
    "IdentityLogonEvents": 8, "AuditLogs": 5, "AzureActivity": 5, "EmailEvents": 5, "EmailUrlInfo": 5,
    "AADManagedIdentitySignInLogs": 5, "StorageBlobLogs": 5, "DeviceInfo": 3, "BehaviorAnalytics": 3,
    "UrlClickEvents": 2, "DeviceFileCertificateInfo": 2, "Heartbeat": 2,
}  # fmt: skip
"""How the rows spread over the tables."""
FIXED: Final = {
    "ThreatIntelligenceIndicator": 20_000, "ThreatIntelIndicators": 20_000, "IdentityInfo": 20_000, "Usage": 20_000,
    "SecurityAlert": 5_000, "SecurityIncident": 1_000, "AADUserRiskEvents": 2_000, "AADRiskyUsers": 500, "AWSGuardDuty": 1_000,
}  # fmt: skip
"""Tables whose rows do not grow with the others."""
_INVENTED: Final = Path(__file__).with_name("log_models.jsonl")
"""Models of tables that the shared material has no rows of."""
_KINDS: Final = (
    "EventID", "DeviceEventClassID", "OperationName", "OperationNameValue", "Operation", "EventName", "ActionType",
    "Facility", "Category", "ResultType",
)  # fmt: skip
_SLOTS: Final = 65_536
_LOAD: Final = 7_000_000_000_000_000_000
"""The load of the rows that are made; those of any other are models."""
_MODEL: Final = f'"$load" <> {_LOAD}'
_MODELS_A_FILE: Final = 150
_IP = re.compile(
    r"(?i)^(c|s|source|destination|client|caller|remote|local|network)?_?(ip|ip_?address|address|translatedaddress)$"
)
_HOST = re.compile(
    r"(?i)^(computer|devicename|hostname|sourcehostname|destinationhostname|workstation(name)?|\w*_?dnshostname)$"
)
_PERSON = re.compile(
    r"(?i)^((initiatingprocess|target|subject|source|destination|initiated\w*|sender\w*|recipient\w*)?"
    r"(account(name|upn)?|user(principalname|name|id)?|username|userdisplayname|emailaddress)|identity|caller|account)$"
)
_LONG = re.compile(
    r"(?i)^(\w*commandline|message|syslogmessage|requesturl|additionalextensions|rendereddescription|url|uri|useragent\w*|"
    r"domainname|filehashvalue|\w*sha256|\w*sha1|\w*md5|name|parameterxml|csuriquery|\w*filename|folderpath)$"
)
_GUID = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")


def put_models(store: LogStore, shared: Path, folder: Path, before: datetime) -> None:
    """Loads the models, with times that end at `before`."""
    for table in sorted({*SHARES, *FIXED}):
        for path in sorted((shared / "data" / "tables" / table).glob("*.gz")):
            part = folder / table / path.name.removesuffix(".gz")
            part.parent.mkdir(parents=True, exist_ok=True)
            with gzip.open(path, "rb") as lines:
                part.write_bytes(b"".join(islice(lines, _MODELS_A_FILE)))
            report = store.load([part], LoadOptions(shift_to=before))
            assert report.failed == []
    invented: dict[str, list[dict[str, object]]] = {}
    for line in _INVENTED.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        invented.setdefault(row["Type"], []).append(row | {"TimeGenerated": before})
    for table, rows in invented.items():
        store.append(table, rows)


@dataclass(frozen=True, slots=True)
class _Making:
    """How the rows of one table are made."""

    table: str
    columns: str
    values: str
    models: str


class RowMaker:
    """Makes rows of every table after the models that are in a store."""

    def __init__(self, store: LogStore) -> None:
        self._connection: duckdb.DuckDBPyConnection = store._cursor()
        self._makings = {
            table: self._making(stored)
            for table in sorted({*SHARES, *FIXED})
            if (stored := store._tables.get(table)) is not None
        }
        self._made: Counter[str] = Counter()

    def close(self) -> None:
        self._connection.close()

    def fill(self, rows: int, start: datetime, end: datetime, *, fixed: bool = True) -> Iterator[int]:
        """Makes rows between two moments, a part of the time after the other; gives the number of rows of each step."""
        whole = sum(SHARES[table] for table in self._makings.keys() & SHARES.keys())
        steps = max(1, rows // 2_000_000)
        if fixed:
            for table in self._makings.keys() & FIXED.keys():
                yield self._make(table, FIXED[table], start, end)
        for step in range(steps):
            first, last = start + (end - start) * step / steps, start + (end - start) * (step + 1) / steps
            for table in sorted(self._makings.keys() & SHARES.keys()):
                count = rows * SHARES[table] // whole // steps
                if count:
                    yield self._make(table, count, first, last)

    def _make(self, table: str, count: int, start: datetime, end: datetime) -> int:
        making, offset = self._makings[table], self._made[table]
        self._made[table] += count
        first, step = ticks.from_datetime(start), ticks.from_datetime(end) - ticks.from_datetime(start)
        sql = (
            f"INSERT INTO {making.table} ({making.columns}) SELECT {making.values} FROM ("
            f"SELECT i + {offset} AS n, hash(i + {offset}, {quote(table)}) AS h, "
            f"{first} + CAST({step} * ((i + (hash(i) % 1000) / 1000.0) / {count}) AS BIGINT) AS t FROM range({count}) AS r(i)"
            f") AS made JOIN {making.models}_slots AS s ON s.model_slot = made.h % {_SLOTS} JOIN {making.models} AS m USING (model_id)"
        )
        self._connection.execute(sql)
        return count

    def _making(self, stored: StoredTable) -> _Making:
        kind = next((stored.stored[name].physical for name in _KINDS if name in stored.stored), None)
        models = f"models_{stored.name}"
        self._models(stored, kind, models)
        properties = {physical for column in stored.columns for physical in column.properties.values()}
        values = {
            "$load": str(_LOAD), "$row": "made.n", "$ingested": "made.t + 50000000", "$extra": 'm."$extra"',
        }  # fmt: skip
        for column in stored.columns:
            values[column.physical] = self._value(stored, column.name, column.type, f"m.{identifier(column.physical)}")
        for physical in properties:
            values[physical] = f"m.{identifier(physical)}"
        return _Making(stored.sql, ", ".join(identifier(name) for name in values), ", ".join(values.values()), models)

    def _models(self, stored: StoredTable, kind: str | None, name: str) -> None:
        """A temporary table of models, with as many slots for each as its kind of event is common."""
        sample = f"(SELECT rowid AS id, {identifier(kind) if kind else '0'} AS kind FROM {stored.sql} WHERE {_MODEL})"
        kinds = self._connection.execute(
            f"SELECT kind, list(id ORDER BY id) FROM {sample} GROUP BY kind ORDER BY count(*) DESC, kind"
        ).fetchall()
        slots: list[int] = []
        common = kinds[:6]
        for _, ids in kinds[6:]:
            slots += ids[: max(1, _SLOTS // 40 // len(kinds))]
        weights = [1 / (rank + 1) for rank in range(len(common))]
        room = _SLOTS - len(slots)
        for weight, (_, ids) in zip(weights, common):
            few, often = ids[:200], int(room * weight / sum(weights))
            # of a common kind one model is the everyday event; the others are rare
            slots += few + [few[0]] * max(0, often - len(few))
        slots = (slots + [common[0][1][0]] * _SLOTS)[:_SLOTS]
        given = pa.table({"model_slot": range(_SLOTS), "model_id": slots})
        with lent(self._connection, "given_slots", given):
            self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {name}_slots AS FROM given_slots")
        self._connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT m.rowid AS model_id, m.* FROM {stored.sql} AS m "
            f"WHERE m.rowid IN (SELECT model_id FROM {name}_slots)"
        )

    def _value(self, stored: StoredTable, name: str, kind: Type, model: str) -> str:
        if name == "TimeGenerated":
            return "made.t"
        if kind is Type.DATETIME:
            later = "+ 300000000000000" if name == "ExpirationDateTime" else ""
            return f"CASE WHEN {model} IS NULL THEN NULL ELSE made.t {later} END"
        number = "printf('%x', made.h)"
        if kind is Type.DYNAMIC:
            numbered = f"'{{\"Sequence\":\"' || {number} || '\",' || substr({model}, 2)"
            return f"CASE WHEN {model} LIKE '{{\"%' THEN {numbered} ELSE {model} END"
        if kind is not Type.STRING:
            return model
        made = None
        if _IP.match(name):
            # what threat intelligence names is not what hosts talk to
            outside, inside = ("185.", "185.") if stored.name.startswith("ThreatIntel") else ("52.", "10.")
            parts = ["made.h // 7 % 8", "made.h // 64 % 250", "made.h // 32768 % 250"]
            first = f"CASE WHEN made.h % 3 = 0 THEN '{outside}' ELSE '{inside}' END"
            joined = " || '.' || ".join(f"({part})" for part in parts)
            made = f"{first} || {joined}"
        elif _HOST.match(name):
            made = f"'h' || (made.h // 11 % 2000) || '-' || {model}"
        elif _PERSON.match(name):
            machine = f"{model} LIKE '%$' OR {model} ILIKE '%system%'"
            made = f"CASE WHEN {machine} THEN {model} ELSE 'u' || (made.h // 13 % 5000) || '.' || {model} END"
        elif name == "EventData":
            item = f"'<Data Name=\"Sequence\">' || {number} || '</Data></EventData>'"
            made = f"replace({model}, '</EventData>', {item})"
        elif _LONG.match(name):
            made = f"{model} || ' ' || {number}"
        elif self._is_guid(stored, name):
            made = "CAST(uuid() AS VARCHAR)"
        return model if made is None else f"CASE WHEN {model} = '' THEN '' ELSE {made} END"

    def _is_guid(self, stored: StoredTable, name: str) -> bool:
        if not re.match(
            r"(?i)^(correlation|operation|request|unique\w*|session|logon|activity|report|original\w*)?id$", name
        ):
            return False
        column = identifier(stored.stored[name].physical)
        found = self._connection.execute(
            f"SELECT {column} FROM {stored.sql} WHERE {column} <> '' AND {_MODEL} LIMIT 1"
        ).fetchall()
        return bool(found and _GUID.match(str(found[0][0])))
