"""top-nested."""

from __future__ import annotations

from vedette.engine.compiler import Compiler, lowers, padding
from vedette.engine.relations import OrderKey, Rel, name_of
from vedette.engine.windows import staged
from vedette.kql.binder.operators.top_nested import Level, TopNested
from vedette.kql.types import Type


@lowers(TopNested)
def top_nested(compiler: Compiler, node: TopNested) -> Rel:
    """Level by level: the top values get ranks, the records the ranks of their values; what has none is left out."""
    rel = staged(compiler, compiler.rel(node.input), (level.value for level in node.levels))
    keys = [f"{compiler.emitter.emit(level.value)} AS {name_of(level.key)}" for level in node.levels]
    based = rel.extended(keys, node.columns)
    records, groups = compiler.add_cte(based.text()), based.partition
    parts: list[str] = []
    tops: list[str] = []
    ranks: list[str] = []
    for index, level in enumerate(node.levels):
        parents = f" WHERE {ranks[-1]} IS NOT NULL" if ranks else ""
        within = Rel(
            f"(SELECT * FROM {records}{parents})", level.groups.input.columns, order=rel.order, partition=groups
        )
        compiler.replace(level.groups.input, within)
        path, rank = [*groups, *ranks], name_of(level.rank)
        tops.append(compiler.add_cte(_ranked(compiler.rel(level.groups), level, path)))
        if level.rest is not None or index + 1 < len(node.levels):
            same = [f"r.{name} = t.{name}" for name in path]
            same.append(f"r.{name_of(level.key)} IS NOT DISTINCT FROM t.{name_of(level.key)}")
            ranked = f"SELECT r.*, t.{rank} FROM {records} AS r LEFT JOIN {tops[-1]} AS t ON {' AND '.join(same)}"
            records = compiler.add_cte(ranked)
        if level.rest is not None:
            left = f"(SELECT * FROM {records}{parents or ' WHERE true'} AND {rank} IS NULL)"
            compiler.replace(level.rest.input, Rel(left, level.rest.input.columns, order=rel.order, partition=groups))
            # without a parent the aggregates of nothing would be a row
            of = ", ".join(groups)
            there = (
                f"({of}) IN (SELECT {'(' + of + ')' if len(groups) > 1 else of} FROM {left})"
                if groups
                else f"EXISTS {left}"
            )
            rest = f"(SELECT * FROM ({compiler.rel(level.rest).text()}) WHERE {there})"
            parts.append(_rows(compiler, node, tops[:-1], path, rest))
        ranks.append(rank)
    parts.append(_rows(compiler, node, tops, [*groups, *ranks], None))
    order = [OrderKey(name, False, False) for name in ranks]
    return Rel(f"({' UNION ALL '.join(reversed(parts))})", node.columns, order=order, partition=groups)


def _ranked(groups: Rel, level: Level, path: list[str]) -> str:
    """The top values of each parent."""
    total, nulls = name_of(level.total), "FIRST" if level.nulls_first else "LAST"
    order = f"{total} {'DESC' if level.descending else 'ASC'} NULLS {nulls}"
    if level.total.type is Type.REAL:
        # NaN stands next to null, wherever nulls stand
        flag = f"CASE WHEN {total} IS NULL THEN 0 WHEN isnan({total}) THEN 1 ELSE 2 END"
        order = f"{flag} {'ASC' if level.nulls_first else 'DESC'}, {order}"
    over = (f"PARTITION BY {', '.join(path)} " if path else "") + f"ORDER BY {order}"
    text = f"SELECT *, row_number() OVER ({over}) AS {name_of(level.rank)} FROM ({groups.text()})"
    return text if level.count is None else f"{text} QUALIFY {name_of(level.rank)} <= {level.count}"


def _rows(compiler: Compiler, node: TopNested, tops: list[str], path: list[str], rest: str | None) -> str:
    """Whole paths, or the paths down to some level and what is left out below."""
    groups = len(path) - len(tops)
    source = ""
    for index, top in enumerate([*tops, *([rest] if rest else [])]):
        shared = path[: groups + index]
        joined = f" JOIN {top} AS t{index}" + (f" USING ({', '.join(shared)})" if shared else " ON true")
        source += joined if source else f"{top} AS t{index}"
    items = list(path[:groups])
    for index, level in enumerate(node.levels):
        key, total, rank = name_of(level.key), name_of(level.total), name_of(level.rank)
        if index < len(tops):
            items += [f"t{index}.{key} AS {key}", f"t{index}.{total} AS {total}", f"t{index}.{rank} AS {rank}"]
        elif level.others is not None:
            label = compiler.emitter.emit(level.others)
            items += [f"{label} AS {key}", f"t{len(tops)}.{total} AS {total}", f"NULL AS {rank}"]
        else:
            empty = padding(level.total.type)
            items += [f"{padding(level.key.type)} AS {key}", f"{empty} AS {total}", f"NULL AS {rank}"]
    return f"SELECT {', '.join(items)} FROM {source}"
