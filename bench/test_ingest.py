"""How fast JSON over HTTP gets into the tables, beside DuckDB alone with the same Arrow batches."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import httpx
import orjson
import pyarrow as pa
import pytest

from bench.test_serve import serving
from vedette.core.datadir import DataDirectory
from vedette.kql import ticks
from vedette.store import catalog
from vedette.store.assembly import Assembler
from vedette.store.batch import Batch, columns_of

pytestmark = pytest.mark.bench
Record = Callable[[str, float, float, str], None]
BATCHES, ROWS = 100, 1000
SENDERS = 2


def sign_ins(source: random.Random, count: int) -> list[dict[str, object]]:
    """Rows like those of SigninLogs: 24 columns, three of them objects, 1 KB as JSON."""
    rows: list[dict[str, object]] = []
    for _ in range(count):
        user = source.randrange(50_000)
        rows.append(
            {
                "TimeGenerated": f"2026-02-{source.randrange(1, 28):02}T{source.randrange(24):02}:{source.randrange(60):02}:17.1234567Z",
                "OperationName": "Sign-in activity",
                "Category": "SignInLogs",
                "ResultType": str(source.choice((0, 0, 0, 50126, 50074))),
                "CorrelationId": f"{source.getrandbits(32):08x}-0000-4000-8000-{source.getrandbits(48):012x}",
                "Identity": f"User {user}",
                "Level": 4,
                "Location": source.choice(("PT", "DE", "US", "IN")),
                "AppDisplayName": f"App {source.randrange(80)}",
                "AppId": f"{source.randrange(80):08x}-0000-4000-8000-000000000000",
                "ClientAppUsed": "Browser",
                "ConditionalAccessStatus": "success",
                "CreatedDateTime": "2026-02-01T10:00:00Z",
                "DeviceDetail": {
                    "deviceId": "",
                    "operatingSystem": "Windows 10",
                    "browser": "Edge 120.0.0",
                    "isCompliant": True,
                },
                "IPAddress": f"203.0.{source.randrange(256)}.{source.randrange(256)}",
                "IsInteractive": True,
                "LocationDetails": {
                    "city": "Porto",
                    "state": "Porto",
                    "countryOrRegion": "PT",
                    "geoCoordinates": {"latitude": 41.15, "longitude": -8.61},
                },
                "RiskLevelDuringSignIn": "none",
                "Status": {"errorCode": 0, "additionalDetails": "MFA requirement satisfied by claim"},
                "UserAgent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
                "UserDisplayName": f"User {user}",
                "UserId": f"{user:08x}-0000-4000-8000-000000000000",
                "UserPrincipalName": f"user{user}@contoso.com",
                "UserType": "Member",
            }
        )
    return rows


def raw_seconds(file: Path, batches: list[list[dict[str, object]]]) -> float:
    """DuckDB alone: each batch a committed INSERT of an Arrow table."""
    types = {field.name: field.type for field in catalog.schema("SigninLogs") or ()}
    tables = []
    for rows in batches:
        batch = Batch(len(rows), columns_of(rows), range(1, len(rows) + 1), [len(orjson.dumps(row)) for row in rows])
        made = Assembler(types, "SigninLogs", "w", 1, ticks.from_parts(2026, 3, 1) or 0, 0).assemble(batch)
        tables.append(pa.table(made.columns | made.hidden))
    with duckdb.connect(str(file)) as connection:
        connection.register("one", tables[0])
        connection.execute("CREATE TABLE logs AS SELECT * FROM one LIMIT 0")
        connection.unregister("one")
        started = time.perf_counter()
        for table in tables:
            connection.register("one", table)
            connection.execute("INSERT INTO logs SELECT * FROM one").fetchall()
            connection.unregister("one")
        return time.perf_counter() - started


def test_json_over_http(tmp_path: Path, record: Record) -> None:
    source = random.Random(7)
    batches = [sign_ins(source, ROWS) for _ in range(BATCHES)]
    bodies = [json.dumps(rows).encode() for rows in batches]
    raw = raw_seconds(tmp_path / "raw.duckdb", batches)
    data = tmp_path / "data"
    with serving(data, patience=60):
        server = DataDirectory(data).server()
        assert server is not None
        headers = {"Authorization": f"Bearer {server.token}"}
        with httpx.Client(base_url=server.url, headers=headers, timeout=60) as client:
            assert client.post(
                "/ingest/SigninLogs", content=bodies[0]
            ).is_success  # the table's first rows are not the rate
            stats = "/api/v1/workspaces/default/ingestion/stats"
            while client.get(stats).json()["waitingRows"]:
                time.sleep(0.05)
            started = time.perf_counter()
            with ThreadPoolExecutor(SENDERS) as senders:
                for answer in senders.map(lambda body: client.post("/ingest/SigninLogs", content=body), bodies):
                    assert answer.json()["accepted"] == ROWS
            acknowledged = time.perf_counter() - started
            while client.get(stats).json()["waitingRows"]:
                time.sleep(0.02)
            stored = time.perf_counter() - started
    rows = BATCHES * ROWS
    print(f"raw {rows / raw:,.0f} rows/s, acknowledged {rows / acknowledged:,.0f}, in the table {rows / stored:,.0f}")
    record("DuckDB alone against JSON over HTTP until it is durable, SigninLogs rows/s", acknowledged / raw, 2, "times")
    record("DuckDB alone against JSON over HTTP until it can be queried, SigninLogs rows/s", stored / raw, 4, "times")
