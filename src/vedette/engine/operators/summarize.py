"""summarize, distinct and count."""

from __future__ import annotations

from collections.abc import Iterator

from vedette.engine.compiler import Compiler, lowers
from vedette.engine.relations import Rel, name_of
from vedette.kql.binder.operators.summarize import Summarize
from vedette.kql.bound import Apply, Cast, Chosen, ColumnRef, Expr, Path, RowChoice
from vedette.kql.types import Type


@lowers(Summarize)
def summarize(compiler: Compiler, node: Summarize) -> Rel:
    """Groups; without keys one row even of nothing (rule 86)."""
    rel = compiler.rel(node.input)
    base = rel if rel.plain else rel.wrapped()
    emitter = compiler.emitter
    emitter.over = ""
    keys = [f"{emitter.emit(value)} AS {name_of(column)}" for column, value in node.keys]
    choices = _choices(node)
    if choices and all(isinstance(value, Chosen) for _, value in node.aggregates) and len(choices) == 1 and keys:
        return _rows(compiler, node, base, keys, choices[0])
    if choices:
        base, keys = _ranked(compiler, node, base, keys, choices)
    emitter.over = base.ordering()
    items = [*keys, *(f"{emitter.emit(value)} AS {name_of(column)}" for column, value in node.aggregates)]
    groups = [*base.partition, *(str(len(base.partition) + index + 1) for index in range(len(keys)))]
    text = f"SELECT {', '.join([*base.partition, *items])} FROM {base.source}{_where(base)}"
    if groups:
        text += " GROUP BY " + ", ".join(groups)
    return Rel(f"({text})", node.columns, partition=base.partition)


def _where(base: Rel) -> str:
    return " WHERE " + " AND ".join(base.where) if base.where else ""


def _rows(compiler: Compiler, node: Summarize, base: Rel, keys: list[str], choice: RowChoice) -> Rel:
    """Only rows that one choice takes: the rows themselves, without an aggregation."""
    emitter = compiler.emitter
    values = [f"{emitter.emit(value.value)} AS {name_of(column)}" for column, value in node.aggregates
              if isinstance(value, Chosen)]  # fmt: skip
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


def _choices(node: Summarize) -> list[RowChoice]:
    """The choices that need a rank; one that gives a single value beside its own is an aggregate of SQL's."""
    found: dict[int, tuple[RowChoice, list[Expr]]] = {}
    for _, value in node.aggregates:
        for chosen in _chosen(value):
            found.setdefault(id(chosen.choice), (chosen.choice, []))[1].append(chosen.value)
    return [choice for choice, values in found.values() if not _simple(choice, values)]


def _simple(choice: RowChoice, values: list[Expr]) -> bool:
    return choice.by is not None and len([value for value in values if value is not choice.by]) <= 1


def _chosen(value: Expr) -> Iterator[Chosen]:
    match value:
        case Chosen():
            yield value
        case Apply():
            for arg in value.args:
                yield from _chosen(arg)
        case Cast():
            yield from _chosen(value.operand)
        case Path():
            yield from _chosen(value.target)
        case ColumnRef():
            return
