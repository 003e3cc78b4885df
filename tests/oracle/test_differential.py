"""Lexer, parser and binder against Microsoft's, on real queries, on conformance cases and on mutations of both."""

from __future__ import annotations

import gzip
import json
import random
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.oracle.comparison import compare, reviewed
from tests.oracle.microsoft import Microsoft
from tests.oracle.mutation import mutated
from tests.oracle.ours import CorpusHost, check

SEED = 20260121
LONGEST = 8000
"""Characters of a text; a few workbooks are longer and take seconds on Microsoft's side."""
WHOLE_DATABASE = ("union *", "find ", "search ", "(*)", "database(", "cluster(")
"""Texts that look at every table of the corpus at once take Microsoft's binder minutes."""


def texts(shared: Path, material: str) -> list[str]:
    """All texts of a material, in the order of the file."""
    if material == "conformance":
        lines: Iterable[str] = (shared / "conformance" / "kql.jsonl").read_text(encoding="utf-8").splitlines()
    else:
        lines = gzip.decompress((shared / "corpus" / f"{material}.jsonl.gz").read_bytes()).decode().splitlines()
    found = [json.loads(line)["query"] for line in lines]
    return [text for text in found if len(text) <= LONGEST and not any(word in text for word in WHOLE_DATABASE)]


def sample(shared: Path, material: str, count: int) -> list[str]:
    """Some texts, the same ones every time."""
    choice = random.Random(f"{SEED} {material}")
    if material != "mutations":
        found = texts(shared, material)
        return choice.sample(found, min(count, len(found)))
    sources = texts(shared, "core_rules") + [text for text in texts(shared, "conformance") if len(text) < 400]
    return [mutated(choice.choice(sources), choice.randrange(2**32)) for _ in range(count)]


def agreement(microsoft: Microsoft, host: CorpusHost, asked: list[str]) -> tuple[float, str]:
    """The share of the texts on which both sides agree, and what the others are."""
    accepted = reviewed()
    asked_in_time = agreed = 0
    kinds: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for text in asked:
        theirs = microsoft.check(text)
        if theirs is None:
            continue
        asked_in_time += 1
        difference = compare(theirs, check(text, host), text)
        if difference is None or accepted.reason(difference, text) is not None:
            agreed += 1
            continue
        kinds[difference.kind] += 1
        examples.setdefault(difference.kind, f"{difference.detail[:200]}\n      {text[-300:]!r}")
    report = "\n".join(f"{count:4} {kind}\n      {examples[kind]}" for kind, count in kinds.most_common(40))
    assert asked_in_time > 0.9 * len(asked)
    return agreed / asked_in_time, report


@pytest.mark.parametrize(
    ("material", "count"),
    [("core_rules", 8), ("invalid", 15), ("queries", 15), ("conformance", 80), ("mutations", 40)],
)
def test_a_sample_agrees(
    material: str, count: int, shared: Path, microsoft: Microsoft, corpus_host: CorpusHost
) -> None:
    share, report = agreement(microsoft, corpus_host, sample(shared, material, count))
    assert share >= reviewed().shares[material], f"{share:.3f}\n{report}"


@pytest.mark.soak
@pytest.mark.parametrize("material", ["core_rules", "invalid", "queries", "conformance", "mutations"])
def test_everything_agrees(material: str, shared: Path, microsoft: Microsoft, corpus_host: CorpusHost) -> None:
    share, report = agreement(microsoft, corpus_host, sample(shared, material, 20_000))
    assert share >= reviewed().shares[material], f"{share:.3f}\n{report}"
