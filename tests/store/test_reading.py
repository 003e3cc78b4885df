"""Files of every form, whole and damaged, as batches of rows."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import time
import zlib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.core.errors import VedetteError
from vedette.kql.types import Type
from vedette.store.batch import BadRecord, Batch
from vedette.store.conversion import convert, original
from vedette.store.reading import csvfile, jsonfile, jsonlines, lines, streams
from vedette.store.reading.forms import Form, discover, form_of, read
from vedette.store.reading.streams import TextStream


def rows_of(batches: list[Batch]) -> list[dict[str, Any]]:
    """The rows of batches, without their absent values."""
    found: list[dict[str, Any]] = []
    for batch in batches:
        rows: list[dict[str, Any]] = [{} for _ in range(batch.size)]
        for name, column in batch.columns.items():
            for place, value in zip(
                column.rows if column.rows is not None else range(batch.size), column.values, strict=True
            ):
                if value is not None:
                    rows[place][name] = value
        found += rows
    return found


def bad_of(batches: list[Batch]) -> list[BadRecord]:
    return [record for batch in batches for record in batch.bad]


def read_all(path: Path) -> list[Batch]:
    return list(read(discover([path], "T")[0][0]))


def save(tmp_path: Path, name: str, content: bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


GOOD = [{"a": n, "b": f"row {n} ü"} for n in range(5)]
LINES = b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in GOOD)


@pytest.mark.parametrize(
    "content",
    [
        LINES,
        LINES.rstrip(b"\n"),
        LINES.replace(b"\n", b"\r\n"),
        b"\n\n" + LINES.replace(b"\n", b"\n \n"),
        b"\xef\xbb\xbf" + LINES,
        gzip.compress(LINES, mtime=0),
        gzip.compress(LINES[:30], mtime=0) + gzip.compress(LINES[30:], mtime=0),
        gzip.compress(LINES, mtime=0) + b"\0" * 700,
        gzip.compress(b"", mtime=0) + gzip.compress(LINES, mtime=0),
        ("\ufeff" + LINES.decode()).encode("utf-16-le"),
        ("\ufeff" + LINES.decode()).encode("utf-16-be"),
    ],
)
@pytest.mark.parametrize("name", ["x.jsonl", "x.json", "x.NDJSON"])
def test_json_lines(tmp_path: Path, name: str, content: bytes) -> None:
    batches = read_all(save(tmp_path, name, content))
    assert rows_of(batches) == GOOD
    assert bad_of(batches) == []


def test_line_numbers_and_sizes(tmp_path: Path) -> None:
    batches = read_all(save(tmp_path, "x.jsonl", b'\n{"a":1}\n\n{"a":22}\n'))
    assert [list(batch.lines) for batch in batches] == [[2, 4]]
    assert [list(batch.sizes) for batch in batches] == [[7, 8]]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"a": 1', "invalid JSON at character"),
        (b'{"a": NaN}', "invalid JSON at character 7"),
        (b'{"a": 1} {"a": 2}', "invalid JSON at character 10"),
        (b'{"a": "\xff\xfe"}', "invalid UTF-8 at byte 8"),
        (b"[1, 2]", "not a JSON object but an array"),
        (b"5", "not a JSON object but a number"),
        (b'"x"', "not a JSON object but a string"),
        (b"null", "not a JSON object but null"),
        (b"true", "not a JSON object but a boolean"),
        (b"hello", "invalid JSON at character 1"),
        (b"[" * 3000 + b"]" * 3000, "invalid JSON at character"),
    ],
)
def test_only_the_bad_line_is_put_aside(tmp_path: Path, line: bytes, reason: str) -> None:
    batches = read_all(save(tmp_path, "x.jsonl", LINES + line + b"\n" + LINES))
    assert rows_of(batches) == GOOD + GOOD
    (bad,) = bad_of(batches)
    assert (bad.line, bad.offset) == (6, len(LINES))
    assert bad.reason.startswith(reason)
    assert bad.raw == line.decode(errors="backslashreplace")


def test_half_a_surrogate_pair_is_kept_as_the_replacement_character(tmp_path: Path) -> None:
    line = rb'{"a": "x\ud800y", "b": "\ud83d\ude00", "c": "\\ud800"}'
    assert rows_of(read_all(save(tmp_path, "x.jsonl", line))) == [{"a": "x\ufffdy", "b": "😀", "c": r"\ud800"}]


def test_a_long_bad_line_is_kept_whole(tmp_path: Path) -> None:
    for name in ("x.jsonl", "y.json"):
        text = b'{"a":1}\n{"b":' + b"x" * 100_000 + b"}\n"
        (bad,) = bad_of(read_all(save(tmp_path, name, text)))
        assert bad.raw.encode() == text[8:-1]


@pytest.mark.parametrize(
    ("name", "start", "each", "end"),
    [
        ("x.csv", b"a,b\n", b"1,%s,3\n", b"1,2\n"),
        ("x.jsonl", b"", b'{"a" %s}\n', b'{"a":1}\n'),
        ("x.json", b'[{"a":1}', b',\n{"a" %s}', b"]"),
    ],
)
def test_records_that_are_put_aside_are_given_by_and_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, start: bytes, each: bytes, end: bytes
) -> None:
    """Where none can be read, they would all be in memory at once."""
    for module in (jsonlines, csvfile):
        monkeypatch.setattr(module, "BATCH_BYTES", 100_000)
    monkeypatch.setattr(streams, "READ_SIZE", 10_000)
    batches = read_all(save(tmp_path, name, start + b"".join(each % (b"x" * 1000) for _ in range(1000)) + end))
    assert len(bad_of(batches)) == 1000
    assert len(rows_of(batches)) == 1
    assert max(sum(len(bad.raw) for bad in batch.bad) for batch in batches) < 150_000


def test_a_line_that_is_too_long_is_put_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_LINE", 1000)
    monkeypatch.setattr(jsonlines, "MAX_LINE", 1000)
    monkeypatch.setattr(streams, "READ_SIZE", 300)
    long = b'{"a": "' + b"x" * 5000 + b'"}\n'
    batches = read_all(save(tmp_path, "x.jsonl", LINES + long + LINES + long))
    assert rows_of(batches) == GOOD + GOOD
    first, second = bad_of(batches)
    assert first.reason == second.reason == "the line is longer than 1000 bytes"
    assert (first.line, first.offset) == (6, len(LINES))
    assert (second.line, second.offset) == (12, 2 * len(LINES) + len(long))


@given(
    st.lists(st.sampled_from([*[json.dumps(r).encode() for r in GOOD], b"", b"{bad", b"\xff", b"  "])),
    st.integers(1, 50),
)
def test_blocks_of_any_size_give_the_same_lines(
    tmp_path_factory: pytest.TempPathFactory, texts: list[bytes], size: int
) -> None:
    path = tmp_path_factory.mktemp("b") / "x.jsonl"
    path.write_bytes(b"\n".join(texts))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streams, "READ_SIZE", size)
        batches = list(jsonlines.read_json_lines(TextStream(path)))
    assert rows_of(batches) == [json.loads(text) for text in texts if text.startswith(b"{") and text != b"{bad"]
    bad = bad_of(batches)
    assert [record.line for record in bad] == [n for n, text in enumerate(texts, 1) if text in (b"{bad", b"\xff")]
    for record in bad:
        assert path.read_bytes()[record.offset :].startswith((b"{bad", b"\xff"))


# -- damaged gzip


def noisy_lines(count: int = 3000) -> bytes:
    """Lines that do not compress much, so that damage lies in the middle of data."""
    import random

    source = random.Random(7)
    return b"".join(b'{"a":"%s"}\n' % source.randbytes(40).hex().encode() for _ in range(count))


def damaged_in_the_middle() -> bytes:
    packed = bytearray(gzip.compress(noisy_lines(), mtime=0))
    middle = len(packed) // 2
    packed[middle : middle + 2000] = b"\xff" * 2000
    return bytes(packed)


def with_wrong_checksum() -> bytes:
    packed = bytearray(gzip.compress(LINES, mtime=0))
    packed[-6] ^= 0xFF
    return bytes(packed)


@pytest.mark.parametrize("name", ["x.jsonl.gz", "x.csv.gz", "x.json.gz"])
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (gzip.compress(noisy_lines(), mtime=0)[:60_000], "ends early, at byte 60000"),
        (damaged_in_the_middle(), "is damaged"),
        (with_wrong_checksum(), "incorrect data check"),
        (gzip.compress(LINES, mtime=0) + b"tail", "something that is not gzip follows"),
    ],
    ids=["short", "middle", "checksum", "tail"],
)
def test_a_damaged_gzip_is_refused_by_name(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    path = save(tmp_path, name, content)
    with pytest.raises(VedetteError) as caught:
        read_all(path)
    assert str(path) in str(caught.value)
    assert words in str(caught.value)


def test_the_first_missing_line_of_a_damaged_gzip_is_named(tmp_path: Path) -> None:
    packed = gzip.compress(noisy_lines(), mtime=0) + gzip.compress(noisy_lines(3), mtime=0)
    with pytest.raises(VedetteError) as caught:
        read_all(save(tmp_path, "x.jsonl.gz", packed[:-30]))
    assert caught.value.line is not None
    assert caught.value.line > 3000


@pytest.mark.parametrize(
    "content",
    [
        b"",
        LINES,
        b"PK\x03\x04 not gzip",
        b"\x1f\x8b\x07" + b"x" * 50,
        gzip.compress(LINES, mtime=0)[:10],
        gzip.compress(LINES, mtime=0)[:10] + b"\xff" * 40,
        gzip.compress(LINES, mtime=0)[:5],
        b"\x1f",
    ],
)
def test_what_is_no_gzip_at_all_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = save(tmp_path, "x.jsonl.gz", content)
    with pytest.raises(VedetteError) as caught:
        read_all(path)
    assert str(path) in str(caught.value)
    assert "not valid gzip" in str(caught.value)
    assert caught.value.file == str(path)


@pytest.mark.parametrize("content", [b"", gzip.compress(b"", mtime=0), b"\n\n", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("name", ["x.jsonl.gz", "x.csv.gz", "x.json.gz", "x.json"])
def test_an_empty_file_has_no_rows(tmp_path: Path, name: str, content: bytes) -> None:
    if name.endswith(".gz") and not content.startswith(b"\x1f"):
        content = gzip.compress(content, mtime=0)
    batches = read_all(save(tmp_path, name, content))
    assert rows_of(batches) == []
    assert bad_of(batches) == []


def test_a_small_file_that_unpacks_to_a_large_one_comes_in_blocks(tmp_path: Path) -> None:
    packed = gzip.compress(b"\n" * 50_000_000, mtime=0)
    path = save(tmp_path, "x.jsonl.gz", packed)
    assert max(map(len, TextStream(path).blocks())) <= streams.BLOCK_SIZE
    assert zlib.decompress(packed, wbits=31).count(b"\n") == 50_000_000


# -- JSON files


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(GOOD),
        json.dumps(GOOD, indent=2),
        "\n\n" + json.dumps(GOOD, indent=1) + "\n",
        "\n".join(json.dumps(row, indent=2) for row in GOOD),
        "[" + ",\n".join(map(json.dumps, GOOD)) + ",]",
        " ".join(map(json.dumps, GOOD)) + "\n",
    ],
)
@pytest.mark.parametrize("block", [1, 7, 100_000])
def test_json_files(tmp_path: Path, text: str, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "READ_SIZE", block)
    batches = read_all(save(tmp_path, "x.json", text.encode()))
    assert rows_of(batches) == GOOD
    assert bad_of(batches) == []


def test_brackets_and_quotes_in_texts_are_no_structure(tmp_path: Path) -> None:
    rows = [{"a": '}{[]"\\', "b": {"c": ["]", "\\"]}}, {"a": '\\"'}]
    assert rows_of(read_all(save(tmp_path, "x.json", json.dumps(rows).encode()))) == rows


@pytest.mark.parametrize("block", [1, 3, 64])
def test_blocks_end_anywhere_within_a_text(tmp_path: Path, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "READ_SIZE", block)
    rows = [{"a": '}{[]"\\', "b": {"c": ["]", "\\"]}}, {"a": '\\"', "č": "\\\\" * 9}, {"": "x"}]
    assert rows_of(read_all(save(tmp_path, "x.json", json.dumps(rows).encode()))) == rows


@pytest.mark.parametrize("block", [1, 50, 400])
def test_a_value_that_is_too_long_is_put_aside_and_the_others_are_read(
    tmp_path: Path, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "READ_SIZE", block)
    monkeypatch.setattr(jsonfile, "MAX_LINE", 1000)
    long = {"a": "\\" * 2000, "b": [{"c": '}],"' * 400}]}
    batches = read_all(save(tmp_path, "x.json", json.dumps([{"a": 1}, long, {"a": 2}, long, {"a": 3}]).encode()))
    assert rows_of(batches) == [{"a": 1}, {"a": 2}, {"a": 3}]
    assert [record.reason for record in bad_of(batches)] == ["a value longer than 1000 bytes"] * 2


def test_no_byte_of_a_long_value_is_looked_at_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = 0

    class Counting:
        def __init__(self, pattern: re.Pattern[bytes]) -> None:
            self.search, self.match = self.counted(pattern.search), self.counted(pattern.match)

        def counted(self, look: Any) -> Any:
            def counting(text: bytearray, at: int) -> Any:
                nonlocal looked
                found = look(text, at)
                looked += (found.end() if found else len(text)) - at
                return found

            return counting

    for name in ("_TOKEN", "_REST"):
        monkeypatch.setattr(jsonfile, name, Counting(getattr(jsonfile, name)))
    values = jsonfile._Values()
    blocks = [b'[{"a":"', *[b"a" * 1000] * 500, b'","b":', *[b"1" * 1000] * 500, b"}]"]
    found = [text for block in blocks for _, _, text in values.feed(block)]
    assert len(found) == 1
    assert looked < 2 * len(b"".join(blocks))


def test_one_object_is_one_row(tmp_path: Path) -> None:
    assert rows_of(read_all(save(tmp_path, "x.json", json.dumps({"a": {"b": 1}}, indent=2).encode()))) == [
        {"a": {"b": 1}}
    ]


def test_bad_elements_of_an_array_are_put_aside(tmp_path: Path) -> None:
    text = b'[\n{"a":1},\n{"a":nope},\n7, {"a":2},\n[3],\n{"a":3}\n]'
    batches = read_all(save(tmp_path, "x.json", text))
    assert rows_of(batches) == [{"a": 1}, {"a": 2}, {"a": 3}]
    bad = bad_of(batches)
    assert [record.raw for record in bad] == ['{"a":nope}', "7", "[3]"]
    assert [record.line for record in bad] == [3, 4, 5]
    for record in bad:
        assert text[record.offset :].startswith(record.raw.encode())


def test_an_array_that_does_not_end_gives_its_rows(tmp_path: Path) -> None:
    batches = read_all(save(tmp_path, "x.json", b'[{"a":1},{"a":2},{"a":'))
    assert rows_of(batches) == [{"a": 1}, {"a": 2}]
    (bad,) = bad_of(batches)
    assert bad.reason == "the array does not end"
    assert bad.raw == '{"a":'


def test_lines_after_a_bad_one_in_a_json_file(tmp_path: Path) -> None:
    batches = read_all(save(tmp_path, "x.json", LINES + b"oops\n" + LINES))
    assert rows_of(batches) == GOOD + GOOD
    assert [record.line for record in bad_of(batches)] == [6]


# -- CSV


def test_csv(tmp_path: Path) -> None:
    text = 'TimeGenerated [UTC],Name,,Text\r\n"8/2/2021, 1:11:39.770 PM",a,1,"two\nlines, ""quoted"""\r\n,b,2,\r\n\r\n'
    batches = read_all(save(tmp_path, "x.csv", b"\xef\xbb\xbf" + text.encode()))
    assert rows_of(batches) == [
        {"TimeGenerated": "8/2/2021, 1:11:39.770 PM", "Name": "a", "Column3": "1", "Text": 'two\nlines, "quoted"'},
        {"TimeGenerated": "", "Name": "b", "Column3": "2", "Text": ""},
    ]
    assert list(batches[0].lines) == [2, 4]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (b"1", "the header has 2 fields, this record 1"),
        (b"1,2,3", "the header has 2 fields, this record 3"),
        (b'1,"never closed', "a quote is not closed"),
        (b'1,"closed" twice', "invalid CSV"),
        (b"1,\xff", "invalid UTF-8 at byte 3"),
    ],
)
def test_only_the_bad_record_is_put_aside(tmp_path: Path, record: bytes, reason: str) -> None:
    batches = read_all(save(tmp_path, "x.csv", b"a,b\n1,x\n" + record + b'\n2,y\n3,"z\nz"\n'))
    assert rows_of(batches) == [{"a": "1", "b": "x"}, {"a": "2", "b": "y"}, {"a": "3", "b": "z\nz"}]
    (bad,) = bad_of(batches)
    assert (bad.line, bad.offset) == (3, 8)
    assert bad.reason.startswith(reason)


