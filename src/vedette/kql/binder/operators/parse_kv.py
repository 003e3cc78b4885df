"""parse-kv: a column for each key of the pairs in a text (rule 99).

Source: the documentation's page parse-kv-operator.
"""

from __future__ import annotations

from vedette.kql import syntax
from vedette.kql.binder.core import Binder
from vedette.kql.binder.expressions import Expressions
from vedette.kql.binder.scope import Row, Scope
from vedette.kql.bound import Cast, Column, Expr, Relation
from vedette.kql.node import fact, node
from vedette.kql.operators.binding import binds
from vedette.kql.operators.parse_kv import ParseKvOperator
from vedette.kql.types import Type


@fact
class PairForm:
    """How pairs are written: by two delimiters, by a regular expression, or (neither) by whatever is not alphanumeric."""

    pair_delimiter: str = ""
    kv_delimiter: str = ""
    regex: str = ""
    quotes: tuple[str, ...] = ()
    """Opening and closing quote, as texts of two characters."""
    escapes: tuple[str, ...] = ()
    greedy: bool = False


@node
class ParseKv(Relation):
    """The input with the values of some keys of a text."""

    input: Relation
    text: Expr
    form: PairForm
    keys: list[tuple[str, Column]]
    place: syntax.Node


@binds(ParseKvOperator)
def bind_parse_kv(binder: Binder, node: ParseKvOperator, input_: Relation, scope: Scope) -> Relation:
    """Binds `parse-kv`; a key whose name the input has takes that column's place."""
    text = Expressions(binder, scope, Row.of(input_), serialized=input_.serialized).bind(node.value)
    if text.type not in (Type.STRING, Type.UNKNOWN):
        text = Cast(Type.STRING, text, start=text.start, end=text.end)
    keys: list[tuple[str, Column]] = []
    for declared in node.keys:
        name = declared.name.name
        if any(name == other for other, _ in keys):
            raise binder.stop("KS171", f"The column '{name}' is named twice", declared)
        keys.append((name, binder.column(name, declared.type)))
    new = dict(keys)
    kept = [column if column.hidden else new.pop(column.name, column) for column in input_.columns]
    return ParseKv(
        (*kept, *new.values()), input_, text, _form(binder, node), keys, node,
        serialized=input_.serialized, open=input_.open,
    )  # fmt: skip


def _form(binder: Binder, node: ParseKvOperator) -> PairForm:
    texts: dict[str, list[tuple[str, syntax.Expression]]] = {}
    greedy = False
    for name, value in node.properties:
        given = value.value if isinstance(value, syntax.Literal) else None
        if name == "greedy":
            if not isinstance(given, bool):
                raise binder.stop("KS223", "greedy is true or false", value)
            greedy = given
        elif not isinstance(given, str):
            raise binder.stop("KS222", f"{name} is a string that is written out", value)
        elif not given:
            raise binder.stop("KS107", f"{name} may not be empty", value)
        elif name in texts and name not in ("quote", "escape"):
            raise binder.stop("KS107", f"{name} may be given once", value)
        else:
            texts.setdefault(name, []).append((given, value))
    for name, most in (("quote", 2), ("escape", 1)):
        for given, value in texts.get(name, ()):
            if len(given) > most:
                length = "one character, or an opening and a closing one" if most > 1 else "one character"
                raise binder.stop("KS107", f"{name} is {length}, not {len(given)}", value)
    if ("pair_delimiter" in texts) != ("kv_delimiter" in texts):
        there, lacking = ("pair", "kv") if "pair_delimiter" in texts else ("kv", "pair")
        raise binder.stop("KS107", f"parse-kv with {there}_delimiter needs {lacking}_delimiter as well", node)
    if "regex" in texts and (len(texts) > 1 or greedy):
        raise binder.stop("KS107", "parse-kv takes a regex without any other property", texts["regex"][0][1])
    if greedy and "pair_delimiter" not in texts:
        raise binder.stop("KS107", "parse-kv takes greedy only with pair_delimiter and kv_delimiter", node)
    if "regex" in texts:
        pattern, place = texts["regex"][0]
        fault = _fault(binder, pattern)
        if fault is not None:
            raise binder.stop("KS140", fault, place)

    def first(name: str) -> str:
        return texts[name][0][0] if name in texts else ""

    return PairForm(
        first("pair_delimiter"), first("kv_delimiter"), first("regex"),
        tuple(given * 2 if len(given) == 1 else given for given, _ in texts.get("quote", ())),
        tuple(given for given, _ in texts.get("escape", ())), greedy,
    )  # fmt: skip


def _fault(binder: Binder, pattern: str) -> str | None:
    """What is wrong with a regular expression, as `extract()` says it; None where nothing is."""
    unit = binder.catalog.scalars.get("extract")
    check = unit.checks.get("regex") if unit is not None else None
    return check(pattern) if check is not None else None
