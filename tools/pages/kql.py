"""docs/kql.md: what of KQL is supported, from the catalogue and the registries of operators."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping

from vedette.engine.catalog import full_catalog
from vedette.kql.catalog import Unit
from vedette.kql.operators.binding import OPERATOR_BINDERS, load_binders
from vedette.kql.operators.registry import OPERATORS

HEADER = "<!-- Written by `make pages` from the catalogue; change it there. -->\n\n"
INTRODUCTION = """# KQL

What Vedette understands of the Kusto Query Language. The lists below are what the program itself looks names up in. What is not
in them is refused with its name, its place and the nearest known name; nothing is approximated. `vedette check` says so without
running anything. A function or plugin that is listed as refused has a known result, so a check warns of it and names the reason;
a query with it does not run.

## Tabular operators

"""
DOCUMENTATION = "https://learn.microsoft.com/kusto/query/"


def _cell(text: str) -> str:
    """A text as a table takes it."""
    return text.replace("|", "\\|")


def _code(text: str) -> str:
    return f"`{_cell(text)}`"


def _node(parse: Callable[..., object]) -> type | None:
    """The syntax node that a parser of an operator returns."""
    name = str(inspect.signature(parse).return_annotation)
    return getattr(inspect.getmodule(parse), name, None)


def _operators() -> Iterable[str]:
    load_binders()
    aliases: dict[str, list[str]] = {}
    for keyword, parse in OPERATORS.items():
        aliases.setdefault(parse.__name__, []).append(keyword)
    yield "| operator | supported | what it does |"
    yield "|---|---|---|"
    for keywords in sorted(aliases.values()):
        parse = OPERATORS[keywords[0]]
        node = _node(parse)
        text = (inspect.getdoc(inspect.getmodule(parse)) or "").split("\n\n")[0].replace("\n", " ")
        about = text.partition(": ")[2] or text
        supported = "yes" if node in OPERATOR_BINDERS else "no"
        yield f"| {', '.join(map(_code, sorted(keywords)))} | {supported} | {_cell(about)} |"


def _units(title: str, units: Mapping[str, Unit]) -> Iterable[str]:
    seen = sorted({unit.name: unit for unit in units.values()}.values(), key=lambda unit: unit.name)
    yield ""
    yield f"## {title}"
    yield ""
    yield f"{len(seen)} of them."
    yield ""
    yield "| name | called as | what it does |"
    yield "|---|---|---|"
    for unit in seen:
        calls = "<br>".join(_code(signature.text) for signature in unit.signatures)
        shown = f"[{_code(unit.name)}]({DOCUMENTATION}{unit.page})" if unit.page else _code(unit.name)
        others = f" Also: {', '.join(map(_code, unit.aliases))}." if unit.aliases else ""
        yield f"| {shown} | {calls} | {_cell(unit.about)}{others} |"


def render() -> str:
    """The page's text."""
    catalog = full_catalog()
    functions = {name: unit for name, unit in catalog.scalars.items() if name.isidentifier()}
    symbols = {name: unit for name, unit in catalog.scalars.items() if name not in functions}
    lines = [
        *_operators(),
        *_units("Scalar functions", functions),
        *_units("Operators of expressions", symbols),
        *_units("Aggregate functions", catalog.aggregates),
        *_units("Window functions", catalog.windows),
        *_units("Plugins", catalog.plugins),
    ]
    return HEADER + INTRODUCTION + "\n".join(lines) + "\n"
