"""The same Sigma rules as KQL here and as SQL in a database: both must hit the same rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from sigma.backends.kusto import KustoBackend
from sigma.collection import SigmaCollection
from sigma.types import SigmaNumber
from sigma_backend_duckdb.backend import DuckDBBackend

from vedette.core.clock import SystemClock
from vedette.store.logstore import LogStore

FOLDER = Path(__file__).parent
ROWS: list[dict[str, Any]] = json.loads((FOLDER / "rows.json").read_text(encoding="utf-8"))
COLUMNS = {
    "n": "long",
    "EventID": "long",
    "User": "string",
    "Image": "string",
    "CommandLine": "string",
    "SourceIp": "string",
    "Port": "long",
}
RULES = {one["title"]: one for one in yaml.safe_load_all((FOLDER / "rules.yml").read_text(encoding="utf-8"))}


class Kql(KustoBackend):  # type: ignore[misc]
    """The backend, with the modifier `cased`, which it lacks, and with `in` for numbers, of which KQL has no `in~`."""

    case_sensitive_match_expression = "{field} == {value}"
    case_sensitive_startswith_expression = "{field} startswith_cs {value}"
    case_sensitive_endswith_expression = "{field} endswith_cs {value}"
    case_sensitive_contains_expression = "{field} contains_cs {value}"

    def convert_condition_as_in_expression(self, cond: Any, state: Any) -> Any:
        text = super().convert_condition_as_in_expression(cond, state)
        numbers = all(isinstance(one.value, SigmaNumber) for one in cond.args)
        return text.replace(" in~ (", " in (", 1) if numbers else text


class Sql(DuckDBBackend):  # type: ignore[misc]
    """The backend; texts are equal without regard to case, as Sigma says and as KQL's `=~` does."""

    eq_token = " ILIKE "

    def convert_condition_field_eq_val_num(self, cond: Any, state: Any) -> str:
        return f"{self.escape_and_quote_field(cond.field)} = {cond.value}"


@dataclass
class Both:
    """The rows in the log store and in a database of their own."""

    logs: LogStore
    database: duckdb.DuckDBPyConnection


@pytest.fixture(scope="module")
def both() -> Iterator[Both]:
    database = duckdb.connect(":memory:")
    kinds = {"long": "BIGINT", "string": "VARCHAR"}
    database.execute(f"CREATE TABLE logs ({', '.join(f'{name} {kinds[kind]}' for name, kind in COLUMNS.items())})")
    for row in ROWS:
        # a text is never null in KQL: one that is absent is empty
        values = ["" if row[name] is None and kind == "string" else row[name] for name, kind in COLUMNS.items()]
        database.execute(f"INSERT INTO logs VALUES ({', '.join('?' * len(COLUMNS))})", values)
    with LogStore(None, SystemClock()) as logs:
        logs.append("Events_CL", ROWS)
        yield Both(logs, database)
    database.close()


def rule(title: str) -> Any:
    text = {"title": title, "status": "test", "logsource": {"category": "test"}, **RULES[title]}
    return SigmaCollection.from_yaml(yaml.safe_dump(text, allow_unicode=True))


def kql(title: str) -> str:
    return str(Kql().convert(rule(title))[0])


def sql(title: str) -> str:
    return str(Sql().convert(rule(title))[0])


# Where the two differ for a reason: what KQL must hit, by the number of the row, and the reason.
DIFFERENT: dict[str, tuple[set[int], str]] = {
    "a wildcard within": ({0}, "a dot of a regular expression is no line break, a percent sign of LIKE is one"),
    "a network": (
        {0, 1, 13},
        "KQL compares addresses; the SQL compares the start of the text, and hits 10.0.0.1.example",
    ),
    "networks": ({0, 1, 6, 13}, "as above"),
    "not one of a pattern": (
        {1, 6, 7, 9, 10, 11, 12, 13},
        "null == 445 is false in KQL, and its negation true; in SQL both are null",
    ),
    "an underscore and a percent sign": ({9}, "KQL has no wildcards; the SQL does not escape those of LIKE"),
}
"""Each one was looked at: the SQL is not what the rule means, or the two languages differ by their definition."""


@pytest.mark.parametrize("title", RULES)
def test_the_same_rows_are_hit(both: Both, title: str) -> None:
    query = f"Events_CL | where {kql(title)} | project n | order by n asc"
    here = {row[0] for row in both.logs.query(query).rows}
    if title in DIFFERENT:
        assert here == DIFFERENT[title][0], query
    statement = sql(title)
    there = {row[0] for row in both.database.execute(statement.replace("SELECT *", "SELECT n", 1)).fetchall()}
    if title in DIFFERENT:
        assert here != there, f"they agree now: take '{title}' from the list"
        return
    assert here == there, (query, statement)


def test_rules_hit_something_and_not_everything(both: Both) -> None:
    for title in RULES:
        count = both.logs.query(f"Events_CL | where {kql(title)} | count").rows[0][0]
        assert 0 < count < len(ROWS), title
