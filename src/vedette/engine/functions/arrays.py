"""Functions of dynamic arrays (rule 63)."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

from vedette.engine.catalog import scalar
from vedette.engine.dialect import DuckDbSql
from vedette.engine.fragment import Fragment
from vedette.kql import syntax
from vedette.kql.binder.naming import carried_name
from vedette.kql.bound import Apply, Constant, Expr, Several
from vedette.kql.catalog import ScalarUnit
from vedette.kql.types import Type

if TYPE_CHECKING:
    from collections.abc import Callable

    from vedette.kql.binder.calls import Calls


def identity(value: object) -> tuple[str, object]:
    """What makes two elements the same: kind and value (1 and 1.0 are one number; true is none)."""
    if isinstance(value, bool) or value is None:
        return "constant", value
    if isinstance(value, int | float):
        return "number", value
    if isinstance(value, str):
        return "string", value
    return "json", json.dumps(value, sort_keys=True)


def truth(value: object) -> bool | None:
    """An element as a condition: booleans and numbers (not zero is true); None for everything else."""
    if isinstance(value, bool | int | float):
        return bool(value)
    return None


@scalar(
    "array_length(array: array): long", about="How many elements an array has; null for what is no array.",
    page="array-length-function", aliases=("arraylength",), nulls="own",
)  # fmt: skip
def array_length(sql: DuckDbSql, array: Fragment) -> str:
    return f"CASE WHEN json_type({array}) = 'ARRAY' THEN CAST(json_array_length({array}) AS BIGINT) END"


@scalar(
    "array_concat(arrays: array...): dynamic", about="The elements of all arrays as one array.",
    page="array-concat-function", nulls="total",
)  # fmt: skip
def array_concat(sql: DuckDbSql, *arrays: Fragment) -> str:
    lists = ", ".join(f"coalesce({sql.elements(array)}, [])" for array in arrays)
    return sql.array(f"flatten([{lists}])")


@scalar(
    "array_reverse(value: array): dynamic", about="The elements in reverse order.", page="array-reverse-function",
    kind="row",
)  # fmt: skip
def array_reverse(value: object) -> object:
    return value[::-1] if isinstance(value, list) else None


@scalar(
    "array_slice(array: array, start: integer, end: integer): dynamic", page="array-slice-function", kind="row",
    about="The elements from start to end, both included; negative places count from the end.",
)  # fmt: skip
def array_slice(array: object, start: int, end: int) -> object:
    if not isinstance(array, list):
        return None
    first = max(start + len(array), 0) if start < 0 else start
    last = end + len(array) if end < 0 else end
    return array[first : last + 1] if last >= 0 else []


@scalar(
    "array_split(array: array, index: integer): dynamic", "array_split(array: array, indices: array): dynamic",
    about="The array cut in pieces before the given places.", page="array-split-function", kind="row",
)  # fmt: skip
def array_split(array: object, places: object) -> object:
    given = places if isinstance(places, list) else [places]
    wanted = [place for place in given if isinstance(place, int)]
    if not isinstance(array, list) or len(wanted) < len(given):
        return None
    cuts = [min(max(place + len(array) if place < 0 else place, 0), len(array)) for place in wanted]
    pieces, last = [], 0
    for cut in cuts:
        pieces.append(array[last:cut])
        last = max(last, cut)
    return [*pieces, array[last:]]


def _rotated(array: object, count: int) -> object:
    if not isinstance(array, list):
        return None
    at = count % len(array) if array else 0
    return [*array[at:], *array[:at]]


@scalar(
    "array_rotate_left(array: array, rotate_count: integer): dynamic", page="array-rotate-left-function", kind="row",
    about="The elements moved to the left; what falls out comes in again on the right.",
)  # fmt: skip
def array_rotate_left(array: object, count: int) -> object:
    return _rotated(array, count)


@scalar(
    "array_rotate_right(array: array, rotate_count: integer): dynamic", page="array-rotate-right-function", kind="row",
    about="The elements moved to the right; what falls out comes in again on the left.",
)  # fmt: skip
def array_rotate_right(array: object, count: int) -> object:
    return _rotated(array, -count)


def shifted(array: object, count: int, default: object) -> object:
    """The elements moved to the left (negative: to the right), the gap filled."""
    if not isinstance(array, list):
        return None
    size = len(array)
    return [array[at + count] if 0 <= at + count < size else default for at in range(size)]


def _shift(sql: DuckDbSql, array: Fragment, count: Fragment, default: Fragment | None) -> str:
    filler = sql.literal(None, Type.DYNAMIC) if default is None else sql.cast(default, Type.DYNAMIC)
    text = sql.row("array_shift", shifted, Type.DYNAMIC, array, count, filler, strict=False)
    nulls = [f"{value} IS NULL" for value in (array, count) if value.nullable]
    return f"CASE WHEN NOT ({' OR '.join(nulls)}) THEN {text} END" if nulls else text


@scalar(
    "array_shift_left(array: array, shift_count: integer, default_value?: any): dynamic",
    about="The elements moved to the left; the gap is null or the default.", page="array-shift-left-function",
    nulls="own",
)  # fmt: skip
def array_shift_left(sql: DuckDbSql, array: Fragment, count: Fragment, default: Fragment | None = None) -> str:
    return _shift(sql, array, count, default)


@scalar(
    "array_shift_right(array: array, shift_count: integer, default_value?: any): dynamic",
    about="The elements moved to the right; the gap is null or the default.", page="array-shift-right-function",
    nulls="own",
)  # fmt: skip
def array_shift_right(sql: DuckDbSql, array: Fragment, count: Fragment, default: Fragment | None = None) -> str:
    left = Fragment(f"(-{count})", count.type, count.nullable)
    return _shift(sql, array, left, default)


def index_of(array: object, value: object, start: int, length: int, occurrence: int) -> object:
    """The place of the n-th element that equals a value, in a part of the array; -1 where there is none."""
    if not isinstance(array, list):
        return None
    first = max(start + len(array), 0) if start < 0 else start
    last = len(array) if length < 0 else min(first + length, len(array))
    wanted = identity(value)
    for place in range(first, last):
        if identity(array[place]) == wanted:
            occurrence -= 1
            if occurrence <= 0:
                return place
    return -1


@scalar(
    "array_index_of(array: array, value: any, start?: integer, length?: integer, occurrence?: integer): long",
    about="The place of an element; -1 where there is none.", page="array-index-of-function", nulls="own",
)  # fmt: skip
def array_index_of(sql: DuckDbSql, array: Fragment, value: Fragment, *where: Fragment) -> str:
    defaults = [sql.literal(number, Type.LONG) for number in (0, -1, 1)]
    places = [sql.cast(given, Type.LONG) for given in where] + defaults[len(where) :]
    wanted = Fragment(sql.to_json(value), Type.DYNAMIC, False)
    return sql.row("array_index_of", index_of, Type.LONG, array, wanted, *places)


def chosen(conditions: object, when_true: object, when_false: object) -> object:
    """For each condition the element of one array or of the other; single values serve for every place."""
    if not isinstance(conditions, list):
        return None
    result: list[object] = []
    for place, condition in enumerate(conditions):
        test = truth(condition)
        source = when_true if test else when_false
        if test is None:
            result.append(None)
        elif isinstance(source, list):
            result.append(source[place] if place < len(source) else None)
        else:
            result.append(source)
    return result


@scalar(
    "array_iff(condition_array: array, when_true: any, when_false: any): dynamic", page="array-iff-function",
    about="Element by element: that of the second argument where the condition is true, else that of the third.",
    aliases=("array_iif",), nulls="own",
)  # fmt: skip
def array_iff(sql: DuckDbSql, conditions: Fragment, when_true: Fragment, when_false: Fragment) -> str:
    branches = [Fragment(sql.to_json(value), Type.DYNAMIC, False) for value in (when_true, when_false)]
    return sql.row("array_iff", chosen, Type.DYNAMIC, conditions, *branches)


@scalar(
    "array_sum(array: array): real", about="The sum of an array of numbers; null where it has none, or anything else.",
    page="array-sum-function", kind="row",
)  # fmt: skip
def array_sum(array: object) -> object:
    if not isinstance(array, list):
        return None
    numbers = [item for item in array if item is not None]
    if any(isinstance(item, bool) or not isinstance(item, int | float) for item in numbers):
        return None
    return math.fsum(numbers) if numbers else None


# -- sorting, which gives as many arrays as it is given


def _rank(value: object) -> tuple[int, object]:
    """Numbers come first, then strings, then all else."""
    kind, key = identity(value)
    order = {"number": 0, "string": 1, "constant": 2, "json": 3}[kind]
    return order, str(key) if order == 2 else key


def sorted_array(key_array: object, array: object, descending: bool, nulls_last: bool) -> object:
    """An array in the order that sorts another one; null where their lengths differ."""
    if not isinstance(key_array, list) or not isinstance(array, list) or len(array) != len(key_array):
        return None
    places = sorted(range(len(key_array)), key=lambda place: _rank(key_array[place]))
    if descending:
        groups: dict[int, list[int]] = {}
        for place in reversed(places):
            groups.setdefault(_rank(key_array[place])[0], []).append(place)
        places = [place for order in sorted(groups) for place in groups[order]]
    nulls = [place for place in range(len(key_array)) if key_array[place] is None]
    rest = [place for place in places if key_array[place] is not None]
    return [array[place] for place in ([*rest, *nulls] if nulls_last else [*nulls, *rest])]


def _bind_sort(descending: bool) -> Callable[..., Expr]:
    def binding(at: Calls, node: syntax.Call, unit: ScalarUnit) -> Expr:
        name = node.name.name
        values = [at.bind(arg) for arg in node.args]
        nulls_last: Expr = Constant(Type.BOOL, True)
        if len(values) > 1 and values[-1].type is Type.BOOL:
            nulls_last = values.pop()
        if not values:
            raise at.binder.stop("KS119", f"The function '{name}' expects at least 1 argument, not 0", node)
        for value, place in zip(values, node.args, strict=False):
            if value.type not in (Type.DYNAMIC, Type.UNKNOWN):
                raise at.binder.stop(
                    "KS234", f"The function '{name}' expects a dynamic array here, not {value.type}", place
                )
        outputs: list[tuple[str, Expr]] = []
        for value, place in zip(values, node.args, strict=False):
            args = [values[0], value, Constant(Type.BOOL, descending), nulls_last]
            own = carried_name(place, at.binder.catalog) or f"array{len(outputs)}"
            outputs.append((f"{own}_sorted", Apply(Type.DYNAMIC, unit, args)))
        return Several(Type.DYNAMIC, outputs)

    return binding


def _emit_sort(sql: DuckDbSql, key_array: Fragment, array: Fragment, descending: Fragment, nulls_last: Fragment) -> str:
    return sql.row("array_sort", sorted_array, Type.DYNAMIC, key_array, array, descending, nulls_last)


for _name, _descending, _word in (("array_sort_asc", False, "ascending"), ("array_sort_desc", True, "descending")):
    scalar(
        f"{_name}(arrays: array..., nulls_last?: bool): dynamic", page=f"{_name.replace('_', '-')}-function",
        about=f"The first array in {_word} order, and further arrays in the order that this gives them.",
        binding=_bind_sort(_descending), nulls="own",
    )(_emit_sort)  # fmt: skip
