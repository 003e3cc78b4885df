"""The term index: with it and without it, a query has the same rows; what happens to rows happens to it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vedette.api.application import Application
from vedette.api.direct import DirectOperations
from vedette.core.clock import VirtualClock
from vedette.core.settings import load_settings
from vedette.engine.query import QueryOptions
from vedette.engine.rewrites import ALL_REWRITES
from vedette.engine.streaming import stream
from vedette.kql.types import Type
from vedette.store.logstore import LogStore
from vedette.store.reading.forms import discover
from vedette.store.report import LoadOptions, LoadProgress, LoadReport
from vedette.store.terms import building as term_building
from vedette.store.terms import cutting, places
from vedette.store.terms import index as term_index
from vedette.store.terms import lookup as term_lookup
from vedette.store.terms.building import GRANULE
from vedette.store.terms.file import Postings, SegmentFile, encode
from vedette.store.terms.index import TermIndex
from vedette.store.terms.text import LEAST, Needle, Piece, is_identifier_part, kept_form, terms_of, unescaped
from vedette.store.writer import writing

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PLAIN = QueryOptions(NOW, rewrites=ALL_REWRITES - {"term-index"})


@pytest.fixture(autouse=True)
def _eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every row has a segment, and no share of the rows is too large to be asked for."""
    monkeypatch.setattr(term_index, "_WORTH", 1)
    monkeypatch.setattr(term_lookup, "_GOOD", 0)
    monkeypatch.setattr(term_index, "SEGMENT", 256)


def _ids(store: LogStore, text: str, options: QueryOptions) -> list[Any]:
    return sorted(row[0] for row in store._engine.run(text, options).rows)


def _same(store: LogStore, condition: str, *, used: bool | None = None) -> list[Any]:
    text = f"Given_CL | where {condition} | project Number"
    found = _ids(store, text, QueryOptions(NOW))
    assert found == _ids(store, text, PLAIN), condition
    if used is not None:
        assert ("term-index" in store.explain(text, now=NOW)[-1].rewrites) is used, condition
    return found


def _put(store: LogStore, texts: list[str], first: int = 0) -> None:
    rows = [
        {"Number": first + place, "Text": text, "Bag": {"name": text, "deep": {"list": [text, place]}}}
        for place, text in enumerate(texts)
    ]
    store.append("Given_CL", rows)


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[LogStore]:
    with LogStore(tmp_path / "logs.duckdb", VirtualClock(NOW)) as store:
        texts = [f"row {place} of many, host{place % 7}.contoso.example" for place in range(700)]
        texts[5] = "evil.exe ran as C:\\Windows\\new\tfolder from 203.0.113.77"
        texts[300] = "Evil-Exe; ÄRGER im Büro, привет мир"
        texts[699] = "x" * 100 + "tail evil"
        _put(store, texts)
        store.terms.catch_up()
        assert len(store.terms.segments("Given_CL")) == 3
        yield store


@pytest.mark.req("D-016")
@pytest.mark.parametrize(
    ("condition", "rows"),
    [
        ("Text has 'evil'", [5, 300, 699]),
        ("Text has_cs 'Evil'", [300]),
        ("Text contains 'vil'", [5, 300, 699]),
        ("Text hasprefix 'evi'", [5, 300, 699]),
        ("Text hassuffix 'vil'", [5, 300, 699]),
        ("Text has 'evil.exe'", [5]),
        ("Text has '203.0.113.77'", [5]),
        ("Text has '03.0.113.77'", []),
        ("Text contains 'xtail'", [699]),
        ("Text startswith 'EVIL.'", [5]),
        ("Text endswith 'tail evil'", [699]),
        ("Text has 'ärger'", [300]),
        ("Text contains 'риве'", [300]),
        ("Text =~ 'evil-exe; ärger im büro, привет мир'", [300]),
        ("Text == 'row 17 of many, host3.contoso.example'", [17]),
        ("Text in ('row 17 of many, host3.contoso.example', 'nothing')", [17]),
        ("Text in~ ('ROW 17 of many, host3.contoso.example')", [17]),
        ("Text has_any ('ärger', 'tail', 'nothing')", [300]),
        ("Text has_any (dynamic(['nothing', 'folder']))", [5]),
        ("Text has_all ('evil', 'folder')", [5]),
        ("Text has 'evil' and Text has 'folder'", [5]),
        ("Text has 'folder' or Text has 'привет'", [5, 300]),
        ("tostring(Bag.name) has 'folder'", [5]),
        ("tostring(Bag) has 'windows'", [5]),
        ("Bag has '203.0.113.77'", [5]),
        ("tostring(Bag.deep.list[0]) contains 'olde'", [5]),
        ("Bag.name == 'row 17 of many, host3.contoso.example'", [17]),
    ],
)
def test_conditions_read_few_rows_and_find_the_same(filled: LogStore, condition: str, rows: list[int]) -> None:
    assert _same(filled, condition, used=True) == rows


