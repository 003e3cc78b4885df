"""YAML and JSON documents: the lines of their parts, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from vedette.detect.reading.json_reader import locate, read_json
from vedette.detect.reading.problems import UnreadableDocument
from vedette.detect.reading.yaml_reader import read_yaml

YAML = """\
name: A rule
version: 1.10
mappings:
  - entityType: Account
    active: yes
  - &host {entityType: Host, count: 012}
  - *host
query: |
  T
  | take 1
shared: &shared
  a: 1
merged:
  <<: *shared
  b: 2
---
second: document
"""


def test_yaml_lines_literals_and_values() -> None:
    first, second = list(read_yaml(YAML, "rule.yaml"))
    assert first.value["version"] == 1.1
    assert first.literal(("version",)) == "1.10"
    assert first.value["mappings"][0]["active"] is True
    assert first.value["mappings"][1] == first.value["mappings"][2] == {"entityType": "Host", "count": 10}
    assert first.value["query"] == "T\n| take 1\n"
    assert first.value["merged"] == {"a": 1, "b": 2}
    assert first.line(("mappings", 0, "active")) == 5
    assert first.line(("mappings", 1, "entityType")) == 6
    assert first.line(("query",)) == 8
    assert first.line(("mappings", 9, "nowhere")) == 3
    assert second.value == {"second": "document"}
    assert second.line(("second",)) == 17


BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join(['*' + before] * 10)}]\n" for before, name in zip("abcdef", "bcdefg")
)


@pytest.mark.parametrize(
    "text, line, words",
    [
        ("a: [1\n", 2, "not valid YAML"),
        ("a: 1\nb: 2\na: 3\n", 3, "given twice, on lines 1 and 3"),
        ("a: b: c", 1, "not valid YAML"),
        ("a: *nobody", 1, "names no anchor"),
        ("a: &a [1, *a]", 1, "inside what it names"),
        ("a: !!python/object/apply:os.system [ls]", 1, "is not allowed"),
        ("a: !custom x", 1, "is not allowed"),
        ("a: !!binary aGk=", 1, "is not allowed"),
        ("? [1, 2]\n: x", 1, "plain text"),
        ("ok: 1\nbad: \x07", 2, "U+0007"),
        ("[" * 60 + "]" * 60, 1, "nested deeper"),
        (BOMB, 6, "expands to more than"),
    ],
)
def test_yaml_that_is_refused(text: str, line: int, words: str) -> None:
    with pytest.raises(UnreadableDocument) as caught:
        list(read_yaml(text, "rule.yaml"))
    assert words in caught.value.message
    assert caught.value.line == line


@pytest.mark.parametrize(
    "text, line, words",
    [
        ('{\n"a":}', 2, "not valid JSON"),
        ('{"a": 1, "a": 2}', None, "given twice"),
        ('{"a": NaN}', None, "NaN"),
        ("\n" + "[" * 200, 2, "nested deeper"),
        ("", 1, "not valid JSON"),
    ],
)
def test_json_that_is_refused(text: str, line: int | None, words: str) -> None:
    with pytest.raises(UnreadableDocument) as caught:
        read_json(text, "rules.json")
    assert words in caught.value.message
    assert caught.value.line == line


values = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=20,
)


def paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    found = [path]
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, entry in entries:
        found += paths(entry, (*path, key))
    return found


@given(values)
def test_every_part_of_json_is_on_its_line(value: Any) -> None:
    """Written with one part a line, the parts' lines are in the order of the parts, and the text is at its line."""
    text = json.dumps(value, indent=1)
    lines = text.split("\n")
    located = [(path, locate(text, path)) for path in paths(value)]
    numbers = [line or 0 for _, line in located]
    assert numbers == sorted(numbers)
    for path, line in located:
        if path and isinstance(path[-1], str):
            assert line is not None
            assert lines[line - 1].strip().startswith(json.dumps(path[-1]) + ":")


@given(values.filter(lambda value: value is not None))
def test_plain_data_survives_yaml(value: Any) -> None:
    """What PyYAML's safe writer writes is read as the same data."""
    text = yaml.safe_dump(value, allow_unicode=True)
    assert [document.value for document in read_yaml(text, "x.yaml")] == [yaml.safe_load(text)]
