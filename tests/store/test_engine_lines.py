"""Reading JSON lines with the engine gives what reading them one by one gives."""

from __future__ import annotations

import json
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vedette.kql import ticks
from vedette.kql.types import Type
from vedette.store.assembly import Assembled, Assembler
from vedette.store.reading import chunks, enginelines
from vedette.store.reading.ahead import ahead
from vedette.store.reading.enginelines import read_lines
from vedette.store.reading.jsonlines import read_json_lines
from vedette.store.reading.streams import TextStream

TYPES = {
    "TimeGenerated": Type.DATETIME, "Name": Type.STRING, "name": Type.STRING, "Bag": Type.DYNAMIC, "Count": Type.LONG,
    "Small": Type.INT, "Share": Type.REAL, "Good": Type.BOOL, "Id": Type.GUID, "Took": Type.TIMESPAN, "_BilledSize": Type.REAL,
}  # fmt: skip
STAMP = ticks.from_parts(2026, 3, 1) or 0

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12) | st.sampled_from(
    ["", "é \U0001f600", '"quoted" \\ back', "{}", '{"a": [1, "x"]}', "[1,2]", "2026-02-03T04:05:06.7Z", "true", "12"]
)
moments = st.sampled_from(
    ["2026-02-03T04:05:06.1234567Z", "2026-02-03T04:05:06Z", "2026-02-03 04:05:06", "2026-02-03T04:05:06+02:00", "2026-02-03",
     "2026-02-30T00:00:00Z", "2026-02-03T24:00:00Z", "soon", "", "2/3/2026 4:05:06 PM", "1772359200"]
)  # fmt: skip
numbers = st.integers(-(2**63), 2**63 - 1) | st.sampled_from([0, 1, 2**31, -5, 0.5, 41.15, -8.25, 1e3])
leaves = st.none() | st.booleans() | numbers | texts
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=6
)
rows = st.fixed_dictionaries(
    {},
    optional={
        "TimeGenerated": moments | numbers | st.none(), "Name": leaves | st.lists(numbers, max_size=2), "name": texts,
        "Bag": values, "Count": leaves, "Small": leaves, "Share": leaves, "Good": leaves, "Id": texts,
        "Took": st.sampled_from(["1.02:03:04", "00:00:01.5", "x", "", 5]), "Other": values, "öther": values,
    },
)  # fmt: skip


def assembled(batches: Any) -> tuple[dict[str, list[object]], dict[str, object]]:
    """Columns and what else a load tells, over all batches."""
    assembler = Assembler(TYPES, "T", "w", 7, STAMP, STAMP)
    columns: dict[str, list[object]] = {}
    told: dict[str, Any] = {"rows": 0, "stamped": 0, "drifted": {}, "extra": set(), "bad": []}
    for batch in batches:
        made: Assembled = assembler.assemble(batch)
        for name in dict.fromkeys([*TYPES, *made.hidden, "$extra"]):
            array = made.columns.get(name, made.hidden.get(name))
            absent: object = "" if TYPES.get(name) is Type.STRING else None
            found = [absent] * made.size if array is None else pa.array(array).to_pylist()
            if TYPES.get(name) is Type.DYNAMIC or name == "$extra":
                found = [None if text is None else json.loads(str(text)) for text in found]
            columns.setdefault(name, []).extend(found)
        told["rows"] += made.size
        told["stamped"] += made.stamped
        for name, count in made.drifted.items():
            told["drifted"][name] = told["drifted"].get(name, 0) + count
        told["extra"] |= set(made.extra)
        told["bad"] += [(one.line, one.offset, one.raw) for one in batch.bad]
    return columns, told


def same(path: Path, content: bytes) -> dict[str, object]:
    path.write_bytes(content)
    fast, slow = assembled(read_lines(TextStream(path), TYPES)), assembled(read_json_lines(TextStream(path)))
    assert fast[1] == slow[1]
    assert fast[0] == slow[0]
    return slow[1]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(rows, min_size=1, max_size=8), st.booleans(), st.booleans())
