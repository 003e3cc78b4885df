"""find: rows of several tables that meet a condition, with the columns that it is about (rule 105)."""

from __future__ import annotations

from vedette.kql import syntax
from vedette.kql.binder.core import Binder
from vedette.kql.binder.operators.project import Project
from vedette.kql.binder.operators.search import filtered
from vedette.kql.binder.operators.tables import Leg, LegColumns, Legs, everything, gather, names_in
from vedette.kql.binder.operators.union import united
from vedette.kql.binder.scope import Scope
from vedette.kql.bound import Apply, Cast, Column, ColumnRef, Constant, Expr, Relation, Values
from vedette.kql.operators.binding import binds
from vedette.kql.operators.find import FindOperator
from vedette.kql.types import Type


@binds(FindOperator)
def bind_find(binder: Binder, node: FindOperator, input_: Relation | None, scope: Scope) -> Relation:
    """Binds `find`: a source column, the columns projected or those of the predicate, the rest as a bag."""
    if input_ is not None:
        raise binder.stop("KS175", "find reads tables by itself and must stand first, not after |", node)
    found = gather(binder, node.tables, scope) if node.tables is not None else everything(binder, node, scope)
    known = LegColumns(found.legs, found.beyond)
    # the binding of the predicate over all inputs finds its mistakes, before inputs are left out
    kept = filtered(binder, found, node.predicate, scope)
    named = [name for name in dict.fromkeys(names_in(node.predicate)) if known.type_of(name) is not None]
    legs = [
        Leg(leg.relation, leg.tag("find", at))
        for at, leg in enumerate(kept.legs)
        if not named or set(named) & {column.name for column in leg.relation.visible}
    ]
    tag = node.source_column.name if node.source_column else "source_"
    if node.columns is None:
        return _smart(binder, Legs(legs, []), named, known, tag)
    return _projected(binder, Legs(legs, []), node, known, tag)


def _smart(binder: Binder, found: Legs, named: list[str], known: LegColumns, tag: str) -> Relation:
    """`project-smart`: the columns that all inputs have, those of the predicate, and a bag of the others."""
    columns = [{column.name: column for column in leg.relation.visible} for leg in found.legs]
    common = [name for name in columns[0] if all(name in other for other in columns)] if columns else []
    shown = [*common, *(name for name in named if name not in common)]
    # of an input that is open no one knows what else it has
    packs = not columns or any(
        set(own) - set(shown) for leg, own in zip(found.legs, columns, strict=True) if not leg.relation.open
    )
    legs = []
    for leg, own in zip(found.legs, columns, strict=True):
        kept: list[tuple[Column, Expr]] = [
            (own[name], ColumnRef(_type(name, own, columns), own[name])) for name in shown if name in own
        ]
        legs.append(
            _leg(binder, leg, kept, [c for c in leg.relation.visible if c.name not in shown] if packs else None)
        )
    if not legs:
        types = [(name, known.type_of(name) or Type.DYNAMIC) for name in named]
        return _empty(binder, [(tag, Type.STRING), *types, ("pack_", Type.DYNAMIC)])
    return _ordered(united(binder, Legs(legs, []), "find", tag=tag), shown)


def _type(name: str, own: dict[str, Column], inputs: list[dict[str, Column]]) -> Type:
    """The type of a column; one that only data shows is taken for what the others have."""
    if own[name].type is not Type.UNKNOWN:
        return own[name].type
    types = {columns[name].type for columns in inputs if name in columns} - {Type.UNKNOWN}
    return types.pop() if len(types) == 1 else Type.UNKNOWN


def _leg(binder: Binder, leg: Leg, kept: list[tuple[Column, Expr]], rest: list[Column] | None) -> Leg:
    values: list[tuple[Column, Expr]] = [(binder.column(named.name, value.type), value) for named, value in kept]
    if rest is not None:
        values.append((binder.column("pack_", Type.DYNAMIC), packed(binder, rest)))
    return Leg(Project(tuple(column for column, _ in values), leg.relation, values, open=leg.relation.open), leg.name)


def packed(binder: Binder, columns: list[Column]) -> Expr:
    """A bag of columns by their names."""
    args: list[Expr] = []
    for column in columns:
        args += [Constant(Type.STRING, column.name), ColumnRef(column.type, column)]
    if not args:
        return Constant(Type.DYNAMIC, {})
    return Apply(Type.DYNAMIC, binder.catalog.scalars["bag_pack"], args)


def _projected(binder: Binder, found: Legs, node: FindOperator, known: LegColumns, tag: str) -> Relation:
    """`project`: the columns given, null where an input lacks them, as the types given."""
    wanted: list[tuple[str, Type]] = []
    for item in node.columns or ():
        name = item.name if isinstance(item, syntax.ColumnDeclaration) else item
        if isinstance(item, syntax.Star):
            for leg in found.legs:
                wanted += [(c.name, c.type) for c in leg.relation.visible if c.name not in dict(wanted)]
            continue
        if not isinstance(name, syntax.Name):
            raise binder.stop("KS109", "Column name expected", item)
        type_ = known.type_of(name.name)
        if type_ is None and any(leg.relation.open for leg in found.legs):
            type_ = Type.UNKNOWN
        if type_ is None:
            raise binder.unknown("column", "KS142", name.name, known.names(), name)
        types = {c.type for leg in found.legs for c in leg.relation.visible if c.name == name.name} or {type_}
        own = types.pop() if len(types) == 1 else Type.DYNAMIC
        wanted.append((name.name, item.type if isinstance(item, syntax.ColumnDeclaration) else own))
    legs = []
    for leg in found.legs:
        have = {column.name: column for column in leg.relation.visible}
        kept: list[tuple[Column, Expr]] = []
        for name_, type_ in wanted:
            column = have.get(name_)
            value: Expr
            if column is None:
                value = Constant(type_, "" if type_ is Type.STRING else None)
            else:
                value = ColumnRef(column.type, column)
                value = value if column.type is type_ else Cast(type_, value)
            kept.append((Column(0, name_, type_), value))
        names = dict(wanted)
        rest = [column for column in leg.relation.visible if column.name not in names] if node.pack else None
        legs.append(_leg(binder, leg, kept, rest))
    if not legs:
        return _empty(binder, [(tag, Type.STRING), *wanted, *([("pack_", Type.DYNAMIC)] if node.pack else [])])
    return united(binder, Legs(legs, []), "find", tag=tag)


def _empty(binder: Binder, columns: list[tuple[str, Type]]) -> Relation:
    return Values(tuple(binder.column(name, type_) for name, type_ in columns), [])


def _ordered(relation: Relation, shown: list[str]) -> Relation:
    """The source first, then the columns shown, in whichever input they came first; the bag last."""
    first = relation.columns[:1]
    bag = tuple(column for column in relation.columns[1:] if column.name == "pack_")
    rest = [column for column in relation.columns[1:] if column.name != "pack_"]
    places = {name: at for at, name in enumerate(shown)}

    def place(column: Column) -> int:
        stem = column.name if column.name in places else column.name.rsplit("_", 1)[0]
        return places.get(stem, len(places))

    ordered = (*first, *sorted(rest, key=place), *bag)
    return Project(ordered, relation, [], True, open=relation.open)
