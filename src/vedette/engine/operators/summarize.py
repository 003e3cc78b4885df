"""summarize, distinct and count."""

from __future__ import annotations

from collections.abc import Iterator

from vedette.engine.compiler import Compiler, lowers
from vedette.engine.fragment import Fragment
from vedette.engine.operators.first_seen import few_written, numbered
from vedette.engine.operators.summarize_rewrites import by_row_number, chosen_values, never_filled, of_distinct
from vedette.engine.partials import from_kept
from vedette.engine.relations import OrderKey, Rel, name_of
from vedette.engine.windows import staged
from vedette.kql.binder.operators.summarize import Summarize
from vedette.kql.bound import AggregateCall, Chosen, Expr, RowChoice, children
from vedette.kql.types import Type


@lowers(Summarize)
def summarize(compiler: Compiler, node: Summarize) -> Rel:
    """Groups; without keys one row even of nothing (rule 86)."""
    kept = from_kept(compiler, node)
    if kept is not None:
        return kept
    rel = staged(compiler, compiler.rel(node.input), (value for _, value in node.keys))
    base = rel if rel.plain else rel.wrapped()
    emitter = compiler.emitter
    emitter.over = ""
    place = ""
    if base.order and few_written(node.input):
        base, place = numbered(compiler, base)
    keys = [f"{emitter.emit(value)} AS {name_of(column)}" for column, value in node.keys]
    distinct = None if place else of_distinct(compiler, node, base, keys)
    if distinct is not None:
        return distinct
    choices = _choices(node)
    if len(choices) == 1 and keys and not place and all(isinstance(value, Chosen) for _, value in node.aggregates):
        return _rows(compiler, node, base, keys, choices[0][0])
    ranked = [choice for choice, values in choices if not _simple(choice, values)]
    if ranked:
        base, keys = _ranked(compiler, node, base, keys, ranked)
        emitter.empty = never_filled(compiler, node.input)
    emitter.over = base.ordering()
    compiler.sql.first_seen = bool(place)
    items, outer = _items(compiler, node)
    if not keys and not items:
        items = ["count(*) AS rows_"]  # a row without columns is still a row
    compiler.sql.first_seen = False
    emitter.empty = frozenset()
    groups = [*base.partition, *(str(len(base.partition) + index + 1) for index in range(len(keys)))]
    seen = [f"min({place}) AS {place}"] if place and keys else []
    text = f"SELECT {', '.join([*base.partition, *keys, *items, *seen])} FROM {base.source}{_where(base)}"
    if groups:
        text += " GROUP BY " + ", ".join(groups)
    if len(base.partition) == 1 and not keys and base.partition[0] in compiler.groups:
        text = _all_groups(compiler, base, items, text)
    if outer:
        names = [name_of(column) for column, _ in node.keys]
        text = f"SELECT {', '.join([*base.partition, *names, *outer, *([place] if seen else [])])} FROM ({text})"
    return Rel(f"({text})", node.columns, order=[OrderKey(place)] if seen else [], partition=base.partition)


def _all_groups(compiler: Compiler, base: Rel, items: list[str], text: str) -> str:
    """The aggregates of every group: one without rows has those of nothing (rule 97)."""
    group = base.partition[0]
    made = compiler.add_cte(text)
    return (
        f"SELECT * FROM {made} UNION ALL "
        f"SELECT g.{group}, d.* FROM {compiler.groups[group]} AS g "
        f"CROSS JOIN (SELECT {', '.join(items)} FROM {base.source} WHERE false) AS d "
        f"WHERE g.{group} NOT IN (SELECT {group} FROM {made})"
    )


