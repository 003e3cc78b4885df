"""Bodies of requests: a long array is read in pieces, and gives what it gives when it is read at once."""

from __future__ import annotations

import gzip
import json
import time
import zlib

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vedette.collect.http import bodies
from vedette.core.errors import InvalidInput, VedetteError

texts = st.sampled_from(["},{", "}, {", '"', "]", "[", "\\", "é\U0001f600", "", "x" * 30]) | st.text(max_size=5)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.dictionaries(texts, values, max_size=4), max_size=12), st.integers(1, 60), st.booleans(),
    st.sampled_from(["", " ", "\r\n\t"]),
)  # fmt: skip
def test_an_array_in_pieces_is_the_array(rows: list[dict[str, object]], piece: int, ascii_: bool, around: str) -> None:
    separators = (f"{around},{around}", f"{around}:{around}")
    text = around + json.dumps(rows, ensure_ascii=ascii_, separators=separators) + around
    body = text.encode("utf-8", "surrogatepass")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bodies, "_PIECE", piece)
        assert bodies.objects(body) == rows


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.dictionaries(texts, values, max_size=3), min_size=1, max_size=8), st.integers(1, 40), st.data(),
    st.sampled_from(["", "}", "{", "]", "[", ",", '"', "\x0b", "1", "}, {"]),
)  # fmt: skip
def test_what_is_no_array_is_none_in_pieces_either(
    rows: list[dict[str, object]], piece: int, data: st.DataObject, put: str
) -> None:
    text = json.dumps(rows)
    first = data.draw(st.integers(0, len(text)))
    last = data.draw(st.integers(first, min(len(text), first + 3)))
    body = (text[:first] + put + text[last:]).encode("utf-8", "surrogatepass")
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        expected = None if "surrogate" not in str(error) else ...
    else:
        expected = value if isinstance(value, list) else [value]
        expected = expected if all(isinstance(row, dict) for row in expected) else None
    if expected is ...:
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bodies, "_PIECE", piece)
        if expected is None:
            with pytest.raises(InvalidInput):
                bodies.objects(body)
        else:
            assert bodies.objects(body) == expected


too_much = st.sampled_from(
    ['{"n": 1' + "0" * 400 + "}", '{"n": -1e999, "t": "},{"}', '{"d": ' + "[" * 1100 + "]" * 1100 + "}", '{"d":' * 1100 + "1" + "}" * 1100]
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.dictionaries(texts, values, max_size=3).map(json.dumps) | too_much, min_size=1, max_size=8),
    st.sampled_from([",", " ,\n", "\t, "]), st.sampled_from(["", " ", "\r\n"]), st.sampled_from(["", "\\ud800"]),
)  # fmt: skip
def test_records_that_are_too_much_leave_their_neighbours(parts: list[str], comma: str, around: str, half: str) -> None:
    parts = [*parts, json.dumps({"end": half}).replace("\\\\", "\\")]
    body = (around + "[" + around + comma.join(parts) + around + "]" + around).encode()
    rows, bad = bodies.array(body)
    wrong = [part for part in parts if len(part) > 400 or "e999" in part]
    assert [one.raw for one in bad] == wrong
    assert [body[one.offset :][: len(one.raw)].decode() for one in bad] == wrong
    assert all("infinity" in one.reason or "depth" in one.reason for one in bad)
    right = [json.loads(part.replace("\\ud800", "\\ufffd")) for part in parts if part not in wrong]
    assert rows == right


@pytest.mark.parametrize(
    "text",
    [
        "[{} {}]",
        "[{},]",
        "[,{}]",
        "[{}",
        "{}]",
        "{},{}",
        "[{}]]",
        "[{}, 1]",
        "[{}] x",
        "[{}, {a}]",
        "[{}]\n[{}]",
        "[[{}]]",
    ],
)
def test_what_is_no_array_is_refused_though_a_record_is_too_much(text: str) -> None:
    with pytest.raises(InvalidInput):
        bodies.array(text.replace("{}", '{"n": 1e999}', 1).encode())
    with pytest.raises(InvalidInput):
        bodies.array(text.encode() if text != "{},{}" else b"{},{}")


def test_a_long_array_is_read_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    class Counting:
        JSONDecodeError = orjson.JSONDecodeError

        @staticmethod
        def loads(text: bytes) -> object:
            sizes.append(len(text))
            return orjson.loads(text)

    monkeypatch.setattr(bodies, "orjson", Counting)
    rows: list[dict[str, object]] = [{"Name": f"user {number}", "Bag": {"a": [number]}} for number in range(20_000)]
    assert bodies.objects(orjson.dumps(rows)) == rows
    assert len(sizes) > 10
    assert max(sizes) <= 2 * 64 * 1024 + 2


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.binary(max_size=3000) | st.integers(0, 300_000).map(bytes), max_size=5), st.integers(1, 50),
    st.sampled_from([bodies._STEP, 7, 4096]), st.data(),
)  # fmt: skip
def test_what_was_packed_is_unpacked_member_by_member(
    members: list[bytes], first: int, step: int, data: st.DataObject
) -> None:
    text = b"".join(members)
    packed = b"".join(map(gzip.compress, members))
    cut = data.draw(st.integers(0, max(0, len(packed) - 1)))
    ends, place = {0}, 0
    for member in members:
        place += len(gzip.compress(member))
        ends.add(place)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bodies, "_FIRST", first)
        patch.setattr(bodies, "_STEP", step)
        assert bodies.unpacked(packed, "gzip", len(text)) == text
        assert bodies.unpacked(zlib.compress(text), "deflate", len(text)) == text
        if text:
            with pytest.raises(VedetteError) as refused:
                bodies.unpacked(packed, "gzip", len(text) - 1)
            assert refused.value.status == 413
        if cut not in ends:
            with pytest.raises(InvalidInput, match="ends in the middle"):
                bodies.unpacked(packed[:cut], "gzip", len(text))


def test_very_many_members_take_time_in_proportion() -> None:
    started = time.process_time()
    assert bodies.unpacked(gzip.compress(b"") * 400_000 + gzip.compress(b"{}"), "gzip", 10) == b"{}"
    assert time.process_time() - started < 15  # two minutes where what is left is copied for each
