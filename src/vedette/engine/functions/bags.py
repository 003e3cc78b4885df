"""Property bags: making them and changing them (rule 62)."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from vedette.engine.catalog import scalar
from vedette.engine.dialect import DuckDbSql, json_text
from vedette.engine.fragment import Fragment
from vedette.engine.jsonpath import key_steps, select
from vedette.kql import syntax
from vedette.kql.binder.naming import carried_name
from vedette.kql.bound import Apply, ColumnRef, Constant, Expr
from vedette.kql.catalog import ScalarUnit
from vedette.kql.types import Type

if TYPE_CHECKING:
    from vedette.kql.binder.calls import Calls


def _bind_pack(at: Calls, node: syntax.Call, unit: ScalarUnit) -> Expr:
    name = node.name.name
    if not node.args or len(node.args) % 2:
        raise at.binder.stop("KS120", f"The function '{name}' expects pairs of a key and a value", node)
    args = [at.bind(arg) for arg in node.args]
    for key, place in zip(args[::2], node.args[::2], strict=True):
        if key.type not in (Type.STRING, Type.UNKNOWN):
            raise at.binder.stop("KS107", f"A key of '{name}' is a string, not {key.type}", place)
    return Apply(Type.DYNAMIC, unit, args)


@scalar(
    "bag_pack(key: string, value: any, more?: any...): dynamic", about="A bag of pairs of a key and a value.",
    page="pack-function", aliases=("pack", "pack_dictionary"), nulls="total", binding=_bind_pack,
)  # fmt: skip
def bag_pack(sql: DuckDbSql, *pairs: Fragment) -> str:
    entries: dict[str, str] = {}
    for key, value in zip(pairs[::2], pairs[1::2], strict=True):
        # of constant keys that are the same the last stays
        if key.constant:
            label = sql.quote(json_text(str(key.value)) + ":")
        else:
            label = f"CAST(to_json({key}) AS VARCHAR) || ':'"
        entries[label] = sql.to_json(value)
    inside = " || ',' || ".join(f"{label} || {value}" for label, value in entries.items())
    text = f"('{{' || {inside} || '}}')"
    if len(entries) > 1 and not all(key.constant for key in pairs[::2]):
        # keys that only the rows know may meet; a bag has each once
        return sql.row("bag_once", _same, Type.DYNAMIC, Fragment(text, Type.DYNAMIC, False))
    return text


def _same(bag: object) -> object:
    return bag


def _bind_pack_columns(at: Calls, node: syntax.Call, unit: ScalarUnit) -> Expr:
    args: list[Expr] = []
    for place in node.args:
        if isinstance(place, syntax.Star):
            for column in at.row.columns.values() if at.row is not None else ():
                args += [Constant(Type.STRING, column.name), ColumnRef(column.type, column)]
            continue
        name = carried_name(place, at.binder.catalog)
        if name is None:
            raise at.binder.stop("KS206", f"The function '{node.name.name}' takes columns", place)
        args += [Constant(Type.STRING, name), at.bind(place)]
    if not args:
        raise at.binder.stop("KS119", f"The function '{node.name.name}' expects at least 1 argument, not 0", node)
    return Apply(Type.DYNAMIC, at.binder.catalog.scalars["bag_pack"], args)


def _never(sql: DuckDbSql, *args: Fragment) -> str:
    raise AssertionError("the binder replaces this function")


scalar(
    "bag_pack_columns(value: any...): dynamic", about="A bag of columns under their names.",
    page="bag-pack-columns-function", binding=_bind_pack_columns,
)(_never)  # fmt: skip


@scalar(
    "bag_keys(object: bag): dynamic", about="The keys of a bag as an array; null for what is no bag.",
    page="bag-keys-function", nulls="own",
)  # fmt: skip
def bag_keys(sql: DuckDbSql, bag: Fragment) -> str:
    names = f"list_transform(json_keys({bag}), lambda k: CAST(to_json(k) AS VARCHAR))"
    return f"CASE WHEN json_type({bag}) = 'OBJECT' THEN {sql.array(names)} END"


def merged(*bags: object) -> object:
    """One bag of several; of a key's values the left-most stays, what is no bag is left out."""
    found: dict[str, object] = {}
    for bag in bags:
        for key, value in bag.items() if isinstance(bag, dict) else ():
            found.setdefault(key, value)
    return found if any(isinstance(bag, dict) for bag in bags) else None


@scalar(
    "bag_merge(bag: bag, bags: bag...): dynamic",
    about="One bag of several; of the values of a key the left-most stays.", page="bag-merge-function", nulls="own",
)  # fmt: skip
def bag_merge(sql: DuckDbSql, *bags: Fragment) -> str:
    return sql.row("bag_merge", merged, Type.DYNAMIC, *bags, strict=False)


@scalar(
    "bag_has_key(bag: bag, key: string): bool", page="bag-has-key-function", kind="row",
    about="Whether a bag has a key; a path (`$.a.b`) looks further inside.",
)  # fmt: skip
def bag_has_key(bag: object, key: str) -> object:
    return select(bag, key_steps(key))[0] if isinstance(bag, dict) else None


@scalar(
    "bag_remove_keys(bag: bag, keys: array): dynamic", page="bag-remove-keys-function", kind="row",
    about="The bag without some keys; a path (`$.a.b`) removes further inside.",
)  # fmt: skip
def bag_remove_keys(bag: object, keys: object) -> object:
    if not isinstance(bag, dict) or not isinstance(keys, list):
        return None
    left = copy.deepcopy(bag)
    for key in keys:
        if not isinstance(key, str):
            continue
        *way, last = key_steps(key)
        found, holder = select(left, tuple(way))
        if found and isinstance(holder, dict) and isinstance(last, str):
            holder.pop(last, None)
    return left


def with_key(bag: object, key: str, value: object) -> object:
    """The bag with a key set; a path sets further inside, making bags on its way."""
    if not isinstance(bag, dict):
        return None
    made = copy.deepcopy(bag)
    *way, last = key_steps(key)
    holder: object = made
    for step in way:
        if not isinstance(holder, dict) or not isinstance(step, str):
            return made
        holder = holder.setdefault(step, {})
    if isinstance(holder, dict) and isinstance(last, str):
        holder[last] = value
    return made


@scalar(
    "bag_set_key(bag: bag, key: string, value: any): dynamic", about="The bag with a key set to a value.",
    page="bag-set-key-function", nulls="own",
)  # fmt: skip
def bag_set_key(sql: DuckDbSql, bag: Fragment, key: Fragment, value: Fragment) -> str:
    return sql.row("bag_set_key", with_key, Type.DYNAMIC, bag, key, Fragment(sql.to_json(value), Type.DYNAMIC, False))


@scalar(
    "bag_zip(keys: array, values: array): dynamic", page="bag-zip", nulls="own",
    about="A bag of two arrays; keys that are no strings are left out, values that are missing are null.",
)  # fmt: skip
def bag_zip(sql: DuckDbSql, keys: Fragment, values: Fragment) -> str:
    return sql.row("bag_zip", zipped, Type.DYNAMIC, keys, Fragment(sql.to_json(values), Type.DYNAMIC, False))


def zipped(keys: object, values: object) -> object:
    """A bag of an array of keys and an array of values."""
    if not isinstance(keys, list):
        return None
    given = values if isinstance(values, list) else []
    return {key: given[place] if place < len(given) else None for place, key in enumerate(keys) if isinstance(key, str)}