def test_a_stray_quote_far_away_from_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csvfile, "MAX_RECORD", 200)
    good = [f"{n},x" for n in range(100)]
    text = "a,b\n" + "\n".join([*good, '"1,x', *good, '2,x"', *good]) + "\n"
    batches = read_all(save(tmp_path, "x.csv", text.encode()))
    assert len(rows_of(batches)) == 300
    assert [record.raw for record in bad_of(batches)] == ['"1,x', '2,x"']


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("a,b,a", "the column 'a' more than once"),
        ("TimeGenerated [Local Time],a", "in a zone that the file does not tell"),
        ('a,"b', "header line cannot be read"),
    ],
)
def test_a_header_that_cannot_be_right(tmp_path: Path, header: str, words: str) -> None:
    path = save(tmp_path, "x.csv", f"{header}\n1,2,3\n".encode())
    with pytest.raises(VedetteError, match=words) as caught:
        read_all(path)
    assert str(path) in str(caught.value)


cells = st.text(st.characters(codec="utf-8", exclude_characters="\r\0\ufeff"), max_size=8)


@given(st.lists(st.tuples(cells, cells), max_size=8))
def test_csv_that_python_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(["a", "b"])
    writer.writerows(rows)
    path = tmp_path_factory.mktemp("c") / "x.csv"
    path.write_bytes(text.getvalue().encode())
    batches = read_all(path)
    assert bad_of(batches) == []
    assert rows_of(batches) == [{"a": a, "b": b} for a, b in rows]