def _items(compiler: Compiler, node: Summarize) -> tuple[list[str], list[str]]:
    """The aggregates, and what is computed of them in a SELECT around (nothing where they are taken as they are).

    SQL does not let every expression stand around an aggregate, so each is given a name first.
    """
    emitter = compiler.emitter
    if all(isinstance(value, AggregateCall | Chosen) for _, value in node.aggregates):
        return [f"{emitter.emit(value)} AS {name_of(column)}" for column, value in node.aggregates], []
    items: list[str] = []
    outer: list[str] = []
    for column, value in node.aggregates:
        # a call may stand in several places of its expression, and is one value there
        calls = list({id(call): call for call in _calls(value)}.values())
        for call in calls:
            fragment, name = emitter.emit(call), compiler.fresh()
            items.append(f"{fragment} AS {name}")
            emitter.made[id(call)] = Fragment(name, fragment.type, fragment.nullable)
        outer.append(f"{emitter.emit(value)} AS {name_of(column)}")
        for call in calls:
            # the same expression may stand in another SELECT as well
            del emitter.made[id(call)]
    return items, outer


def _where(base: Rel) -> str:
    return " WHERE " + " AND ".join(base.where) if base.where else ""


def _rows(compiler: Compiler, node: Summarize, base: Rel, keys: list[str], choice: RowChoice) -> Rel:
    """Only rows that one choice takes: the rows themselves, without an aggregation."""
    values = chosen_values(compiler, node)
    picked = by_row_number(compiler, node, base, keys, choice, values)
    if picked is not None:
        return picked
    over = _over(compiler, base, [key.rsplit(" AS ", 1)[0] for key in keys], choice)
    text = (
        f"SELECT {', '.join([*base.partition, *keys, *values])} FROM {base.source}{_where(base)} "
        f"QUALIFY row_number() OVER ({over}) = 1"
    )
    return Rel(f"({text})", node.columns, partition=base.partition)


def _ranked(
    compiler: Compiler, node: Summarize, base: Rel, keys: list[str], choices: list[RowChoice]
) -> tuple[Rel, list[str]]:
    """The rows with their keys, and with each choice's rank, of which 1 is the row that it takes."""
    keyed = base.extended(keys, base.columns).wrapped() if keys else base.wrapped()
    names = [name_of(column) for column, _ in node.keys]
    ranks = []
    for choice in choices:
        name = compiler.fresh()
        compiler.emitter.ranks[id(choice)] = name
        ranks.append(f"row_number() OVER ({_over(compiler, keyed, names, choice)}) AS {name}")
    return keyed.extended(ranks, base.columns).wrapped(), names


def _over(compiler: Compiler, base: Rel, keys: list[str], choice: RowChoice) -> str:
    """The inside of OVER that puts a choice's row first; among equals the first row of the input."""
    compiler.emitter.over = ""
    order = []
    if choice.by is not None:
        value = compiler.emitter.emit(choice.by)
        text = f"CASE WHEN NOT isnan({value}) THEN {value} END" if value.type is Type.REAL else value.sql
        order.append(f"{text} {'DESC' if choice.kind == 'max' else 'ASC'} NULLS LAST")
    if base.order:
        order.append(base.ordering())
    parts = [*base.partition, *keys]
    return (f"PARTITION BY {', '.join(parts)} " if parts else "") + (f"ORDER BY {', '.join(order)}" if order else "")


def _choices(node: Summarize) -> list[tuple[RowChoice, list[Expr]]]:
    """Every choice of a row with the values taken of it."""
    found: dict[int, tuple[RowChoice, list[Expr]]] = {}
    for _, value in node.aggregates:
        for call in _calls(value):
            if isinstance(call, Chosen):
                found.setdefault(id(call.choice), (call.choice, []))[1].append(call.value)
    return list(found.values())


def _simple(choice: RowChoice, values: list[Expr]) -> bool:
    """Whether a choice gives one value beside its own, so that an aggregate of SQL's will do."""
    return choice.by is not None and len([value for value in values if value is not choice.by]) <= 1


def _calls(value: Expr) -> Iterator[AggregateCall | Chosen]:
    """The aggregates in an expression."""
    match value:
        case AggregateCall() | Chosen():
            yield value
        case _:
            for child in children(value):
                yield from _calls(child)
