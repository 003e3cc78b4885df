"""Dynamic arrays as sets: distinct elements in the order of their first appearance (rule 64)."""

from __future__ import annotations

from vedette.engine.catalog import scalar
from vedette.engine.dialect import DuckDbSql
from vedette.engine.fragment import Fragment
from vedette.engine.functions.arrays import identity
from vedette.kql.types import Type


def _unique(*arrays: list[object]) -> dict[tuple[str, object], object]:
    found: dict[tuple[str, object], object] = {}
    for array in arrays:
        for element in array:
            found.setdefault(identity(element), element)
    return found


def _all_arrays(values: tuple[object, ...]) -> list[list[object]] | None:
    return [value for value in values if isinstance(value, list)] if all(isinstance(v, list) for v in values) else None


@scalar(
    "set_union(set: array, sets: array...): dynamic", about="The elements that any of the arrays has.",
    page="set-union-function", kind="row",
)  # fmt: skip
def set_union(*values: object) -> object:
    arrays = _all_arrays(values)
    return None if arrays is None else list(_unique(*arrays).values())


@scalar(
    "set_intersect(set: array, sets: array...): dynamic", about="The elements that all of the arrays have.",
    page="set-intersect-function", kind="row",
)  # fmt: skip
def set_intersect(*values: object) -> object:
    arrays = _all_arrays(values)
    if arrays is None:
        return None
    others = [_unique(array) for array in arrays[1:]]
    return [element for key, element in _unique(arrays[0]).items() if all(key in other for other in others)]


@scalar(
    "set_difference(set: array, sets: array...): dynamic",
    about="The elements of the first array that none of the others has.", page="set-difference-function", kind="row",
)  # fmt: skip
def set_difference(*values: object) -> object:
    arrays = _all_arrays(values)
    if arrays is None:
        return None
    others = _unique(*arrays[1:])
    return [element for key, element in _unique(arrays[0]).items() if key not in others]


@scalar(
    "set_equals(set1: array, set2: array): bool", about="Whether two arrays have the same distinct elements.",
    kind="row",
)  # fmt: skip
def set_equals(left: object, right: object) -> object:
    if not isinstance(left, list) or not isinstance(right, list):
        return None
    return _unique(left).keys() == _unique(right).keys()


@scalar(
    "jaccard_index(set1: array, set2: array): real", page="jaccard-index-function", kind="row",
    about="How alike two sets are: the elements that both have, out of those that any has.",
)  # fmt: skip
def jaccard_index(left: object, right: object) -> object:
    if not isinstance(left, list) or not isinstance(right, list):
        return None
    first, second = _unique(left).keys(), _unique(right).keys()
    together = len(first | second)
    return len(first & second) / together if together else float("nan")


def has_element(array: object, value: object) -> object:
    """Whether an array has an element."""
    if not isinstance(array, list):
        return None
    wanted = identity(value)
    return any(identity(element) == wanted for element in array)


@scalar(
    "set_has_element(set: array, value: any): bool", about="Whether an array has an element.",
    page="set-has-element-function", nulls="own",
)  # fmt: skip
def set_has_element(sql: DuckDbSql, array: Fragment, value: Fragment) -> str:
    wanted = Fragment(sql.to_json(value), Type.DYNAMIC, False)
    return sql.row("set_has_element", has_element, Type.BOOL, array, wanted)
