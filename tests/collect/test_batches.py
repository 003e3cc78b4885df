"""Many lines at once are the rows that the same lines are one by one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vedette.collect.formats import cef_batch
from vedette.collect.formats.batches import BatchReader
from vedette.collect.formats.cef_fields import FIELDS
from vedette.collect.formats.lines import LineReader, decode
from vedette.core.clock import SystemClock
from vedette.kql.types import Type
from vedette.store.catalog import schema
from vedette.store.columnar import texts
from vedette.store.intake import Intake
from vedette.store.logstore import LogStore
from vedette.store.timestamps import parse_ticks

NOW = datetime(2026, 3, 6, 18, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Prague")
DATETIMES = {
    table: {field.name for field in schema(table) or () if field.type is Type.DATETIME}
    for table in ("Syslog", "CommonSecurityLog")
}


@pytest.fixture(autouse=True)
def every_event_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a handful of lines would be read one by one."""
    monkeypatch.setattr(cef_batch, "_FEW", 1)
    monkeypatch.setattr(cef_batch, "_MANY", 1)


def meaning(table: str, row: dict[str, Any]) -> str:
    """A row as the store has it: an absent text is an empty one, and a time is a time however it is written."""
    said = {
        name: parse_ticks(value) if name in DATETIMES[table] and parse_ticks(str(value)) is not None else value
        for name, value in orjson.loads(orjson.dumps(row)).items()
        if value not in ("", None)
    }
    return table + json.dumps(said, sort_keys=True)


def compare(groups: Sequence[tuple[str, list[bytes]]]) -> int:
    """Reads the lines both ways, and again when the reader has learned their forms; how many became columns."""
    single, batch = LineReader(NOW, "here", ZONE), BatchReader(NOW, "here", ZONE)
    expected = sorted(meaning(*single.read(decode(line), source)) for source, lines in groups for line in lines)
    problems = sum("ParseProblem" in one for one in expected)
    for _ in range(3):
        read = batch.read(groups)
        found = [meaning(table, json.loads(text)) for table, rows in read.columns.items() for text in texts(rows)]
        in_columns = len(found)
        found += [meaning(table, row) for (table, _), rows in read.rows.items() for row in rows]
        assert sorted(found) == expected
        assert sum(read.problems.values()) == problems
    return in_columns


def corpus(shared: Path) -> list[bytes]:
    names = ("cef.jsonl", "cef_edge_cases.jsonl", "syslog_filebeat.jsonl", "syslog_rsyslog.jsonl")
    return [
        json.loads(line)["raw"].encode()
        for name in names
        for line in (shared / "data" / "parsers" / name).read_text("utf-8").splitlines()
    ]


@pytest.mark.req("P-034", "P-035", "P-037")
def test_the_corpus(shared: Path) -> None:
    lines = corpus(shared)
    assert len(lines) > 80
    compare([("192.0.2.1", lines), ("192.0.2.2", lines[::-1])])
    for line in lines:
        compare([("192.0.2.1", [line, line])])


FORMS = [
    "<86>Mar  6 17:05:41 web01 sshd[4321]: Failed password for pat from 203.0.113.9 port {n} ssh2",
    "<13>Mar  6 17:05:41 web01 no tag {n}",
    "<30>2026-03-06T17:05:41.{n:06}+01:00 web01 systemd[1]: Started {n}",
    "<34>1 2026-03-06T17:05:41.{n:03}Z web01 su - ID47 - \ufeff'su root' failed {n}",
    "<165>1 2026-03-06T17:05:41Z web01 app {n} - [meta sequenceId=\"{n}\"][x@1 a=\"\\\"\"] text {n}",
    "<134>Mar  6 17:05:41 fw CEF:0|V|P|1|100|deny|8|src=10.0.0.{n} dpt={n} act=Denied cn1={n} cs1=a b c request=http://x/?a=1 b={n}",
    "<134>1 2026-03-06T17:05:41Z fw x - - - CEF:1|V|P|1|100|deny|8|deviceDirection=1 dst=10.0.0.1 dpt={n} start=177279840{n:04} cfp1={n}.5",
    "<181>Mar  6 17:05:41 ise1 CISE_Passed_Authentications {n:010} 1 0 2026-03-06 17:05:41.328 +00:00 x",
    "<134>Mar  6 17:05:41 fw CEF:0|V|P|1|100|deny|8|src=10.0.0.{n}  msg=padded {n}   dpt={n}  act=Denied  foo=x  cs1=y",
    "CEF:0|V|P\\\\x|1|100|path|8|filePath=C:\\Windows\\x{n} msg=a\\=b\\nc externalId={n} foo=bar",
]  # fmt: skip


def test_what_senders_write_becomes_columns() -> None:
    for form in FORMS:
        assert compare([("192.0.2.1", [form.format(n=n).encode() for n in range(100)])]) == 100, form
    together = [form.format(n=n).encode() for n in range(50) for form in FORMS]
    assert compare([("192.0.2.1", together), ("2001:db8::1", together[:77])]) == len(together) + 77