@pytest.mark.parametrize(
    "condition",
    [
        "not(Text has 'evil')", "Text !has 'evil'", "Text has 'evil' or Number == 3", "Text has ''", "Text has 'büro'", "Text in ('row 17 of many', 'no')", "Text contains 'a'",
        "strcat(Text, 'x') has 'evil'", "Text has tostring(Number)", "Text matches regex 'evil'", "Text != 'evil'",
    ],
)  # fmt: skip
def test_what_tells_nothing_of_terms_reads_all(filled: LogStore, condition: str) -> None:
    _same(filled, condition, used=False)


def test_operators_between_that_count_rows_keep_the_condition_above(filled: LogStore) -> None:
    for between in (
        "sort by Number asc | extend n = row_number()",
        "take 3",
        "top 3 by Number",
    ):
        text = f"Given_CL | {between} | where Text has 'evil' | project Number"
        assert "term-index" not in filled.explain(text, now=NOW)[-1].rewrites, between
    text = "Given_CL | sort by Number asc | where prev(Text) has 'row' and Text has 'evil' | project Number"
    assert _ids(filled, text, QueryOptions(NOW)) == _ids(filled, text, PLAIN) == [5, 300, 699]


@pytest.mark.req("D-016")
def test_search_looks_into_every_table(filled: LogStore) -> None:
    filled.append("Other_CL", [{"Number": 1, "What": "a Folder"}])
    for text in (
        "search 'folder'",
        "search 'evil.exe'",
        "search '203.0.113.77'",
        "search 'None of these'",
        "search 'host3'",
    ):
        query = f"{text} | project Number"
        assert _ids(filled, query, QueryOptions(NOW)) == _ids(filled, query, PLAIN), text
    assert "term-index" in filled.explain("search 'folder'", now=NOW)[-1].rewrites
    item = filled.query("Given_CL | where Number == 17 | project _ItemId", now=NOW).rows[0][0]
    assert _ids(filled, f"search '{item}' | project Number", QueryOptions(NOW)) == [17]
    assert len(_ids(filled, "search 'given_cl' | project Number", QueryOptions(NOW))) == 700


@pytest.mark.req("D-016")
def test_search_reads_only_columns_that_can_have_the_text(filled: LogStore) -> None:
    filled.append("Given_CL", [{"Number": 700 + n, "Quiet": f"silence {n}", "Loud": f"noise {n}"} for n in range(60)])
    filled.append("Other_CL", [{"Number": 1, "What": "a Folder", "Quiet": "peace"}])
    filled.terms.catch_up()

    def asked(text: str) -> tuple[list[Any], set[str]]:
        """The rows, and which of these names the statement has."""
        found = _ids(filled, f"{text} | project Number", QueryOptions(NOW))
        assert found == _ids(filled, f"{text} | project Number", PLAIN), text
        sql = filled.explain(f"{text} | count", now=NOW)[-1].sql
        return found, {name for name in ("Given_CL", "Other_CL", "Text", "Bag", "Quiet", "Loud") if f'"{name}"' in sql}

    assert asked("search 'windows'") == ([5], {"Given_CL", "Text", "Bag"})
    assert asked("search 'folder'") == ([1, 5], {"Given_CL", "Text", "Bag", "Other_CL"})
    assert asked("search 'silence'") == (list(range(700, 760)), {"Given_CL", "Quiet"})
    assert asked("search 'nowhere'") == ([], set())
    found, names = asked("search 'contoso'")  # in most rows: all are read, of some columns
    assert (len(found), names) == (697, {"Given_CL", "Text", "Bag"})
    # rows that come later are looked at whole
    filled.append("Given_CL", [{"Number": 900, "Loud": "windows, and a nowhere land"}])
    assert asked("search 'windows'")[0] == [5, 900]
    assert asked("search 'nowhere'")[0] == [900]
    assert asked("search 'contoso' or 'land'")[0][-1] == 900


