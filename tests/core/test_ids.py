"""Ids: random ones from a source, derived ones for ever the same."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.core.ids import NAMESPACE, derived_id, is_uuid, new_id, seeded_ids

DETECTION = "11111111-2222-3333-4444-555555555555"


def test_new_ids_are_random_uuids() -> None:
    ids = {new_id() for _ in range(100)}
    assert len(ids) == 100
    assert {uuid.UUID(one).version for one in ids} == {4}


def test_a_seeded_source_repeats_itself() -> None:
    first, second, other = seeded_ids(7), seeded_ids(7), seeded_ids(8)
    series = [first() for _ in range(5)]
    assert series == [second() for _ in range(5)]
    assert series[0] != other()
    assert {uuid.UUID(one).version for one in series} == {4}


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ((DETECTION, "run-1"), "72719fee-1bae-537f-9773-c9286c295a69"),
        ((DETECTION, "2026-03-01T12:00:00.0000000Z"), "e3556509-cecd-50da-9b0d-c5a0ad38fe27"),
        (("alert", "a:b", "c"), "a875bff8-b4c8-5c1f-9f22-4186cd45071c"),
    ],
)
def test_derived_ids_never_change(parts: tuple[str, ...], expected: str) -> None:
    assert derived_id(*parts) == expected


def test_a_derived_id_is_the_uuid5_of_the_parts_with_a_colon() -> None:
    assert derived_id(DETECTION, "run:1") == str(uuid.uuid5(NAMESPACE, f"{DETECTION}:run:1"))


parts = st.tuples(st.text(min_size=1), st.text(min_size=1), st.text(min_size=1))


@given(first=parts, second=parts)
def test_different_parts_make_different_ids(first: tuple[str, ...], second: tuple[str, ...]) -> None:
    assert (derived_id(*first) == derived_id(*second)) == (first == second)


@pytest.mark.parametrize("wrong", [(), ("",), ("a", "")])
def test_nothing_is_derived_from_nothing(wrong: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="not empty"):
        derived_id(*wrong)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (DETECTION, True),
        ("AAAAAAAA-BBBB-CCCC-DDDD-EEEEEEEEEEEE", True),
        ("11111111222233334444555555555555", False),
        ("{11111111-2222-3333-4444-555555555555}", False),
        ("11111111-2222-3333-4444-55555555555g", False),
        ("1111-11112222-3333-4444-555555555555", False),
        ("", False),
    ],
)
def test_what_a_uuid_looks_like(text: str, answer: bool) -> None:
    assert is_uuid(text) is answer