@given(st.lists(st.sampled_from(["a", "a 2", "a 3", "a 2 2", "b", " a", ""]), max_size=12))
def test_names_of_a_heading_are_each_their_own(names: list[str]) -> None:
    made = csvfile.header_names(names)
    assert len(set(made)) == len(made) == len(names)
    for place, name in enumerate(names):
        first = name.strip() not in [one.strip() for one in names[:place]] and name.strip() not in made[:place]
        assert not first or not name.strip() or made[place] == name.strip()


@pytest.mark.parametrize("sniff", [False, True])
def test_a_heading_of_very_many_columns_takes_time_in_proportion(tmp_path: Path, sniff: bool) -> None:
    names = [f"c{number}" if number % 2 or not sniff else "same" for number in range(100_000)]
    path = save(tmp_path, "x.csv", (",".join(names) + "\n" + ",".join(["1"] * len(names)) + "\n").encode())
    started = time.process_time()
    (batch,) = csvfile.read_csv(TextStream(path), sniff=sniff)
    assert len(batch.columns) == len(names)
    assert time.process_time() - started < 10  # minutes where each name is looked for among all


# -- Parquet


def test_parquet(tmp_path: Path) -> None:
    moment = datetime(2021, 8, 2, 13, 11, 39, 770001, tzinfo=UTC)
    table = pa.table(
        {
            "us": pa.array([moment, None], pa.timestamp("us", "UTC")),
            "ns": pa.array([1590000000123456789, None], pa.timestamp("ns")),
            "day": pa.array([date(2021, 8, 2), None]),
            "span": pa.array([timedelta(seconds=1.5), None], pa.duration("ms")),
            "small": pa.array([1, None], pa.int16()),
            "real": pa.array([1.5, None], pa.float32()),
            "text": pa.array(["x", None]).dictionary_encode(),
            "nested": pa.array([{"a": [1, 2]}, None]),
            "nothing": pa.nulls(2),
        }
    )
    path = tmp_path / "x.parquet"
    pq.write_table(table, path)
    (batch,) = read_all(path)
    natives = {name: column.native for name, column in batch.columns.items()}
    assert natives == {
        "us": Type.DATETIME, "ns": Type.DATETIME, "day": Type.DATETIME, "span": Type.TIMESPAN, "small": Type.INT, "real": Type.REAL,
        "text": Type.STRING, "nested": Type.DYNAMIC, "nothing": None,
    }  # fmt: skip
    printed = {
        name: convert(column.values, Type.STRING, column.native)[0].to_pylist()[0]
        for name, column in batch.columns.items()
    }
    assert printed["us"] == "2021-08-02T13:11:39.7700010Z"
    assert printed["ns"] == "2020-05-20T18:40:00.1234567Z"
    assert printed["day"] == "2021-08-02T00:00:00.0000000Z"
    assert printed["span"] == "00:00:01.5000000"
    assert printed["nested"] == '{"a":[1,2]}'


