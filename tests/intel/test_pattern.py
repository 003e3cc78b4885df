"""What observables a STIX pattern names."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.core.errors import InvalidInput
from vedette.intel.pattern import MOST_ALTERNATIVES, Observable, _parsed, _plainest, pattern_of, read_pattern

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


STEP = st.one_of(
    st.sampled_from(
        ["value", "hashes", "MD5", "src_ref", "protocols", "type", "AND", "true", "TRUE", "IN", "_x", "a1"]
    ),
    st.sampled_from(["'SHA-256'", "'MD5'", "'AND'", "'windows-pebinary-ext'", "'1'"]),
)


@given(
    st.sampled_from(["ipv4-addr", "file", "x-my-object", "true", "network-traffic", "a--b", "a-", "x1"]),
    st.lists(STEP, min_size=1, max_size=3), st.text(alphabet="ab/.0123 \n\t\"$é😀", max_size=12),
)  # fmt: skip
def test_the_short_way_reads_what_the_grammar_does(kind: str, steps: list[str], value: str) -> None:
    text = f"[{kind}:{'.'.join(steps)} = '{value}']"
    short = _plainest(text)
    try:
        long = _parsed(text)
    except InvalidInput:
        assert short is None
    else:
        assert short in (None, long)


@pytest.mark.parametrize(
    "text", ["[ipv4-addr:value = '1.2.3.4']", "[file:hashes.'SHA-256' = 'aa']", "[network-traffic:src_ref.value = 'x']"]
)
def test_what_most_patterns_are_goes_the_short_way(text: str) -> None:
    assert _plainest(text) == _parsed(text)
    assert _plainest(text) is not None
