"""Properties of dynamic columns that have columns of their own."""

from __future__ import annotations

import json
import random
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vedette.core.clock import VirtualClock
from vedette.core.errors import Unavailable
from vedette.engine.query import QueryOptions
from vedette.kql.types import Type
from vedette.store.logstore import LogStore
from vedette.store.opening import LAYOUT
from vedette.store.properties import MOST, frequent_properties
from vedette.store.reading import chunks

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def test_frequent_properties_with_plain_values_are_chosen() -> None:
    texts = ['{"a":1,"b":{"c":"x","d":{"e":1}},"list":[1],"none":null,"long":"' + "y" * 300 + '"}'] * 20
    texts += ['{"seldom":1}', "[1]", '"text"', "7", None]  # type: ignore[list-item]
    assert frequent_properties(pa.array(texts)) == [("a",), ("b", "c")]
    many = "{" + ",".join(f'"k{number:02}":{number}' for number in range(40)) + "}"
    assert len(frequent_properties(pa.array([many]))) == MOST
    assert frequent_properties(pa.array([], pa.string())) == []


def _kept(store: LogStore, table: str, column: str) -> list[tuple[str, ...]]:
    stored = store._tables.get(table)
    assert stored is not None
    return list(stored.stored[column].properties)


@pytest.mark.parametrize("first", [{"os": "Windows"}, '{"os": "Windows"}'], ids=["object", "text"])
@pytest.mark.parametrize(
    ("later", "expected"),
    [
        ([""], [""]),
        (["", None], ["", ""]),
        ([None], [""]),
        (["", {"os": "Mac"}, ""], ["", "Mac", ""]),
        ([{"os": "Mac"}] * 5 + [""], ["Mac"] * 5 + [""]),
        ([[], {}, 5, "text"], [""] * 4),
    ],
)
def test_rows_whose_json_is_empty_are_stored(first: object, later: list[object], expected: list[str]) -> None:
    with LogStore(None, VirtualClock(NOW)) as store:
        for table in ("Own_CL", "SigninLogs"):
            store.append(table, [{"DeviceDetail": first, "Id": ""}] * 20)
            assert _kept(store, table, "DeviceDetail") == [("os",)]
            store.append(table, [{"DeviceDetail": value, "Id": str(place)} for place, value in enumerate(later)])
            text = f"{table} | where Id != '' | sort by toint(Id) asc | project tostring(parse_json(DeviceDetail).os)"
            assert [row[0] for row in store.query(text, now=NOW).rows] == expected


def test_properties_are_filled_by_every_later_row_and_after_reopening(tmp_path: Path) -> None:
    path = tmp_path / "logs.duckdb"
    text = "SigninLogs | sort by Identity asc | project Identity, tostring(DeviceDetail.os), tostring(DeviceDetail)"
    with LogStore(path, VirtualClock(NOW)) as store:
        store.append("SigninLogs", [{"Identity": "0"}])
        store.append("SigninLogs", [{"Identity": "1", "DeviceDetail": {"os": "Windows", "n": 1}}])
        assert set(_kept(store, "SigninLogs", "DeviceDetail")) == {("os",), ("n",)}
        store.append("SigninLogs", [{"Identity": "2", "DeviceDetail": {"OS": "x", "new": 1}}, {"Identity": "3"}])
    with LogStore(path, VirtualClock(NOW)) as store:
        store.append("SigninLogs", [{"Identity": "4", "DeviceDetail": {"os": "Mac"}}])
        assert store.query(text, now=NOW).rows == [
            ["0", "", ""], ["1", "Windows", '{"os":"Windows","n":1}'], ["2", "", '{"OS":"x","new":1}'], ["3", "", ""],
            ["4", "Mac", '{"os":"Mac"}'],
        ]  # fmt: skip
        explained = store.explain(text, now=NOW)[0]
        assert "property-columns" in explained.rewrites
        # columns of properties are no columns of the table
        assert [field.name for field in store.describe("SigninLogs").fields if "." in field.name] == []
        assert "DeviceDetail.os" not in str(store.query("SigninLogs | getschema", now=NOW).rows)


def test_a_column_that_is_added_by_hand_reads_the_json_alone() -> None:
    with LogStore(None, VirtualClock(NOW)) as store:
        store.append("SigninLogs", [{"Identity": "1", "Later": {"os": "old"}}])
        store.add_column("SigninLogs", "Later", Type.DYNAMIC)
        store.append("SigninLogs", [{"Identity": "2", "Later": {"os": "new"}}])
        assert _kept(store, "SigninLogs", "Later") == []
        text = "SigninLogs | summarize count() by tostring(Later.os) | sort by Later_os asc"
        assert store._engine.run(text, QueryOptions(NOW)).rows == [["new", 1], ["old", 1]]