def test_a_text_that_is_nowhere_reads_no_row(filled: LogStore) -> None:
    text = "Given_CL | where Text has 'nowhere'"
    assert "WHERE false" in filled.explain(text, now=NOW)[-1].sql
    assert filled.query(text, now=NOW).rows == []
    assert filled.query(f"{text} | summarize count(), arg_max(Number, *)", now=NOW).rows[0][0] == 0
    assert filled.query(f"{text} | union (Given_CL | where Text has 'folder') | count", now=NOW).rows == [[1]]
    _put(filled, ["nowhere else"], 700)
    assert _same(filled, "Text has 'nowhere'") == [700]
    filled.terms.catch_up()
    connection = filled._cursor()
    connection.execute('DELETE FROM log_tables."Given_CL" WHERE "Number" < 260').fetchall()
    connection.execute("CHECKPOINT").fetchall()
    # rows that were cleared away: a new one may have the id of an old one
    _put(filled, ["and nowhere again"], 701)
    assert _same(filled, "Text has 'nowhere'") == [700, 701]
    assert _same(filled, "Text has 'again'") == [701]
    connection.close()


def test_rows_that_the_index_has_not_heard_of_are_read(filled: LogStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks between a commit and the index being told."""
    assert _same(filled, "Text has 'nowhere'") == []
    assert _same(filled, "Text has 'evil'", used=True) == [5, 300, 699]
    monkeypatch.setattr(filled.terms, "note", lambda *tables: None)
    _put(filled, ["late evil nowhere"], 700)
    assert _same(filled, "Text has 'nowhere'") == [700]
    assert _same(filled, "Text has 'evil'", used=True) == [5, 300, 699, 700]
    _put(filled, ["nowhere again"], 701)
    with stream(filled.engine, "Given_CL | where Text has 'again' | project Number", QueryOptions(NOW)) as rows:
        assert [list(row.values()) for batch in rows.batches for row in batch.to_pylist()] == [[701]]


@pytest.mark.parametrize("streamed", [False, True])
def test_rows_that_have_moved_are_found(filled: LogStore, streamed: bool) -> None:
    text = "Given_CL | where Text has 'evil' | sort by Number asc | project Number"
    assert filled.query(text, now=NOW).rows == [[5], [300], [699]]
    with closing(filled._cursor()) as connection:
        connection.execute('DELETE FROM log_tables."Given_CL" WHERE "Number" < 260').fetchall()
        connection.execute("CHECKPOINT").fetchall()
    if streamed:
        with stream(filled.engine, text, QueryOptions(NOW)) as rows:
            found = [list(row.values()) for batch in rows.batches for row in batch.to_pylist()]
    else:
        found = filled.query(text, now=NOW).rows
    assert found == [[300], [699]]


def _clear_away(store: LogStore, condition: str) -> None:
    """Rows are deleted as retention does it, and the engine clears them away: those behind have other row ids then."""
    with writing(store._tables, "Given_CL", store._cursor) as (writer, connection):
        connection.execute(f"DELETE FROM {writer.table.sql} WHERE {condition}").fetchall()
    with closing(store._cursor()) as connection:
        connection.execute("CHECKPOINT").fetchall()


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("asked_before", [0, 1, 2])
def test_rows_that_move_while_a_statement_is_made_are_found(
    filled: LogStore, monkeypatch: pytest.MonkeyPatch, asked_before: int, streamed: bool
) -> None:
    """Between the answer of the index and the statement, whether or not the statement still asks where rows are."""
    text = "Given_CL | where Text has 'evil' | sort by Number asc | project Number"
    for _ in range(asked_before):
        assert filled.query(text, now=NOW).rows == [[5], [300], [699]]
    install, moved = places.InPlace.install, []

    def late(self: places.InPlace, connection: duckdb.DuckDBPyConnection, around: Any) -> None:
        install(self, connection, around)
        if not moved and not self.one_state:
            moved.append(True)
            _clear_away(filled, '"Number" < 260')

    monkeypatch.setattr(places.InPlace, "install", late)
    if streamed:
        with stream(filled.engine, text, QueryOptions(NOW)) as rows:
            found = [list(row.values()) for batch in rows.batches for row in batch.to_pylist()]
    else:
        found = filled.query(text, now=NOW).rows
    assert bool(moved) is (asked_before > 0)  # a statement that asks does so in one state with what it reads
    assert found == ([[300], [699]] if moved else [[5], [300], [699]])


def test_where_rows_are_is_not_asked_again_while_nothing_changes(
    filled: LogStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    run = places.run

    def told(connection: duckdb.DuckDBPyConnection, sql: str) -> Any:
        asked.append(sql)
        return run(connection, sql)

    monkeypatch.setattr(places, "run", told)

    def questions(condition: str) -> int:
        before = len(asked)
        assert filled.query(f"Given_CL | where Text has '{condition}' | count", now=NOW).rows[0][0] > 0
        return len(asked) - before

    assert [questions("evil"), questions("folder"), questions("evil")] == [2, 0, 0]
    _put(filled, ["late evil"], 700)
    assert [questions("evil"), questions("evil")] == [1, 1]  # there is a row behind
    filled.terms.catch_up()
    assert [questions("evil"), questions("evil")] == [2, 0]
    with writing(filled._tables, "Given_CL", filled._cursor) as (writer, connection):
        connection.execute(f'DELETE FROM {writer.table.sql} WHERE "Number" = 7').fetchall()
    assert [questions("evil"), questions("evil")] == [2, 2]  # it may be cleared away at any time


def test_rows_without_a_segment_are_read(filled: LogStore) -> None:
    _put(filled, ["late evil", "late"], 700)
    assert _same(filled, "Text has 'evil'", used=True) == [5, 300, 699, 700]
    filled.terms.catch_up()
    assert _same(filled, "Text has 'evil'", used=True) == [5, 300, 699, 700]
    assert sum(one.file.rows for one in filled.terms.segments("Given_CL")) == 702


@pytest.mark.parametrize(
    "after",
    [
        "summarize arg_max(Number, *) by Kind = tostring(Bag.deep.list[1] % 2)",
        "extend Short = substring(Text, 0, 3) | summarize arg_min(TimeGenerated, *) by Short",
        "summarize take_any(*) by Number",
        "summarize dcount(Text), make_set(Number) by tostring(Bag.name)",
        "top 2 by Number desc",
        "distinct Number, Text",
        "sort by Number asc | extend Before = prev(Number), Place = row_number()",
        "mv-expand Part = Bag.deep.list | project Number, tostring(Part)",
        "join kind=inner (Given_CL | where Text has 'evil' | summarize arg_max(Number, *) by Text) on Number",
        "make-series count() on Number from 0 to 800 step 100",
    ],
)
def test_rows_that_an_index_narrows_go_into_every_operator(filled: LogStore, after: str) -> None:
    _put(filled, ["late evil", "late"], 700)  # of these the index knows nothing: the scan has two parts
    text = f"Given_CL | where Text has 'evil' | {after} | project-away TimeGenerated*"
    if after.startswith("make-series"):
        text = text.removesuffix(" | project-away TimeGenerated*")
    assert "term-index" in filled.explain(text, now=NOW)[-1].rewrites
    found, plain = (filled._engine.run(text, options).rows for options in (QueryOptions(NOW), PLAIN))
    assert sorted(map(repr, found)) == sorted(map(repr, plain)) != []


def test_columns_that_come_later(filled: LogStore) -> None:
    filled.append("Given_CL", [{"Number": 800, "Text": "x", "Later": "wicked"}, {"Number": 801, "Rest": "y"}])
    assert _same(filled, "Later has 'wicked'", used=True) == [800]
    filled.terms.catch_up()
    assert _same(filled, "Later has 'wicked'", used=True) == [800]


def test_a_column_filled_out_of_the_hidden_one_is_found(tmp_path: Path) -> None:
    with LogStore(tmp_path / "logs.duckdb", VirtualClock(NOW)) as store:
        store.append("SigninLogs", [{"Identity": f"user {n}", "Fresh": f"value{n} wicked"} for n in range(300)])
        store.terms.catch_up()
        store.add_column("SigninLogs", "Fresh", Type.STRING)
        for _ in range(2):
            assert store.query("SigninLogs | where Fresh has 'value77' | project Identity", now=NOW).rows == [
                ["user 77"]
            ]
            store.terms.catch_up()


def test_rows_that_moved_are_found_all_the_same(filled: LogStore) -> None:
    connection = filled._cursor()
    connection.execute('DELETE FROM log_tables."Given_CL" WHERE "Number" < 260').fetchall()
    connection.execute("CHECKPOINT").fetchall()
    # whether or not the engine has cleared the rows away, and before the index has noticed
    assert _same(filled, "Text has 'evil'") == [300, 699]
    filled.terms.catch_up()
    assert _same(filled, "Text has 'evil'", used=True) == [300, 699]
    connection.execute(
        'CREATE TABLE log_tables.anew AS SELECT * FROM log_tables."Given_CL" ORDER BY "Number" DESC'
    ).fetchall()
    connection.execute('DROP TABLE log_tables."Given_CL"').fetchall()
    connection.execute('ALTER TABLE log_tables.anew RENAME TO "Given_CL"').fetchall()
    assert _same(filled, "Text has 'evil'") == [300, 699]
    filled.terms.catch_up()
    assert _same(filled, "Text has 'evil'", used=True) == [300, 699]
    connection.close()


def test_it_is_made_anew_where_files_are_missing_or_damaged(filled: LogStore, tmp_path: Path) -> None:
    files = [segment.file.path for segment in filled.terms.segments("Given_CL")]
    filled.close()
    files[0].unlink()
    data = bytearray(files[1].read_bytes())
    data[40] ^= 255
    files[1].write_bytes(data)
    (files[0].parent / "7-9.new").write_bytes(b"half")
    data = bytearray(files[2].read_bytes())
    data[4] = 99  # another version
    files[2].write_bytes(data)
    with LogStore(tmp_path / "logs.duckdb", VirtualClock(NOW)) as store:
        assert store.terms.segments("Given_CL") == ()
        assert _same(store, "Text has 'evil'", used=False) == [5, 300, 699]
        store.terms.catch_up()
        assert _same(store, "Text has 'evil'", used=True) == [5, 300, 699]
        assert sorted(os.listdir(files[0].parent)) == sorted(
            one.file.path.name for one in store.terms.segments("Given_CL")
        )


def test_a_damaged_page_reads_its_rows(filled: LogStore, tmp_path: Path) -> None:
    path = filled.terms.segments("Given_CL")[1].file.path
    filled.close()
    data = bytearray(path.read_bytes())
    data[-600:] = bytes(600)
    path.write_bytes(data)
    with LogStore(tmp_path / "logs.duckdb", VirtualClock(NOW)) as store:
        for condition in ("Text has 'evil'", "Text contains 'vil'", "Bag has 'folder'", "Text has 'contoso'"):
            _same(store, condition)


def test_the_thread_brings_it_up_to_date(tmp_path: Path) -> None:
    with LogStore(tmp_path / "logs.duckdb", VirtualClock(NOW)) as store:
        store.terms._resting = 0.05
        _put(store, ["evil", "good"])
        for _ in range(1200):
            if store.terms.segments("Given_CL"):
                break
            store.terms._closed.wait(0.05)
        assert _same(store, "Text has 'evil'", used=True) == [0]


def test_a_table_whose_rows_cannot_be_indexed_keeps_no_other_table_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = term_index.build

    def refusing(cursor: Any, work: Any, *rest: Any) -> Any:
        if "Broken_CL" in work.table:
            raise KeyError("rowid")
        return build(cursor, work, *rest)

    monkeypatch.setattr(term_index, "build", refusing)
    with LogStore(tmp_path / "logs.duckdb", VirtualClock(NOW)) as store:
        store.terms._resting = 0.05
        store.append("Broken_CL", [{"Text": "evil"}])
        for _ in range(2):  # the thread is there for later rows, too
            _put(store, ["evil", "good"])
            rows = store.query("Given_CL | count").rows[0][0]
            assert _indexed(store, "Given_CL", rows)
        assert store.query("Broken_CL | where Text has 'evil' | count").rows == [[1]]


def test_another_store_s_index_is_not_believed(filled: LogStore, tmp_path: Path) -> None:
    filled.close()
    (tmp_path / "other").mkdir()
    with LogStore(tmp_path / "other" / "logs.duckdb", VirtualClock(NOW)) as store:
        _put(store, [f"number {place}" for place in range(699)] + ["evil"])
    os.rename(tmp_path / "logs.index", tmp_path / "other" / "logs.index")
    with LogStore(tmp_path / "other" / "logs.duckdb", VirtualClock(NOW)) as store:
        assert _same(store, "Text has 'evil'") == [699]


SPECIAL = ("4625", "-4625", "9999", "2026", "46", "deadbeef", "0000", "true", "2026-03", "Given_CL", "203.0.113.9")
WORDS = st.text(alphabet='ab1.é İKß-_ \n\t"\\/日', max_size=12)


CONDITIONS = (
    *(f"Text {operator} {{0}}" for operator in ("has", "contains", "hasprefix", "hassuffix", "startswith", "endswith", "==", "=~")),
    "Text has_cs {0}", "Text contains_cs {0}", "Text in~ ({0})", "Text has_any ({0}, 'zzz')", "tostring(Bag) has {0}",
    "tostring(Bag.name) has {0}", "tostring(Bag.name) contains {0}", "tostring(Bag.name) == {0}",
    "Text has {0} and tostring(Bag.deep.list[0]) contains {0}", "tostring(Number) has {0}", "tostring(Number) contains {0}",
)  # fmt: skip
QUERIES = (
    *(f"Given_CL | where {condition} | project Number" for condition in CONDITIONS),
    *(f"{search} | project Number" for search in (
        "search {0}", "search {1}", "search in (Given_CL) {0}", "search kind=case_sensitive {0}", "search {0} and {1}", "search {0} or Number == 3",
        "search Text : {0}", "search {0} | where Text has {0}",
    )),
    "search {0} | summarize count() by $table", "search {0} or {1} | summarize arg_max(Number, *) by Text | project Number",
    "Given_CL | search {0} | extend More = strlen(Text) | search {1} | project Number",
)  # fmt: skip


@pytest.mark.req("D-016")
@settings(max_examples=25, deadline=None)
@given(
    texts=st.lists(
        st.one_of(
            WORDS,
            st.text(max_size=15),
            st.sampled_from(["abc.ab1", "ABC", "a" * 70, "aab" + "b" * 65, "x “203.0.113.9” 4625"]),
        ),
        max_size=90,
    ),
    needles=st.lists(
        st.one_of(WORDS, st.sampled_from(["abc", "bc", "aaa", "ab1", "b" * 65, "a" * 66, *SPECIAL])),
        min_size=1,
        max_size=3,
    ),
    queries=st.lists(st.sampled_from(QUERIES), min_size=3, max_size=5, unique=True),
    too_large=st.booleans(),
    late=st.booleans(),
    good=st.sampled_from([0, 2**40]),
)
def test_the_index_finds_what_the_scan_finds(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], needles: list[str], queries: list[str], too_large: bool, late: bool,
    good: int,
) -> None:  # fmt: skip
    """Whether or not the terms of a column were too many to be kept, rows came later, and few rows are asked for or all of them."""
    texts = ["seed", *(text.encode("utf-8", "replace").decode() for text in texts), ""]
    needles = [needle.encode("utf-8", "replace").decode() for needle in [*needles, texts[len(texts) // 2][1:7]]]
    made = term_building.texts
    encoded = term_building.encode
    last = [""]

    def asked(connection: Any, source: Any, name: str, kind: Any) -> Any:
        last[0] = name
        return made(connection, source, name, kind)

    def encode_some(*rest: Any) -> Any:
        return None if too_large and last[0] == "Text" else encoded(*rest)

    with (
        LogStore(tmp_path_factory.mktemp("p") / "logs.duckdb", VirtualClock(NOW)) as store,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(term_building, "texts", asked)
        patch.setattr(term_building, "encode", encode_some)
        patch.setattr(term_lookup, "_GOOD", good)
        _put(store, texts)
        store.append("Given_CL", [{"Number": number} for number in (9999, 4625, -4625, 20264625)])
        item = store.query("Given_CL | where Number == 4625 | project _ItemId", now=NOW).rows[0][0]
        store.terms.catch_up()
        if late:
            store.append("Given_CL", [{"Number": 46250, "Text": texts[-2], "Later": needles[0]}])
        for needle in [*needles, item, item[:13], item[9:]][: 2 + len(needles) % 3]:
            literal, starred = (json.dumps(text, ensure_ascii=False) for text in (needle, f"*{needle}*"))
            if "\\u" not in literal and "\x7f" not in literal:
                for query in queries:
                    text = query.format(literal, starred)
                    assert _ids(store, text, QueryOptions(NOW)) == _ids(store, text, PLAIN), text


@pytest.mark.req("D-016")
@pytest.mark.parametrize(
    ("needle", "rows"),
    [
        ("4625", [4625, -4625]), ("-4625", [-4625]), ("*20264625*", [20264625]), ("2026", None), ("2031", []), ("46251", []), ("deadbeef", []),
        ("deadbeef00", []), ("*deadbeef*", []), ("éß*", []), ("“203.0.113.9”", [1]), ("203.0.113.9", [1]), ("*é203.0.113.8*", [2]),
    ],
)  # fmt: skip
def test_search_asks_columns_without_terms_for_few_rows(
    numbered: LogStore, needle: str, rows: list[int] | None
) -> None:
    text = f"search in (Given_CL) {json.dumps(needle, ensure_ascii=False)} | project Number"
    found = _ids(numbered, text, QueryOptions(NOW))
    assert found == _ids(numbered, text, PLAIN)
    assert rows is None or found == sorted(rows)
    assert "term-index" in numbered.explain(text, now=NOW)[-1].rewrites


@pytest.fixture(scope="module")
def numbered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LogStore]:
    with LogStore(tmp_path_factory.mktemp("n") / "logs.duckdb", VirtualClock(NOW)) as store:
        texts = ["from “203.0.113.9” here", "é203.0.113.8"]
        rows: list[dict[str, Any]] = [{"Number": place + 1, "Text": text} for place, text in enumerate(texts)]
        rows += [{"Number": number, "Text": "plain"} for number in (4625, -4625, 20264625, 80)]
        store.append("Given_CL", rows)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(term_index, "_WORTH", 1)
            store.terms.catch_up()
        yield store


def test_terms_and_pieces() -> None:
    assert terms_of("foo.bar 10.1.2.3/24 a_b büro".encode()) >= {b"foo", b"bar", b"10.1.2.3", b"b", b"ro", "ü".encode()}
    assert Needle("foo.bar", True, True).pieces() == [Piece(b"foo"), Piece(b"bar")]
    assert Needle("foo bar").pieces() == [Piece(b"foo", open_left=True), Piece(b"bar", open_right=True)]
    assert Needle("at 10.1.2.3", True, True).pieces()[0] == Piece(b"10.1.2.3")
    assert Needle("ab", True, True).pieces() == []


def test_what_was_looked_up_before_is_where_it_was(filled: LogStore) -> None:
    path = filled.terms.segments("Given_CL")[0].file.path
    words = [b"evil", b"folder", b"windows", b"nowhere", *(f"w{number}".encode() for number in range(30))]
    pieces = [Piece(word[:length], open_right=length < len(word)) for word in words for length in (3, len(word))]
    asked = SegmentFile(path).columns["Text"]
    for piece in [*pieces, *pieces, *reversed(pieces), *(piece for piece in pieces for _ in range(2))]:
        found, first = asked.find(piece), SegmentFile(path).columns["Text"].find(piece)
        assert (found is None) is (first is None)
        assert found is None or first is None or found.tolist() == first.tolist()
        if found is not None:
            found[:] = True  # whoever has asked may change what was given
    assert len(asked._places) <= 16


def test_a_segment_says_where_terms_are(filled: LogStore) -> None:
    file = SegmentFile(filled.terms.segments("Given_CL")[0].file.path)
    found = file.columns["Text"].find(Piece(b"folder"))
    assert found is not None
    assert found.nonzero()[0].tolist() == [0]
    assert file.columns["Text"].find(Piece(b"contoso")) is None  # everywhere


_PIECES = st.sampled_from(
    ["a", "abc", " ", ".", "..", "1.22.333.4", "1.2.3.4.5", "1234.1.2.3", "1.2.3.x4", "\\u0041bcd", "\\n", "\\\\", '\\"', "\\q", "é", "àb",
     "中文字", "x" * 70, "4444.1.2.3.4", '"', "-", "deadbeef", "0000", "0123456789ab"]
)  # fmt: skip
_TEXTS = st.lists(st.lists(_PIECES, max_size=6).map("".join), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(_TEXTS, st.booleans(), st.integers(1, 40))
@example(["\\nabc\\q"], True, 1)  # a text beside an escape that is none
@example(["x" * 70 + "a", "x" * 70 + "b"], False, 40)  # long ones that begin alike are one term
def test_texts_cut_together_have_the_terms_of_texts_cut_each(texts: list[str], escapes: bool, at_once: int) -> None:
    lines = [text + "\n" for text in texts]
    wanted = set()
    for place, line in enumerate(lines):
        terms = terms_of(line.encode())
        if escapes and "\\" in line:
            terms |= terms_of(unescaped(line).lower().encode())
        wanted |= {(place, kept_form(term)) for term in terms if len(term) >= LEAST}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cutting, "_AT_ONCE", at_once)
        found = cutting.cut(pa.array(["before\n", *lines], pa.large_string()).slice(1), escapes=escapes)
    made = found.terms.to_pylist()
    assert {
        (text, made[number]) for text, number in zip(found.texts.tolist(), found.numbers.tolist(), strict=True)
    } == wanted
    order = cutting.order_of(found.terms).tolist()
    assert [made[place] for place in order] == sorted(made)
    parts = cutting.identifier_parts(found.terms).tolist()
    assert parts == [is_identifier_part(term) for term in made]


@settings(max_examples=25, deadline=None)
@given(_TEXTS, st.lists(st.integers(0, 11), min_size=1, max_size=400), st.sampled_from([Type.STRING, Type.DYNAMIC]))
def test_texts_cut_once_have_the_terms_of_texts_cut_each(texts: list[str], picked: list[int], kind: Type) -> None:
    rows = [texts[number % len(texts)] for number in picked]
    if kind is Type.DYNAMIC:
        rows = [json.dumps([row]) for row in rows]
    ids = [7 + place * 5 for place in range(len(rows))]
    batch = pa.record_batch({"r": pa.array(ids, pa.int64()), "t": pa.array(rows, pa.string())})
    made = []
    with duckdb.connect() as connection:
        for often in (0, 2**40):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(term_building, "_OFTEN", often)
                part = term_building._cut(connection, [batch], 7, kind)
            terms = part.terms.to_pylist()
            pairs = zip(part.granules.tolist(), part.numbers.tolist(), strict=True)
            made.append({(granule, terms[number]) for granule, number in pairs})
    assert made[0] == made[1]


def test_what_is_too_large_is_found_out_early() -> None:
    """A column is made or left out by its size, whether or not it is found out before all of its pages are made."""
    terms = [f"{number:012x}".encode() for number in range(100_000)]
    postings = Postings(
        pa.array(terms, pa.large_binary()), np.ones(len(terms), np.int64), np.arange(len(terms)) // 8, GRANULE
    )
    made = encode(postings, len(terms) * 8)
    assert made is not None
    size = len(made[1])
    assert encode(postings, len(terms) * 8, size) == made
    assert encode(postings, len(terms) * 8, size - 1) is None
    assert encode(postings, len(terms) * 8, size // 2) is None


def _indexed(store: LogStore, table: str, rows: int) -> bool:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        info = next((one for one in store.tables() if one.name == table), None)
        if info is not None and info.indexed == rows:
            return True
        time.sleep(0.05)
    return False


def test_what_is_loaded_from_files_gets_into_the_index_by_itself(tmp_path: Path) -> None:
    file = tmp_path / "Given_CL" / "a.jsonl"
    file.parent.mkdir()
    file.write_text("".join(json.dumps({"Number": n, "Text": f"agent{n}"}) + "\n" for n in range(300)))
    with LogStore(tmp_path / "logs.duckdb", VirtualClock(NOW)) as store:
        sources, _ = discover([file], None)
        assert store.load_sources(sources, LoadOptions()).rows == 300
        assert _indexed(store, "Given_CL", 300)


def test_a_load_without_a_server_makes_the_index_before_it_ends(tmp_path: Path) -> None:
    file = tmp_path / "Given_CL" / "a.jsonl"
    file.parent.mkdir()
    file.write_text("".join(json.dumps({"Number": n, "Text": f"agent{n}"}) + "\n" for n in range(3000)))
    told: list[LoadProgress] = []
    held = DirectOperations.open(tmp_path / "data", "default")
    try:
        report = held.load([file], LoadOptions(), told.append)
        assert (report.rows, report.notes) == (3000, [])
        assert report.indexing > 0
        assert LoadReport.from_dict(report.to_dict()).indexing == round(report.indexing, 3)
        assert (told[-1].step, told[-1].done, told[-1].total) == ("index of Given_CL", 3000, 3000)
        assert "term-index" in held.explain("Given_CL | where Text has 'agent77'")[-1].rewrites
    finally:
        held.close()


def test_a_server_indexes_what_came_while_none_ran(tmp_path: Path) -> None:
    """A command that ends at once leaves rows without an index; the work of a server makes it, without new rows."""
    with Application(load_settings(data_dir=tmp_path)) as application:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(TermIndex, "note", lambda self, *tables: None)
            services = application.services(application.workspaces.default())
            services.logs.append("Given_CL", [{"Text": f"agent{n}"} for n in range(300)])
        assert not any(info.indexed for info in services.logs.tables() if info.name == "Given_CL")
        services.background()
        assert _indexed(services.logs, "Given_CL", 300)