def test_moments_of_parquet_that_kql_cannot_have_are_texts(tmp_path: Path) -> None:
    table = pa.table(
        {
            "us": pa.array([-62_135_596_800_000_001, -62_135_596_800_000_000, 253_402_300_799_999_999, 253_402_300_800_000_000], pa.timestamp("us")),
            "ms": pa.array([2**62, 0, None, -(2**62)], pa.timestamp("ms", "UTC")),
            "day": pa.array([-719_163, -719_162, 2_932_896, 2_932_897], pa.date32()),
            "span": pa.array([2**63 - 1, -(2**63), 922_337_203_685, None], pa.duration("s")),
        }
    )  # fmt: skip
    path = tmp_path / "x.parquet"
    pq.write_table(table, path)
    (batch,) = read_all(path)
    kept, made = {}, {}
    for name, column in batch.columns.items():
        assert column.native is not None
        array, failures = convert(column.values, column.native, column.native)
        made[name] = [place for place, value in enumerate(array.to_pylist()) if value is not None]
        kept[name] = [original(column.values[place], column.native) for place in failures]
    assert made == {"us": [1, 2], "ms": [1], "day": [1, 2], "span": [2]}
    assert kept == {
        "us": ["-62135596800000001 us since 1970-01-01", "253402300800000000 us since 1970-01-01"],
        "ms": ["4611686018427387904 ms since 1970-01-01", "-4611686018427387904 ms since 1970-01-01"],
        "day": ["-719163 days since 1970-01-01", "2932897 days since 1970-01-01"],
        "span": ["9223372036854775807 s", "-9223372036854775808 s"],
    }


