"""Properties of dynamic columns that have a column of their own, so that a query reads one property without reading JSON.

Such a column holds what the engine makes of the property's text, and nothing else: the JSON stays as it came. Which properties have
one is decided once, by the first rows that have the dynamic column; earlier rows cannot have a value for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson
import pyarrow as pa

from vedette.engine.dialect import DuckDbSql, identifier
from vedette.engine.fragment import Fragment
from vedette.kql.types import Type

PropertyPath = tuple[str, ...]

MOST: Final = 16
"""How many properties of one dynamic column have a column at most."""
_SAMPLE: Final = 2_000
_LEAST_SHARE: Final = 0.1
_LONGEST_NAME: Final = 64
_LONGEST_TEXT: Final = 200
_DEPTH: Final = 2


def frequent_properties(values: pa.Array) -> list[PropertyPath]:
    """The properties with plain values that a tenth of some JSON texts have, the most frequent first."""
    filled = values.drop_null()
    step = max(1, len(filled) // _SAMPLE)
    counts: Counter[PropertyPath] = Counter()
    sizes: Counter[PropertyPath] = Counter()
    seen = 0
    for text in filled.take(pa.array(range(0, len(filled), step), pa.int64())).to_pylist():
        try:
            bag = orjson.loads(text)
        except orjson.JSONDecodeError:
            continue
        seen += 1
        if isinstance(bag, dict):
            for path, value in _leaves(bag, ()):
                counts[path] += 1
                sizes[path] += len(str(value))
    frequent = [
        path
        for path, count in counts.items()
        if count >= max(1, seen * _LEAST_SHARE) and sizes[path] <= count * _LONGEST_TEXT
    ]
    return sorted(frequent, key=lambda path: (-counts[path], path))[:MOST]


def _leaves(bag: Mapping[str, Any], path: PropertyPath) -> Iterator[tuple[PropertyPath, object]]:
    for name, value in bag.items():
        if not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
            continue
        if isinstance(value, dict):
            if len(path) + 1 < _DEPTH:
                yield from _leaves(value, (*path, name))
        elif not isinstance(value, list) and value is not None:
            yield (*path, name), value


def property_texts(column: str, paths: list[PropertyPath]) -> list[str]:
    """SQL of the texts of some properties of a DuckDB column, as the engine makes them; one reading of the JSON gives all."""
    sql = DuckDbSql()
    own = Fragment(identifier(column), Type.DYNAMIC)
    wanted = ", ".join(sql.path(own, list(path)) for path in paths)
    return [f"json_extract_string({own}, [{wanted}])[{place + 1}]" for place in range(len(paths))]