def test_a_transaction_that_is_undone_leaves_no_property(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OSError("the disk is gone")

    with LogStore(None, VirtualClock(NOW)) as store:
        with monkeypatch.context() as patched, pytest.raises(OSError, match="disk"):
            patched.setattr("vedette.store.logstore.record", broken)
            store.append("SigninLogs", [{"DeviceDetail": {"os": "x"}}])
        store.append("SigninLogs", [{"DeviceDetail": {"other": "x"}}])
        assert _kept(store, "SigninLogs", "DeviceDetail") == [("other",)]


def test_a_file_of_the_first_layout_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "logs.duckdb"
    with LogStore(path, VirtualClock(NOW)) as store:
        cursor = store._cursor()
        cursor.execute("UPDATE store_catalog.meta SET value = '1' WHERE name = 'layout'").fetchall()
        cursor.execute("DROP TABLE store_catalog.properties").fetchall()
    with LogStore(path, VirtualClock(NOW)) as store:
        assert store._cursor().execute("SELECT value FROM store_catalog.meta WHERE name = 'layout'").fetchall() == [
            (LAYOUT,)
        ]
        store._cursor().execute("UPDATE store_catalog.meta SET value = '9' WHERE name = 'layout'").fetchall()
    with pytest.raises(Unavailable):
        LogStore(path, VirtualClock(NOW))


TEXTS = st.sampled_from(
    ['{"UA":"x","n":1,"info":"inf"}', '{"UA":"nan","n":2.50}', '{"UA":"y",}', "not json", "", '{"UA":NaN}', ' {"UA":"sp"} ', "null",
     '[{"UA":"first","n":{"a":1}},{"UA":"second"}]', "[]", '[["x"]]', '{"UA":null,"n":true}', '{"UA":"a","UA":"b"}', "[1,2]", '{"0":"key"}']
)  # fmt: skip
COMMON = '{"UA":"k","n":3,"in":{"er":"v"},"list":[{"Address":"1.2.3.4"}]}'
COMMON_LIST = '[{"UA":"k","n":3}]'
QUESTIONS = (
    "tostring(parse_json(ExtendedProperties).UA)", "tostring(todynamic(ExtendedProperties).n)", "tostring(P['in'].er)",
    "tostring(P.list[0].Address)", "tostring(parse_json(ExtendedProperties)[0].UA)", "tostring(Q[0].n)", "tostring(P[1].UA)",
    "tostring(P)", "ExtendedProperties", "tostring(parse_json(Entities)[0].UA)",
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(
    texts=st.lists(TEXTS, max_size=8), common=st.sampled_from([COMMON, COMMON_LIST]), times=st.sampled_from([1, 3]),
    beside=st.lists(TEXTS, min_size=1, max_size=3),
)  # fmt: skip
def test_json_in_text_reads_as_without_its_columns(
    texts: list[str], common: str, times: int, beside: list[str]
) -> None:
    """Rows of many texts, and of few, which are read once; another column of JSON beside it has fewer or more."""
    with LogStore(None, VirtualClock(NOW)) as store:
        store.append("SecurityAlert", [{"ExtendedProperties": common, "Entities": COMMON_LIST}] * 100)
        rows = [
            {"ExtendedProperties": text, "Entities": beside[n % len(beside)]} for n, text in enumerate(texts * times)
        ]
        store.append("SecurityAlert", rows)
        assert _kept(store, "SecurityAlert", "ExtendedProperties")
        query = (
            "SecurityAlert | extend P = parse_json(ExtendedProperties) | extend Q = P | project "
            + ", ".join(f"c{place} = {text}" for place, text in enumerate(QUESTIONS))
            + " | summarize count() by "
            + ", ".join(f"c{place}" for place in range(len(QUESTIONS)))
            + " | sort by "
            + ", ".join(f"c{place} asc" for place in range(len(QUESTIONS)))
        )
        assert "property-columns" in store.explain(query, now=NOW)[0].rewrites
        with_columns = store._engine.run(query, QueryOptions(NOW)).rows
        assert with_columns == store._engine.run(query, QueryOptions(NOW, rewrites=frozenset())).rows
        assert {row[8] for row in with_columns} == {common, *texts}


def test_first_elements_of_dynamic_arrays() -> None:
    resources = [{"displayName": "x", "modifiedProperties": [{"newValue": "v"}]}, {"displayName": "y"}]
    with LogStore(None, VirtualClock(NOW)) as store:
        store.append("AuditLogs", [{"TargetResources": resources}] * 3 + [{"TargetResources": []}])
        assert _kept(store, "AuditLogs", "TargetResources") == [
            (0, "displayName"), (0, "modifiedProperties", 0, "newValue"),
        ]  # fmt: skip
        query = (
            "AuditLogs | summarize count() by tostring(TargetResources[0].displayName), tostring(TargetResources[1].displayName), "
            "tostring(TargetResources[0].modifiedProperties[0].newValue), tostring(TargetResources[-1].displayName) | sort by count_ asc"
        )
        assert store.query(query, now=NOW).rows == [["", "", "", "", 1], ["x", "y", "v", "y", 3]]
        explained = store.explain(query, now=NOW)[0]
        assert "property-columns" in explained.rewrites


def test_text_that_is_no_json_has_no_columns() -> None:
    with LogStore(None, VirtualClock(NOW)) as store:
        store.append("Syslog", [{"SyslogMessage": text} for text in ["plain", '{"a":1}', "[x]", ""]])
        assert _kept(store, "Syslog", "SyslogMessage") == []


@pytest.mark.parametrize("remembered", [1, 5, 10_000])
def test_texts_that_come_again_in_later_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, remembered: int
) -> None:
    """What a column of a property holds is what its JSON says, however much of the JSON came before."""
    monkeypatch.setattr("vedette.store.writer._REMEMBERED", remembered)
    monkeypatch.setattr(chunks, "SIZE", 3_000)
    monkeypatch.setattr(chunks, "MOST_LINES", 40)
    source = random.Random(3)
    lines = []
    for number in range(600):
        row: dict[str, object] = {"TimeGenerated": "2026-02-03T04:05:06Z", "Identity": str(number)}
        if number % 7:
            row["DeviceDetail"] = {"os": f"os {source.randrange(1 + number // 60)}", "n": source.choice([None, 1, "x"])}
        if number % 5:
            row["Status"] = source.choice([{"errorCode": 0}, {"errorCode": 50126, "why": ["a"]}, {}, {"other": "é"}])
        lines.append(row)
    file = tmp_path / "SigninLogs" / "a.jsonl"
    file.parent.mkdir()
    file.write_text("".join(json.dumps(row) + "\n" for row in lines), encoding="utf-8")
    with LogStore(None, VirtualClock(NOW)) as store:
        assert store.load([file]).rows == len(lines)
        assert {("os",), ("n",)} <= set(_kept(store, "SigninLogs", "DeviceDetail"))
        wrong = store.query(
            "SigninLogs | where tostring(DeviceDetail.os) != tostring(parse_json(strcat(tostring(DeviceDetail), '')).os)"
            " or tostring(DeviceDetail.n) != tostring(parse_json(strcat(tostring(DeviceDetail), '')).n)"
            " or tostring(Status.errorCode) != tostring(parse_json(strcat(tostring(Status), '')).errorCode)",
            now=NOW,
        )
        assert wrong.rows == []
        told = store.query("SigninLogs | summarize count() by Os = tostring(DeviceDetail.os)", now=NOW).rows
    expected = Counter(str((row.get("DeviceDetail") or {}).get("os", "")) for row in lines)  # type: ignore[attr-defined]
    assert dict(told) == expected


ODD_KEYS = ("", "*", "a*", "$", "/", "~1", "a.b", "[0]", "0", "a'b", 'a"b', "a\\b", "\\u0041", "a\u0000b", "\x1f")


@pytest.mark.parametrize("key", ODD_KEYS)
def test_a_property_is_found_whatever_its_key_is(key: str) -> None:
    """In its rows as they are taken in, by a constant key, by one that a row has, and on the way to another."""
    bag = {key: {key: "deep", "b": "below"}, "plain": "p", "n": 0, "other": {key: "beside"}, "list": [{key: 1}]}
    name = json.dumps(key)
    asked = {
        f"DeviceDetail[{name}].b": "below", f"DeviceDetail[{name}][{name}]": "deep", f"DeviceDetail.other[{name}]": "beside",
        f"DeviceDetail.list[0][{name}]": "1", f"DeviceDetail.list[0][{name}].b": "", f"DeviceDetail.plain[{name}]": "",
        "DeviceDetail[Identity].b": "below", "DeviceDetail[Identity][Identity]": "deep", "DeviceDetail.other[Identity]": "beside",
        "DeviceDetail.list[toint(DeviceDetail.n)][Identity]": "1", "DeviceDetail[todynamic(strcat('pl', 'ain'))]": "p",
    }  # fmt: skip
    with LogStore(None, VirtualClock(NOW)) as store:
        store.append("SigninLogs", [{"Identity": key, "DeviceDetail": bag}] * 5)
        columns = ", ".join(f"X{place} = tostring({text})" for place, text in enumerate(asked))
        rows = store.query(f"SigninLogs | project {columns}").rows
        assert [dict(zip(asked, row, strict=True)) for row in rows] == [asked] * 5
        store.append("SigninLogs", [{"DeviceDetail": {key: f"v{place}"}} for place in range(30)])
        last = f"SigninLogs | where isempty(DeviceDetail.plain) | summarize dcount(tostring(DeviceDetail[{name}]))"
        assert store.query(last).rows == [[30]]
