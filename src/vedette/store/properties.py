"""Properties of dynamic columns that have a column of their own, so that a query reads one property without reading JSON.

Columns of text that holds JSON (ExtendedProperties, Entities) have them too, for queries that read it by `parse_json()`, and so have
properties of the first element of an array. Such a column holds what the engine makes of the property's text, and nothing else: the
JSON stays as it came. Which properties have one is decided once, by the first rows that have the column of JSON; earlier rows cannot
have a value for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from vedette.engine.conversion import strict_json
from vedette.engine.dialect import DuckDbSql, identifier, odd_key
from vedette.engine.fragment import Fragment
from vedette.kql.types import Type

PropertyPath = tuple[str | int, ...]
"""Names of properties, and places of elements."""

MOST: Final = 16
"""How many properties of one dynamic column have a column at most."""
_SAMPLE: Final = 2_000
_LEAST_SHARE: Final = 0.1
_LONGEST_NAME: Final = 64
_LONGEST_TEXT: Final = 200
_DEPTH: Final = 2
_ELEMENT: Final = "\x1f"
"""What the place of an element begins with in the catalogue: no kept name has such a sign."""
_LENIENT: Final = r"(?i),\s*[\]}]|nan|inf"
"""Texts that the engine may take for JSON and KQL does not."""


def written(path: PropertyPath) -> list[str]:
    """A path as the catalogue has it."""
    return [step if isinstance(step, str) else f"{_ELEMENT}{step}" for step in path]


def as_written(path: Sequence[str]) -> PropertyPath:
    """The path that `written` wrote."""
    return tuple(int(step[1:]) if step.startswith(_ELEMENT) else step for step in path)


def holds_json(values: pa.Array) -> bool:
    """Whether the texts of a column are objects or arrays, by far the most of those that are not empty."""
    filled = values.filter(pc.not_equal(values, ""))
    like = pc.match_substring_regex(filled.slice(0, _SAMPLE), r"^\s*[{\[]")
    return len(like) > 0 and (pc.sum(like).as_py() or 0) >= 0.9 * len(like)


def json_texts(values: pa.Array) -> pa.Array:
    """Of texts those that `parse_json()` reads as JSON, as far as that is not for the engine to say; null for the others."""
    odd = pc.match_substring_regex(values, _LENIENT)
    if not pc.any(odd).as_py():
        return values
    places = pc.indices_nonzero(odd)
    texts = values.take(places).to_pylist()
    strict = [text if text is not None and strict_json(text) == text else None for text in texts]
    return pc.replace_with_mask(values, odd.fill_null(False), pa.array(strict, values.type))


def frequent_properties(values: pa.Array) -> list[PropertyPath]:
    """The properties with plain values that a tenth of some JSON texts have, the most frequent first."""
    filled = values.drop_null()
    step = max(1, len(filled) // _SAMPLE)
    counts: Counter[PropertyPath] = Counter()
    sizes: Counter[PropertyPath] = Counter()
    seen = 0
    texts = pc.value_counts(filled.take(pa.array(range(0, len(filled), step), pa.int64())))
    for text, times in zip(texts.field("values").to_pylist(), texts.field("counts").to_pylist()):
        try:
            bag = orjson.loads(text)
        except orjson.JSONDecodeError:
            continue
        seen += times
        if isinstance(bag, dict | list):
            for path, value in _leaves(bag, ()):
                counts[path] += times
                sizes[path] += times * len(str(value))
    frequent = [
        path
        for path, count in counts.items()
        if count >= max(1, seen * _LEAST_SHARE) and sizes[path] <= count * _LONGEST_TEXT
    ]
    return sorted(frequent, key=lambda path: (-counts[path], written(path)))[:MOST]


def _leaves(bag: Mapping[str, Any] | list[Any], path: PropertyPath) -> Iterator[tuple[PropertyPath, object]]:
    """The plain values within, of an array those of its first element."""
    if isinstance(bag, list):
        yield from _under((*path, 0), bag[0] if bag else None)
        return
    for name, value in bag.items():
        if len(name) <= _LONGEST_NAME and name.isprintable() and not odd_key(name):
            yield from _under((*path, name), value)


def _under(path: PropertyPath, value: object) -> Iterator[tuple[PropertyPath, object]]:
    if isinstance(value, dict | list):
        if sum(isinstance(step, str) for step in path) < _DEPTH and len(path) < 2 * _DEPTH:
            yield from _leaves(value, path)
    elif value is not None and isinstance(path[-1], str):
        yield path, value


def property_texts(column: str, paths: list[PropertyPath], *, checked: bool = False) -> list[str]:
    """SQL of the texts of some properties of a DuckDB column, as the engine makes them; one reading of the JSON gives all.

    With `checked`, the column may hold text that is no JSON.
    """
    sql = DuckDbSql()
    own = Fragment(identifier(column), Type.DYNAMIC)
    wanted = ", ".join(sql.path(path) for path in paths)
    all_of_them = f"json_extract_string({own}, [{wanted}])"
    if checked:
        all_of_them = f"CASE WHEN json_valid({own}) THEN {all_of_them} END"
    return [f"({all_of_them})[{place + 1}]" for place in range(len(paths))]
