"""Queries changed at random: tokens and characters dropped, doubled, exchanged, and put in from other queries."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random

from tests.kql.test_cases import read as read_cases
from tests.kql.trees import read as read_trees
from vedette.kql.lexer import KEYWORDS, tokenize
from vedette.kql.operators.registry import OPERATORS

KQL_TESTS = Path(__file__).resolve().parents[1] / "kql"
CHARACTERS = "()[]{}|.,;:=<>+-*/%!@?~`'\"\\ \n\t\x00\ufeff\u202e\u00e9\u00df\u0130\U0001f600\ud800\x7f\u2028#$&^_0aZ"
"""Punctuation, white space, and characters that programs trip over: NUL, a byte order mark, half of a surrogate pair ..."""
WORDS = sorted({*OPERATORS, *KEYWORDS}) + [
    "..", "=>", "==", "=~", "!in~", "1", "-1", "0", "1d", "0x", "1e999", "9" * 40, "''", "'x'", "h'", "@'", "```", "//", "//\n",
    "datetime(", "dynamic({", "dynamic([", "typeof(", "$left", "$right", "kind=", "hint.strategy=", "-->", "<--", "*", "TimeGenerated",
    "let x =", "; let", "x" * 2000, "[*]", "['", "null", "datetime(null)", "now()", "ago(", "toscalar(", "materialize(", "{}", "()", "~",
]  # fmt: skip


def own_queries() -> list[str]:
    """The queries of this project's cases, whether they are right or wrong."""
    found = [block.query for path in sorted((KQL_TESTS / "trees").glob("*.txt")) for block in read_trees(path)]
    found += [case.query for path in sorted((KQL_TESTS / "cases").glob("*.kqlt")) for case in read_cases(path)]
    return found


def shared_queries(shared: Path) -> list[str]:
    """The queries of the reference material: rules, hunting queries, invalid ones, conformance cases."""
    found = []
    for name in ("core_rules", "queries", "invalid"):
        with gzip.open(shared / "corpus" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            found += [json.loads(line)["query"] for line in lines]
    with (shared / "conformance" / "kql.jsonl").open(encoding="utf-8") as lines:
        found += [json.loads(line)["query"] for line in lines]
    return found


def mutated(queries: list[str], seed: int) -> Iterator[str]:
    """Changed queries without end; the same seed gives the same ones."""
    source = Random(seed)
    while True:
        text = source.choice(queries)
        for _ in range(source.choice((1, 1, 1, 2, 3, 6))):
            text = _by_tokens(text, source, queries) if source.random() < 0.6 else _by_characters(text, source)
        yield text


def _by_tokens(text: str, source: Random, queries: list[str]) -> str:
    tokens = tokenize(text)
    count = len(tokens.kinds)
    first = source.randrange(count)
    last = min(count - 1, first + source.choice((0, 0, 0, 1, 2, 5, 20)))
    start, end = tokens.starts[first], tokens.ends[last]
    piece = text[start:end]
    match source.randrange(7):
        case 0:
            piece = ""
        case 1:
            piece = f"{piece} {piece}"
        case 2:
            piece = source.choice(WORDS)
        case 3:
            piece = f"{piece} {source.choice(WORDS)} "
        case 4:  # a token from elsewhere in the same query
            other = source.randrange(count)
            piece = text[tokens.starts[other] : tokens.ends[other]]
        case 5:  # some of another query
            strange = source.choice(queries)
            at = source.randrange(len(strange) + 1)
            piece = strange[at : at + source.choice((5, 20, 100, 400))]
        case 6:  # the token made of itself many times
            piece = (piece + source.choice(("", " ", ",", "|", "("))) * source.choice((3, 30, 200))
    return text[:start] + piece + text[end:]


def _by_characters(text: str, source: Random) -> str:
    at = source.randrange(len(text) + 1)
    match source.randrange(5):
        case 0:
            return text[:at] + text[at + source.choice((1, 1, 2, 10)) :]
        case 1:
            return text[:at] + source.choice(CHARACTERS) + text[at:]
        case 2:
            return text[:at] + source.choice(CHARACTERS) + text[at + 1 :]
        case 3:
            return text[:at]
        case _:
            other = source.randrange(len(text) + 1)
            low, high = sorted((at, other))
            return text[:low] + text[low:high].swapcase() + text[high:]