def test_the_same_rows(tmp_path: Path, made: list[dict[str, Any]], ascii_: bool, ending: bool) -> None:
    lines = [json.dumps(row, ensure_ascii=ascii_, separators=(",", ":")) for row in made]
    same(tmp_path / "a.jsonl", ("\n".join(lines) + ("\n" if ending else "")).encode())


plain = st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(
    ["", ":", "a:b", "\u00e9", '"', "\\", "2026-02-03T04:05:06.7Z", "1772359200", "20260203"]
)  # fmt: skip
alike = st.fixed_dictionaries(
    {
        "TimeGenerated": moments | numbers,
        "Name": plain,
        "Bag": st.dictionaries(st.sampled_from(["a", "b:c"]), plain),
        "x:y": plain,
    }
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    st.lists(alike, min_size=1, max_size=6),
    st.sampled_from(["", '"Other": 1', '"Name": "again"', '"Name2": null', '"x\\u003ay": ":"', '"Count": "::"']),
    st.integers(0, 5), st.booleans(), st.booleans(),
)  # fmt: skip
def test_names_that_one_object_has_beside_those_of_all(
    tmp_path: Path, made: list[dict[str, Any]], more: str, place: int, escaped: bool, parted: bool
) -> None:
    """An object with a further name, or with one twice, is found among others that have the same names."""
    lines = [json.dumps(row) for row in made]
    if escaped:
        lines = [line.replace("a:b", "a\\u003ab") for line in lines]
    if more:
        at = place % len(lines)
        lines[at] = f"{lines[at][:-1]}, {more}}}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(enginelines, "_AT_ONCE", 1 if parted else 4_096)
        same(tmp_path / "a.jsonl", ("\n".join(lines) + "\n").encode())


def test_objects_of_the_same_names_are_read_without_asking_for_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def names(*_: object) -> list[str]:
        raise AssertionError("asked for the names")

    monkeypatch.setattr(enginelines._Engine, "_names", names)
    lines = [
        json.dumps({"Name": f"C:\\x:{n}", "Bag": {"a": ":", "b": [n]}, "Other": "12:30", "Count": n}) for n in range(50)
    ]
    assert same(tmp_path / "a.jsonl", "\n".join(lines).encode())["rows"] == 50


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(st.one_of(rows, alike), min_size=2, max_size=10), st.integers(1, 3))
def test_names_that_come_and_go_from_block_to_block(
    tmp_path: Path, made: list[dict[str, Any]], most_names: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "SIZE", 120)
        patch.setattr(enginelines, "_MOST_NAMES", 3**most_names)
        patch.setattr("vedette.store.reading.streams.READ_SIZE", 64)
        same(tmp_path / "a.jsonl", b"".join(json.dumps(row).encode() + b"\n" for row in made))


def test_the_engine_s_error_may_end_within_a_character(tmp_path: Path) -> None:
    for size in range(60):
        lines = [b'{"Count": 1}', json.dumps({"Name": "x" * size + "\u00e9\u20ac" * 200}, ensure_ascii=False).encode()]
        assert same(tmp_path / "a.jsonl", b"\n".join(lines))["rows"] == 2


