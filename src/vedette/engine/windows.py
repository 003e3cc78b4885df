"""Functions of neighbouring rows: values computed in SELECTs of their own, before the rest of an expression.

SQL lets no window function stand inside another, in WHERE or in GROUP BY; KQL does. So each call becomes a named
value of a SELECT further inside, the innermost first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from vedette.engine.compiler import Compiler
from vedette.engine.fragment import Fragment
from vedette.engine.neighbours import Grouping, dropping
from vedette.engine.relations import Rel
from vedette.kql.binder.operators.project import Project
from vedette.kql.bound import Expr, WindowCall, children, has_window
from vedette.kql.types import Type

Step = Callable[[Rel], Rel]


class Over:
    """The rows that a call looks over: in an f-string the inside of OVER."""

    def __init__(self, compiler: Compiler, rel: Rel, steps: list[Step], partition: list[str]) -> None:
        self._compiler = compiler
        self._rel = rel
        self.steps = steps
        """What must be computed before the call, in order."""
        self.partition = partition

    def __str__(self) -> str:
        parts = f"PARTITION BY {', '.join(self.partition)} " if self.partition else ""
        return f"{parts}ORDER BY {self._rel.ordering()}"

    def __format__(self, _spec: str) -> str:
        return str(self)

    def before(self, text: str) -> str:
        """The name of a value that is computed first."""
        name = self._compiler.fresh()
        self.steps.append(lambda rel: rel.extended([f"{text} AS {name}"], rel.columns).wrapped())
        return name

    def restarted(self, restart: Fragment | None) -> Over:
        """The same rows, starting anew at each row where a condition holds."""
        if restart is None or (restart.constant and not restart.value):
            return self
        # FILTER in a window costs a pass over the frame for every row
        run = self.before(f"count(CASE WHEN {restart} THEN 1 END) OVER ({self} ROWS UNBOUNDED PRECEDING)")
        return Over(self._compiler, self._rel, self.steps, [*self.partition, run])

    def of_all(self, values: str, function: Callable[..., object], name: str, *args: Fragment) -> str:
        """The name of an integer that a Python function gives each row.

        The function gets the JSON values of all rows of a group in order, and gives a list as long.
        """
        place, made, listed = (self._compiler.fresh() for _ in range(3))
        sql, compiler = self._compiler.sql, self._compiler

        def step(rel: Rel) -> Rel:
            numbered = rel.extended([f"row_number() OVER ({self}) AS {place}", f"{values} AS {listed}"], rel.columns)
            cte = compiler.add_cte(numbered.text())
            array = Fragment(
                f"('[' || array_to_string(list({listed} ORDER BY {place}), ',') || ']')", Type.DYNAMIC, False
            )
            answer = sql.row(name, function, Type.DYNAMIC, array, *args)
            keys = self.partition
            groups = f" GROUP BY {', '.join(keys)}" if keys else ""
            lists = f"SELECT {''.join(f'{key}, ' for key in keys)}CAST(CAST({answer} AS JSON) AS BIGINT[]) AS {made}l FROM {cte}{groups}"
            on = " AND ".join(f"b.{key} IS NOT DISTINCT FROM g.{key}" for key in keys) or "true"
            text = f"SELECT b.*, g.{made}l[b.{place}] AS {made} FROM {cte} AS b JOIN ({lists}) AS g ON {on}"
            return Rel(f"({text})", rel.columns, order=rel.order, partition=rel.partition)

        self.steps.append(step)
        return made


def staged(compiler: Compiler, rel: Rel, values: Iterable[Expr], project: Project | None = None) -> Rel:
    """The rows with the values of all window calls in some expressions, which then stand in their place.

    `project` is the operator whose expressions they are, where it makes columns of them.
    """
    values = list(values)
    if not any(map(has_window, values)):
        return rel
    rel = compiler.with_order(rel)
    # what computes them may hand the rows on in another order
    rel = replace(rel, order=[replace(key, natural=False) for key in rel.order])
    grouping = Grouping(rel, values, dropping(compiler, project, rel.order[0]) if project is not None else frozenset())
    grouped = grouping.any and compiler.sql.may("grouped-neighbours")
    instead = grouping.instead if grouped else {}
    calls: list[list[WindowCall]] = []
    for value in values:
        _collect(value, calls, instead)
    for level in calls:
        items: list[str] = []
        for call in level:
            own = grouped and grouping.has(call)
            rows, partition = grouping.rows(rel) if own else (rel, list(rel.partition))
            over = Over(compiler, rows, [], partition)
            compiler.emitter.window = over
            fragment = compiler.emitter.emit(instead.get(id(call), call))
            if own:
                fragment = grouping.exact(call, fragment, str(over))
            for step in over.steps:
                rel = step(rel)
            name = compiler.fresh()
            items.append(f"{fragment} AS {name}")
            compiler.emitter.made[id(call)] = Fragment(name, fragment.type, fragment.nullable)
        rel = rel.extended(items, rel.columns).wrapped()
    return rel


def _collect(value: Expr, levels: list[list[WindowCall]], instead: dict[int, WindowCall]) -> int:
    """Sorts the window calls of an expression into levels by how deep they nest; gives the depth of the expression."""
    inner = children(instead.get(id(value), value))
    depth = max((_collect(child, levels, instead) for child in inner), default=0)
    if not isinstance(value, WindowCall):
        return depth
    while len(levels) <= depth:
        levels.append([])
    levels[depth].append(value)
    return depth + 1
