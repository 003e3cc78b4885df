"""Terms that are in no dictionary: what the index says of them by their grams is what the scan finds."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vedette.core.clock import VirtualClock
from vedette.engine.query import QueryOptions
from vedette.engine.rewrites import ALL_REWRITES
from vedette.store.logstore import LogStore
from vedette.store.terms import building, grams
from vedette.store.terms import file as term_file
from vedette.store.terms import index as term_index
from vedette.store.terms import lookup as term_lookup
from vedette.store.terms.building import GRANULE
from vedette.store.terms.file import Postings, SegmentFile, encode, write
from vedette.store.terms.text import LEAST, Piece, kept_form, terms_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PLAIN = QueryOptions(NOW, rewrites=ALL_REWRITES - {"term-index"})
FORMS: dict[str, Callable[[Postings], Postings]] = {
    "parts": building._without_parts,
    "coarse parts": lambda postings: building._coarser(building._without_parts(postings)),
    "any": building._without_any,
}
"""How a column is kept where there is no room for all of its terms."""
OPERATORS = (
    "has",
    "contains",
    "hasprefix",
    "hassuffix",
    "startswith",
    "endswith",
    "==",
    "=~",
    "in~",
    "has_cs",
    "contains_cs",
)

_WORDS = st.text(alphabet="abf0139gz.é İK日-_ \n\x00", max_size=12)
_GUIDS = st.uuids().map(str)
_VALUES = st.one_of(
    _GUIDS, _GUIDS.map(str.upper), _GUIDS.map(lambda text: text.replace("-", "")), st.tuples(_WORDS, _GUIDS, _WORDS).map("".join),
    st.integers(0, 2**48).map(lambda number: f"{number:012x}"), _WORDS, st.sampled_from(["x" * 70 + "abcd1234", "ab12" * 20]),
)  # fmt: skip


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments, blocks and pages of few rows and terms; no share of the rows is too large to be asked for."""
    monkeypatch.setattr(term_index, "_WORTH", 1)
    monkeypatch.setattr(term_index, "SEGMENT", 512)
    monkeypatch.setattr(term_lookup, "_GOOD", 0)
    monkeypatch.setattr(term_file, "_PAGE", 3)
    monkeypatch.setattr(grams, "_BLOCKS", (320,))
    monkeypatch.setattr(building, "_COARSE", 256)


def _kept_as(form: str, patch: pytest.MonkeyPatch) -> None:
    def column(connection: Any, batches: Any, first: int, rows: int, kind: Any, room: Any) -> Any:
        return encode(FORMS[form](building._postings(connection, batches, first, kind)), rows)

    patch.setattr(building, "_column", column)


def _ids(store: LogStore, text: str, options: QueryOptions) -> list[Any]:
    return sorted(row[0] for row in store._engine.run(text, options).rows)


