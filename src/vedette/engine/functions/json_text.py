"""JSON as text: a canonical form, values at a path, and all paths of a value."""

from __future__ import annotations

import json

from vedette.engine.catalog import scalar
from vedette.engine.dialect import DuckDbSql
from vedette.engine.fragment import Fragment
from vedette.engine.jsonpath import parse_path, select
from vedette.kql.types import Type


def canonical(value: object) -> str:
    """JSON text with the keys of bags sorted, so that equal values give equal texts."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


@scalar(
    "dynamic_to_json(dynamic: any): string", about="A value as JSON text, the keys of bags sorted.",
    page="dynamic-to-json-function", nulls="total",
)  # fmt: skip
def dynamic_to_json(sql: DuckDbSql, value: Fragment) -> str:
    text = Fragment(sql.to_json(value), Type.DYNAMIC, False)
    return sql.row("dynamic_to_json", canonical, Type.STRING, text, strict=False)


def value_at(path: str, text: str) -> object:
    """What stands at a path of a JSON text; None where there is nothing, or no JSON."""
    steps = parse_path(path)
    if steps is None:
        return None
    try:
        found, value = select(json.loads(text), steps)
    except ValueError:
        return None
    return value if found else None


@scalar(
    "extract_json(jsonPath: string, jsonText: text): string",
    "extract_json(jsonPath: string, jsonText: text, type: type): typeof(type)",
    about="The value at a path of a JSON text, as a string or as a given type.", page="extract-json-function",
    aliases=("extractjson",), nulls="own",
)  # fmt: skip
def extract_json(sql: DuckDbSql, path: Fragment, text: Fragment, kind: Fragment | None = None) -> str | Fragment:
    found = Fragment(sql.row("extract_json", value_at, Type.DYNAMIC, path, text), Type.DYNAMIC)
    return sql.cast(found, Type.STRING if kind is None else kind.type)


@scalar(
    "treepath(object: bag): dynamic", about="The paths of all values inside a dynamic value.",
    page="treepath-function", names="prefix:tree", kind="row",
)  # fmt: skip
def treepath(value: object) -> object:
    paths: dict[str, None] = {}

    def walk(part: object, path: str) -> None:
        if isinstance(part, dict):
            for key, inner in part.items():
                step = f"{path}['{key}']"
                paths[step] = None
                walk(inner, step)
        elif isinstance(part, list):
            # the first element stands for all of them
            step = f"{path}[0]"
            for inner in part:
                paths[step] = None
                walk(inner, step)

    if not isinstance(value, dict | list):
        return None
    walk(value, "")
    return list(paths)
