"""Bodies of requests: a long array is read in pieces, and gives what it gives when it is read at once."""

from __future__ import annotations

import json

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vedette.collect.http import bodies
from vedette.core.errors import InvalidInput

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