@pytest.mark.req("D-016")
@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=8, deadline=None)
@given(
    values=st.lists(_VALUES, min_size=1, max_size=40),
    cuts=st.lists(st.tuples(st.integers(0, 39), st.integers(0, 30), st.integers(3, 20), st.booleans()), min_size=1, max_size=3),
    operators=st.lists(st.sampled_from(OPERATORS), min_size=2, max_size=4, unique=True),
    seed=st.integers(0, 99),
)  # fmt: skip
def test_needles_cut_out_of_values_are_found(
    form: str, values: list[str], cuts: list[tuple[int, int, int, bool]], operators: list[str], seed: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:  # fmt: skip
    ids = random.Random(seed)
    values = [value.encode("utf-8", "replace").decode() for value in values]
    values += [str(uuid.UUID(int=ids.getrandbits(128))) for _ in range(600)]
    ids.shuffle(values)
    with (
        pytest.MonkeyPatch.context() as patch,
        LogStore(tmp_path_factory.mktemp("g") / "logs.duckdb", VirtualClock(NOW)) as store,
    ):
        _kept_as(form, patch)
        rows = [{"Number": place, "Text": value, "Bag": {"id": [value]}} for place, value in enumerate(values)]
        store.append("Given_CL", rows)
        store.terms.catch_up()
        for place, first, size, other in cuts:
            whole = values[place % len(values)]
            needle = whole[first % max(1, len(whole)) :][:size]
            needle = needle.swapcase() if other else needle
            literal = json.dumps(needle, ensure_ascii=False)
            if "\\u" in literal:
                literal = f"strcat('', {literal})"  # no constant: the scan finds it, too
            queries = [
                f"Given_CL | where Text {operator} {f'({literal})' if operator == 'in~' else literal}"
                for operator in operators
            ]
            for query in [
                *queries,
                f"Given_CL | where tostring(Bag) contains {literal}",
                f"search {json.dumps(f'*{needle}*')}",
            ]:
                if "*" in query and ("\\u" in query or "*" in needle):
                    continue
                text = f"{query} | project Number"
                assert _ids(store, text, QueryOptions(NOW)) == _ids(store, text, PLAIN), text


@pytest.mark.parametrize("form", ["parts", "any"])
def test_part_of_an_id_reads_few_rows(form: str, tmp_path: Path) -> None:
    """Of the last group of a GUID, which no dictionary has, seven digits are enough."""
    ids = random.Random(7)
    values = [uuid.UUID(int=ids.getrandbits(128)) for _ in range(4000)]
    with (
        pytest.MonkeyPatch.context() as patch,
        LogStore(tmp_path / "logs.duckdb", VirtualClock(NOW)) as store,
    ):
        _kept_as(form, patch)
        patch.setattr(term_index, "SEGMENT", 4096)
        store.append("Given_CL", [{"Number": place, "Text": str(value)} for place, value in enumerate(values)])
        store.terms.catch_up()
        file = store.terms.segments("Given_CL")[0].file
        for place in range(0, 4000, 200):
            text = str(values[place])[-12:][place // 200 % 6 :][:7]
            found = file.columns["Text"].find(Piece(text.encode(), open_left=True, open_right=True))
            assert found is not None
            assert found[place // GRANULE]
            assert found.mean() < 0.2
            query = f"Given_CL | where Text contains '{text}' | project Number"
            assert "term-index" in store.explain(query, now=NOW)[-1].rewrites
            assert _ids(store, query, QueryOptions(NOW)) == _ids(store, query, PLAIN) == [place]


def test_nobody_knows_how_a_long_term_goes_on(tmp_path: Path) -> None:
    texts = ["x" * 70 + "abcd1234", *(f"{place:08x}" for place in range(2000))]
    with (
        pytest.MonkeyPatch.context() as patch,
        LogStore(tmp_path / "logs.duckdb", VirtualClock(NOW)) as store,
    ):
        _kept_as("any", patch)
        store.append("Given_CL", [{"Number": place, "Text": text} for place, text in enumerate(texts)])
        store.terms.catch_up()
        for needle in ("abcd1234", "xxabcd1", "x" * 66 + "abc"):
            text = f"Given_CL | where Text contains '{needle}' | project Number"
            assert "term-index" in store.explain(text, now=NOW)[-1].rewrites
            assert _ids(store, text, QueryOptions(NOW)) == [0], needle


def test_every_part_of_every_term_is_found(tmp_path: Path) -> None:
    """Pages that are left out by their order and by how long their terms are have no such term."""
    chance = random.Random(3)
    made = {f"{chance.getrandbits(32):08x}" for _ in range(60)} | {
        str(chance.randrange(10**9)).zfill(3) for _ in range(60)
    }
    made |= {f"abcdef{number:02}" for number in range(20)} | {"e" * 3, "zz9", "é日é", "q" * 64}
    terms = sorted(term.encode() for term in made)
    postings = Postings(pa.array(terms, pa.large_binary()), np.ones(len(terms), int), np.arange(len(terms)), GRANULE)
    held = encode(postings, len(terms) * GRANULE)
    assert held is not None
    path = tmp_path / "0-1.terms"
    write(path, {"rows": len(terms) * GRANULE, "anchors": [], "known": ["t"], "left_out": []}, {"t": held})
    file = SegmentFile(path)
    for place, term in enumerate(terms):
        for first in range(len(term) - LEAST + 1):
            for last in range(first + LEAST, len(term) + 1):
                piece = term[first:last]
                flags = file.columns["t"].find(Piece(piece, open_left=True, open_right=True))
                assert flags is not None
                assert flags[place], piece
                if len(term) < 16:
                    assert flags.nonzero()[0].tolist() == [at for at, other in enumerate(terms) if piece in other]
    file.close()


_TERMS = st.lists(
    st.one_of(
        st.integers(0, 2**32 - 1).map(lambda number: f"{number:08x}"),
        st.integers(0, 2**48 - 1).map(lambda number: f"{number:012x}"),
        st.integers(0, 10**9).map(str),
        st.integers(0, 99).map(lambda number: f"abcdef{number:02}"),  # pages that begin alike
        st.text(alphabet="abfz019", min_size=LEAST, max_size=14),
        st.text(alphabet="é日x", min_size=LEAST, max_size=6),
        st.sampled_from(["q" * 63, "q" * 64, "q" * 65, "q" * 80 + "z", "4444.1.2.3"]),
    ),
    min_size=1,
    max_size=80,
)


@settings(max_examples=60, deadline=None)
@given(terms=_TERMS, seed=st.integers(0, 10**6), form=st.sampled_from([None, *FORMS]))
def test_a_column_tells_of_every_term_that_has_a_piece(
    terms: list[str], seed: int, form: str | None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """What is left out of a column, and pages that are not looked into, lose no granule of a term."""
    found = sorted({kept_form(term) for text in terms for term in terms_of(text.encode()) if len(term) >= LEAST})
    if not found:
        return
    chance = np.random.default_rng(seed)
    granules = [np.sort(chance.choice(40, chance.integers(1, 4), replace=False)) for _ in found]
    postings = Postings(
        pa.array(found, pa.large_binary()), np.array([len(one) for one in granules]), np.concatenate(granules), GRANULE
    )
    made = encode(postings if form is None else FORMS[form](postings), 40 * GRANULE)
    if made is None:
        return  # so many are set that the grams tell nothing
    path = tmp_path_factory.mktemp("s") / "0-2560.terms"
    write(path, {"rows": 40 * GRANULE, "anchors": [], "known": ["t"], "left_out": []}, {"t": made})
    file = SegmentFile(path)
    column = file.columns["t"]
    for term, places in zip(found, granules, strict=True):
        text = term.rstrip(b"\x01")
        first = int(chance.integers(0, len(text)))
        for piece in (
            Piece(text), Piece(text[first:], open_left=True), Piece(text[:first], open_right=True), Piece(text[first : first + 7], True, True),
        ):  # fmt: skip
            flags = column.find(piece)
            if flags is not None and not (piece.exact and text != term):
                assert flags[places * GRANULE // column.unit].all(), piece
    file.close()