@pytest.mark.parametrize(
    "line",
    [
        b"", b"  ", b"5", b"[1]", b'{"Name": ', b'{"Name": "a"} x', b'{"Name": "\xff"}', b'{"Name": "a", "Name": "b"}', b"nonsense",
        b' {"Name": "a"}', b'{"Name": "a"}\r', b'{"Name": "\\ud800"}', b'{"Name": "a\\u0000b"}', b"{}", b'{"Bag": {"a": 1, "a": 2}}',
        b'{"Count": 123456789012345678901}',
    ],
)  # fmt: skip
def test_what_is_not_plain(tmp_path: Path, line: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    good = [b'{"Name": "%d", "TimeGenerated": "2026-02-03T04:05:0%dZ"}' % (n, n) for n in range(6)]
    monkeypatch.setattr(chunks, "SIZE", 100)
    monkeypatch.setattr("vedette.store.reading.streams.READ_SIZE", 64)
    told = same(tmp_path / "a.jsonl", b"\n".join([*good[:3], line, *good[3:]]) + b"\n")
    assert told["rows"] in (6, 7)


def test_blocks_have_their_lines_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "SIZE", 500)
    monkeypatch.setattr(chunks, "MOST_LINES", 7)
    monkeypatch.setattr("vedette.store.reading.streams.READ_SIZE", 90)
    content = b"".join(b'{"Name": "%d", "Other": %d}\n' % (n, n) for n in range(200))
    path = tmp_path / "a.jsonl"
    assert same(path, content)["rows"] == 200
    batches = list(read_lines(TextStream(path), TYPES))
    assert [line for batch in batches for line in batch.lines] == list(range(1, 201))
    assert len(batches) > 20
    assert all(batch.columns["Name"].array is not None for batch in batches)  # none of them went the other way


def test_several_threads_read_at_once(tmp_path: Path) -> None:
    """Each has a connection of its own to the engine that they share."""
    paths = []
    for number in range(4):
        paths.append(tmp_path / f"{number}.jsonl")
        paths[-1].write_bytes(b"".join(b'{"Name": "%d:%d", "Count": %d}\n' % (number, n, n) for n in range(2_000)))

    def names(path: Path) -> list[object]:
        batches = [batch for _ in range(5) for batch in read_lines(TextStream(path), TYPES)]
        return [name for batch in batches for name in batch.columns["Name"].array.to_pylist()]

    with ThreadPoolExecutor(4) as pool:
        for number, found in enumerate(pool.map(names, paths)):
            assert found == [f"{number}:{n}" for n in range(2_000)] * 5


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(st.integers(0, 90)), st.booleans(), st.integers(1, 120), st.integers(1, 9), st.integers(1, 150))
def test_chunks_are_the_text_in_whole_lines(
    tmp_path: Path, lengths: list[int], ended: bool, chunk: int, rows: int, block: int
) -> None:
    """Whatever the sizes are, and however late a chunk is looked at while the next is read."""
    signs = b"ab:c\\d\xe9"
    content = b"\n".join(signs[n % 7 : n % 7 + 1] * length for n, length in enumerate(lengths)) + b"\n" * ended
    path = tmp_path / "a.jsonl"
    path.write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "SIZE", chunk)
        patch.setattr(chunks, "MOST_LINES", rows)
        patch.setattr("vedette.store.reading.streams.READ_SIZE", block)
        found = []
        for one in ahead(_late(ahead(chunks.chunks_of(TextStream(path))))):  # as `read_lines` asks for them
            time.sleep(0.0001)
            found.append(one.text())
            starts = [one.start, *one.ends.tolist()]
            parts = [bytes(one.data[start:end]) for start, end in pairwise([*starts, one.end])]
            assert [part for part in parts if part] == one.text().splitlines(keepends=True)
            assert len(one.ends) <= rows
            assert one.signs.colons == one.text().count(b":")
            assert one.text().isascii() or not one.signs.ascii
            assert one.signs.backslash or b"\\" not in one.text()
    assert b"".join(found) == content
    assert all(text.endswith(b"\n") for text in found[:-1])


def _late(items: Generator[chunks.Chunk]) -> Generator[chunks.Chunk]:
    for one in items:
        time.sleep(0.00005)
        yield one


def test_what_is_read_ahead_fails_where_it_is_asked_for() -> None:
    left = []

    def items() -> Generator[int]:
        try:
            yield 1
            yield 2
            raise ValueError("the third")
        finally:
            left.append("closed")

    taken = ahead(items())
    assert [next(taken), next(taken)] == [1, 2]
    with pytest.raises(ValueError, match="the third"):
        next(taken)
    assert left == ["closed"]
    early = ahead(items())
    assert next(early) == 1
    early.close()
    assert left == ["closed", "closed"]
