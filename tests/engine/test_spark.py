"""The second printer: the same statements in Spark SQL give the same answers."""

from __future__ import annotations

import importlib.util
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from vedette.core.clock import SystemClock
from vedette.core.errors import VedetteError
from vedette.engine.compiler import Compiled
from vedette.engine.query import QueryOptions
from vedette.engine.result import wire_columns
from vedette.engine.spark import NotInSpark, to_spark
from vedette.kql.diagnostics import KqlError
from vedette.store.logstore import LogStore


@pytest.fixture(scope="module")
def logs() -> Iterator[LogStore]:
    with LogStore(None, SystemClock()) as store:
        yield store


def compiled(logs: LogStore, text: str) -> Compiled:
    return logs._engine.compiled(text, QueryOptions(datetime.now(UTC)))[-1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("print abs(-5)", "DECIMAL(38, 0)"),
        ("print 1.0 / 0.0", "'inf'"),
        ("datatable(a: long) [1, 2] | where a > 1", "UNION ALL"),
        ("let t = materialize(datatable(a: long) [1]); union t, t", "WITH "),
    ],
)
def test_a_statement_is_said_in_sparks_words(logs: LogStore, text: str, said: str) -> None:
    spark = to_spark(compiled(logs, text))
    assert said in spark
    assert "INT128" not in spark
    assert "MATERIALIZED" not in spark


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("print parse_user_agent('x', 'browser')", "vdt_"),
        ("print decimal(1.5)", "decimal"),
        ("datatable(s: string) ['ab'] | where s matches regex 'a'", "REGEXP"),
        ("datatable(s: string) ['ab'] | project toguid(s)", "guid"),
    ],
)
def test_what_spark_says_otherwise_is_refused_by_name(logs: LogStore, text: str, named: str) -> None:
    with pytest.raises(NotInSpark, match=named):
        to_spark(compiled(logs, text))


def _scorer(shared: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("score", shared / "conformance" / "score.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    sql = pytest.importorskip("pyspark.sql", reason="pyspark is not installed (make soak installs it)")
    logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)
    settings = {
        "spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "1", "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1", "spark.sql.session.timeZone": "UTC", "spark.sql.ansi.enabled": "false",
    }  # fmt: skip
    session = sql.SparkSession.builder.master("local[1]").config(map=settings).getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


@pytest.mark.soak
def test_spark_answers_the_cases_as_duckdb_does(logs: LogStore, spark: Any, shared: Path) -> None:
    score = _scorer(shared)
    lines = (shared / "conformance" / "kql.jsonl").read_text(encoding="utf-8").splitlines()
    cases = [case for case in map(json.loads, lines) if case["kind"] == "runnable" and case["confidence"] == "emulator"]
    right, wrong, refused = 0, [], 0
    for case in cases[::3]:  # a third takes two to seven minutes, and has the same constructs
        try:
            answer = logs.query(case["query"], now=datetime.now(UTC))
            described = [{"name": column.name, "type": column.type.value} for column in answer.columns]
            if score.verdict(case, {"id": case["id"], "columns": described, "rows": answer.rows}):
                continue  # what DuckDB itself answers otherwise is no matter of the printer
            made = compiled(logs, case["query"])
            if answer.more or made.given or made.stages:
                continue  # not one statement
            statement = to_spark(made)
        except NotInSpark:
            refused += 1
            continue
        except (VedetteError, KqlError):  # refused before there is a statement
            continue
        if "$now" in statement:
            continue
        try:
            rows = spark.sql(statement).collect()
        except Exception as error:  # Spark's own kinds of errors; the statement should not have been made
            wrong.append(f"{case['id']}: {str(error)[:200]}")
            continue
        types = [column.type for column in answer.columns]
        values = wire_columns(types, [[row[index] for row in rows] for index in range(len(types))])
        why = score.verdict(case, {"id": case["id"], "columns": described, "rows": values})
        if why:
            wrong.append(f"{case['id']}: {why}")
        else:
            right += 1
    print(f"{right} of {len(cases[::3])} cases answered by Spark, {refused} refused by name")
    assert not wrong, "\n".join(wrong)
    assert right >= 100