@pytest.mark.parametrize("content", [b"", b"not parquet", b"PAR1" + b"x" * 100 + b"PAR1"])
def test_a_damaged_parquet_file(tmp_path: Path, content: bytes) -> None:
    path = save(tmp_path, "x.parquet", content)
    with pytest.raises(VedetteError, match="cannot be read as Parquet") as caught:
        read_all(path)
    assert str(path) in str(caught.value)


# -- which files, which tables


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("a.jsonl", Form.JSON_LINES), ("a.JSONL.GZ", Form.JSON_LINES), ("a.b.ndjson", Form.JSON_LINES), ("a.json.gz", Form.JSON),
        ("a.csv", Form.CSV), ("a.parquet", Form.PARQUET), ("a.parquet.gz", None), ("a.gz", None), ("a.txt", None), ("jsonl", None),
    ],
)  # fmt: skip
def test_forms(name: str, form: Form | None) -> None:
    assert form_of(Path(name)) is form


def test_directories_are_walked_and_folders_name_tables(tmp_path: Path) -> None:
    for name in (
        "SigninLogs/a.jsonl",
        "SigninLogs/b.csv.gz",
        "deep/er/AuditLogs/c.json",
        "deep/README.md",
        ".hidden/d.jsonl",
        "X/.e.jsonl",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    sources, passed_over = discover([tmp_path, tmp_path / "SigninLogs" / "a.jsonl"], None)
    assert [(source.path.name, source.table) for source in sources] == [
        ("a.jsonl", "SigninLogs"), ("b.csv.gz", "SigninLogs"), ("c.json", "AuditLogs"),
    ]  # fmt: skip
    assert [path.name for path in passed_over] == ["README.md"]
    assert {source.table for source in discover([tmp_path], "Mine_CL")[0]} == {"Mine_CL"}


def test_what_cannot_be_loaded_is_said_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "bad name!").mkdir()
    (tmp_path / "bad name!" / "x.jsonl").touch()
    (tmp_path / "x.txt").touch()
    for path, table, words in [
        (tmp_path / "none.jsonl", None, "There is no file"),
        (tmp_path / "x.txt", "T", "of no form that can be loaded"),
        (tmp_path / "bad name!" / "x.jsonl", None, "'bad name!' is not a table name"),
        (tmp_path, "1x", "'1x' is not a table name"),
    ]:
        with pytest.raises(VedetteError, match=words):
            discover([path], table)
