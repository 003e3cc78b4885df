"""What observables a STIX pattern names."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.core.errors import InvalidInput
from vedette.intel.pattern import MOST_ALTERNATIVES, Observable, pattern_of, read_pattern

CASES = tomllib.loads((Path(__file__).parent / "patterns.toml").read_text(encoding="utf-8"))["pattern"]


@pytest.mark.req("P-075", "P-076", "P-077")
@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_pattern(case: dict[str, Any]) -> None:
    found = read_pattern(case["text"])
    assert [list(one) for one in found.observables] == case["observables"]
    if "alternatives" in case:
        assert [[one.value for one in together] for together in found.alternatives] == case["alternatives"]


@pytest.mark.parametrize(
    "text",
    ["", "[", "[ipv4-addr:value = '1.1.1.1'", "ipv4-addr:value = '1.1.1.1'", "[ipv4-addr:value = 1.1.1.1]", "[a:b = 'c'] AND", "x" * 100_001,
     "[" + "(" * 5_000 + "a:b = 'c'" + ")" * 5_000 + "]"],
)  # fmt: skip
def test_no_pattern(text: str) -> None:
    with pytest.raises(InvalidInput):
        read_pattern(text)


def test_a_long_list_of_alternatives() -> None:
    text = " OR ".join(f"ipv4-addr:value = '10.0.{number // 250}.{number % 250}'" for number in range(1_500))
    found = read_pattern(f"[{text}]")
    assert len(found.observables) == len(found.alternatives) == 1_500


def test_more_alternatives_than_are_told_apart() -> None:
    either = "(" + " OR ".join(f"file:name = 'f{number}'" for number in range(40)) + ")"
    other = "(" + " OR ".join(f"file:hashes.MD5 = 'h{number}'" for number in range(40)) + ")"
    found = read_pattern(f"[{either} AND {other}]")
    assert MOST_ALTERNATIVES < 40 * 40
    assert len(found.observables) == len(found.alternatives) == 80


@given(st.text(min_size=1).filter(lambda text: text == text.strip()))
def test_what_is_written_is_read_again(value: str) -> None:
    assert read_pattern(pattern_of("url:value", value)).observables == (Observable("url:value", value),)


VALUES = st.text(alphabet="abc.'\\", min_size=1, max_size=6)


@given(st.recursive(
    st.builds(lambda key, value: ({value}, pattern_of(key, value)[1:-1]), st.sampled_from(["file:name", "url:value"]), VALUES),
    lambda inner: st.builds(
        lambda left, word, right: (left[0] | right[0], f"({left[1]} {word} {right[1]})"), inner, st.sampled_from(["AND", "OR"]), inner
    ),
    max_leaves=12,
))  # fmt: skip
def test_every_value_of_a_pattern_is_an_observable(made: tuple[set[str], str]) -> None:
    values, text = made
    found = read_pattern(f"[{text}]")
    assert {one.value for one in found.observables} == values
    assert {one for together in found.alternatives for one in together} == set(found.observables)