VALUES = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["", "1", "-7", "443", "2147483648", "99999999999999999999", "1.5", "nan", "0x10", "\u0663", "a=b", " x ", "1 2="]),
    st.sampled_from(["Mar 06 2026 12:00:00", "1772798400000", "yesterday", "Denied", "C:\\Windows\\n", "\\\\|", "0", "x  ", "k=v z="]),
)  # fmt: skip
KEYS = st.one_of(st.sampled_from(sorted(FIELDS)), st.sampled_from(["foo", "ad.x", "cs1Label", "b[0]", "", "a b"]))
HEADS = st.sampled_from(
    [
        "",
        "<134>Mar  6 17:05:41 fw ",
        "<13>",
        "<999>Mar  6 17:05:41 fw ",
        "x|y ",
        "<13>1 2026-03-06T17:05:41Z h a - - - ",
    ]
)


@st.composite
def events(draw: st.DrawFn) -> str:
    header = "|".join(draw(st.lists(st.one_of(st.just("x"), VALUES), min_size=5, max_size=7)))
    pairs = " ".join(f"{key}={value}" for key, value in draw(st.lists(st.tuples(KEYS, VALUES), max_size=6)))
    return f"{draw(HEADS)}CEF:0|{header}|{pairs}"


@st.composite
def messages(draw: st.DrawFn) -> str:
    priority = draw(st.sampled_from(["<13>", "<191>", "<192>", "<007>", "", "<\u0663>"]))
    time = draw(st.sampled_from([
        "Mar  6 17:05:41", "Mar  6 17:05:61", "Mar 32 17:05:41", "Dec 31 23:59:59", "2026-03-06T17:05:41Z", "2026-03-06T17:05:41.1234567+05:30",
        "2026-13-06T17:05:41Z", "1 2026-03-06T17:05:41.123456789Z", "1 2026-02-30T17:05:41Z", "1 -", "",
    ]))  # fmt: skip
    words = draw(st.lists(st.sampled_from([
        "web01", "-", "su:", "su[7]:", "su[99999999999]:", "app[x]", ":", "a:", "http://x", "[a b=\"c\"]", "[a", "\ufeffx", " ", "10.0.0.1", "1",
    ]), max_size=8))  # fmt: skip
    return priority + " ".join([time, *words]) + draw(st.text(max_size=8))


@settings(max_examples=300)
@given(st.lists(st.one_of(events(), messages(), st.text(max_size=40)), min_size=1, max_size=8), st.integers(1, 3))
def test_any_lines(lines: list[str], times: int) -> None:
    data = [line.encode("utf-8", "replace") for line in lines] * times
    compare([("192.0.2.1", [line for line in data if line]), ("192.0.2.2", [b"\xff\xfe" + line for line in data[:2]])])


@settings(max_examples=150)
@given(st.data())
def test_the_corpus_with_changes(shared: Path, data: st.DataObject) -> None:
    lines = []
    for line in data.draw(st.lists(st.sampled_from(corpus(shared)), min_size=1, max_size=5)):
        at = data.draw(st.integers(0, len(line)))
        end = data.draw(st.integers(at, min(len(line), at + 4)))
        lines.append(
            line[:at]
            + data.draw(st.sampled_from([b"", b" ", b"=", b"\\", b"|", b"[", b"-", b" a=", b"\xff", b"7"]))
            + line[end:]
        )
    compare([("192.0.2.1", [line for line in lines if line])])


def test_they_are_stored_alike(tmp_path: Path, shared: Path) -> None:
    """Also behind the store: types, the hidden column, and what is drifted."""
    lines = [
        *corpus(shared),
        *(form.format(n=n).encode() for form in FORMS for n in range(5)),
    ]
    query = "union Syslog, CommonSecurityLog | project-away _ItemId, _TimeReceived, _BilledSize, TenantId"
    found = []
    for columns in (True, False):
        with LogStore(tmp_path / f"{columns}.duckdb", SystemClock()) as logs:
            with Intake(logs, tmp_path / f"spool {columns}", SystemClock()) as intake:
                if columns:
                    read = BatchReader(NOW, "here", ZONE).read([("192.0.2.1", lines)])
                    assert read.columns.keys() == {"Syslog", "CommonSecurityLog"}
                    for table, some in read.columns.items():
                        intake.accept_columns(table, some, source="test")
                    for (table, _), rows in read.rows.items():
                        intake.accept(table, rows, source="test")
                else:
                    single = LineReader(NOW, "here", ZONE)
                    for line in lines:
                        table, row = single.read(decode(line), "192.0.2.1")
                        intake.accept(table, [row], source="test")
                assert intake.flush()
            result = logs.query(query)
            names = [column.name for column in result.columns]
            order = sorted(names)
            found.append((order, sorted(json.dumps([row[names.index(name)] for name in order]) for row in result.rows)))
            extra = logs.describe("Syslog").extra
            assert logs.add_column("Syslog", "MessageId", Type.STRING)
            moved = logs.query("Syslog | summarize count() by MessageId | sort by MessageId asc").rows
            found.append((sorted(extra), [json.dumps(row) for row in moved]))
    assert found[:2] == found[2:]
