"""What a workspace gives a query besides its tables: saved functions, watchlists, other workspaces, and rows of other hosts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from vedette.core.errors import VedetteError
from vedette.kql import syntax
from vedette.kql.binder import hints
from vedette.kql.binder.arguments import arguments
from vedette.kql.binder.scope import PlaceValue, RestrictedHost, Scope
from vedette.kql.bound import Constant, Expr, External, Faulty, Known, Relation
from vedette.kql.diagnostics import NO_WATCHLIST, Diagnostic, Stop, position
from vedette.kql.host import ContentHost, Host, SavedFunction
from vedette.kql.types import Type

if TYPE_CHECKING:
    from vedette.kql.binder.core import Binder

WATCHLIST = "_GetWatchlist"
WATCHLIST_ALIASES = "_GetWatchlistAlias"
WATCHLIST_FIELDS: tuple[tuple[str, Type], ...] = (
    ("_DTItemId", Type.STRING),
    ("LastUpdatedTimeUTC", Type.DATETIME),
    ("SearchKey", Type.STRING),
    ("TimeGenerated", Type.DATETIME),
    ("DTItemType", Type.STRING),
    ("WatchlistItem", Type.DYNAMIC),
    ("WatchlistAlias", Type.STRING),
)
"""The columns that every watchlist has in a query; those of its items follow."""
_PLACES = ("workspace", "database", "cluster")
_SERVICES = ("adx", "app", "arg", "resource")
"""What reaches beyond Log Analytics there, and is refused here."""
PROPERTIES = frozenset({"$current_cluster_endpoint", "$current_database"})
"""What a place that macro-expand goes through tells of itself."""


# -- saved functions


def saved(binder: Binder, name: str, node: syntax.Node, scope: Scope | None = None) -> SavedFunction | None:
    """A saved function by its name, or None; with a scope, only one that may be seen from there."""
    with _told(binder, node):
        return (binder.host if scope is None else binder.visible_host(scope)).function(name)


def is_table(binder: Binder, function: SavedFunction, *, called: bool = True) -> bool:
    """Whether a saved function gives a table; one that is named and not called only where it needs no argument."""
    if not called and any(one.tabular or one.default is None for one in function.literal.parameters):
        return False
    key = (binder.host.name, function.name)
    if key in binder.looking:  # it calls itself, which its binding refuses
        return True
    binder.looking.add(key)
    try:
        return binder.tabular_body(function.literal, Scope())
    finally:
        binder.looking.discard(key)


@contextmanager
def _told(binder: Binder, node: syntax.Node) -> Iterator[None]:
    """What the host refuses is a diagnostic at the place that asked for it."""
    try:
        yield
    except VedetteError as error:
        raise binder.stop(error.code, str(error).rstrip("."), node) from None


@contextmanager
def inside(binder: Binder, function: SavedFunction, host: Host, node: syntax.Node) -> Iterator[None]:
    """Binds what stands in a saved function's body: in its workspace, with faults told by the function's name and place."""
    key = (host.name, function.name)
    if key in binder.calling:
        way = " → ".join([*(one[1] for one in binder.calling[binder.calling.index(key) :]), function.name])
        raise binder.stop("VDT1002", f"The function '{function.name}' calls itself ({way})", node)
    before = binder.host, binder.text
    binder.calling.append(key)
    binder.host, binder.text = host, function.text
    found, faults = len(binder.warnings), len(binder.diagnostics)
    try:
        yield
    except Stop as stop:
        raise Stop(_moved(stop.diagnostic, function, node)) from None
    finally:
        binder.host, binder.text = before
        binder.calling.pop()
        for held, first in ((binder.warnings, found), (binder.diagnostics, faults)):
            held[first:] = [_moved(one, function, node) for one in held[first:]]


def _moved(diagnostic: Diagnostic, function: SavedFunction, node: syntax.Node) -> Diagnostic:
    line, column = position(function.text, diagnostic.start)
    message = f"in the function '{function.name}', line {line}, column {column}: {diagnostic.message}"
    return Diagnostic(diagnostic.code, message, node.start, max(1, node.end - node.start), diagnostic.severity)


def call_table(
    binder: Binder, function: SavedFunction, args: list[syntax.Expression], node: syntax.Node, scope: Scope,
    leading: Relation | None = None, host: Host | None = None,
) -> Relation:  # fmt: skip
    """The table that a saved function gives."""
    inner = arguments(binder, function.literal, Scope(), args, node, function.name, scope, None, leading)
    with inside(binder, function, host or binder.host, node):
        relation = binder.body(function.literal, inner, node, function.name)
        if function.open and binder.evaluator is None:
            relation.open = True
        return relation


def call_scalar(
    binder: Binder, function: SavedFunction, args: list[syntax.Expression], node: syntax.Node, scope: Scope,
    bind: Callable[[syntax.Expression], Expr] | None, host: Host | None = None,
) -> Expr:  # fmt: skip
    """The value that a saved function gives."""
    inner = arguments(binder, function.literal, Scope(), args, node, function.name, scope, bind, None)
    with inside(binder, function, host or binder.host, node):
        return binder.scalar_body(function.literal, inner, node, function.name)


# -- watchlists


def watchlist(binder: Binder, node: syntax.Call, scope: Scope) -> Relation:
    """`_GetWatchlist(alias, keys?)`: the items of a watchlist, or no rows where there is none of that alias."""
    if not 1 <= len(node.args) <= 2:
        raise binder.stop("KS119", f"The function '{WATCHLIST}' expects 1 to 2 arguments, not {len(node.args)}", node)
    values = [arg.value if isinstance(arg, syntax.Assignment) else arg for arg in node.args]
    bound = binder.scalar(values[0], scope)
    if bound.type not in (Type.STRING, Type.UNKNOWN):
        raise binder.stop("KS107", f"The function '{WATCHLIST}' expects string here, not {bound.type}", values[0])
    host = cast("ContentHost", binder.host)
    known = list(host.watchlist_aliases()) if hasattr(host, "watchlist_aliases") else []
    if binder.evaluator is None and not is_written(bound):
        return _items(binder, WATCHLIST_FIELDS, (), unknown=True)
    alias = str(binder.constant(bound, values[0]) or "")
    keys = None if len(values) < 2 else _keys(binder, values[1], scope)
    with _told(binder, node):
        items = host.watchlist(alias, keys) if known else None
    if items is None:
        hint = hints.one_of(alias, known, "watchlist")
        binder.warn(NO_WATCHLIST, f"There is no watchlist '{alias}', so this gives no rows{hint}", values[0])
        binder.missing_watchlists.append(alias)
        return _items(binder, WATCHLIST_FIELDS, (), unknown=True)
    return _items(binder, items.fields, items.rows, unknown=False)


def is_written(expression: Expr) -> bool:
    """Whether a value stands in the text."""
    return isinstance(expression, Constant)


def _keys(binder: Binder, node: syntax.Expression, scope: Scope) -> list[str] | None:
    bound = binder.scalar(node, scope)
    if binder.evaluator is None and not is_written(bound):
        return None
    value = binder.constant(bound, node)
    if value is None or value == "":
        return None
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


def _items(
    binder: Binder, fields: Sequence[tuple[str, Type]], rows: Sequence[tuple[object, ...]], *, unknown: bool
) -> Relation:
    columns = tuple(binder.column(name, type_) for name, type_ in fields)
    # without data only the watchlist that is to come knows its columns
    return Known(columns, rows, open=unknown and binder.evaluator is None)


def watchlist_aliases(binder: Binder) -> Relation:
    """`_GetWatchlistAlias()`: the alias of every watchlist."""
    host = cast("ContentHost", binder.host)
    known = host.watchlist_aliases() if hasattr(host, "watchlist_aliases") else []
    return _items(binder, (("WatchlistAlias", Type.STRING),), [(alias,) for alias in known], unknown=False)


# -- other workspaces


def is_qualified(node: syntax.Expression, scope: Scope) -> bool:
    """Whether an expression is `workspace('x').T` or the like, or `X.T` of a place X that macro-expand goes through."""
    target: syntax.Expression = node
    while isinstance(target, syntax.Member | syntax.DotCall):
        target = target.target
    if isinstance(target, syntax.Name):
        of_itself = isinstance(node, syntax.Member) and node.name.name in PROPERTIES
        return target is not node and not of_itself and isinstance(scope.find(target.name), PlaceValue)
    return isinstance(target, syntax.Call) and target.name.name in (*_PLACES, "app") and target is not node


def property_of(binder: Binder, found: PlaceValue, node: syntax.Member) -> Expr:
    """`X.$current_database` and `X.$current_cluster_endpoint` of a place X that macro-expand goes through."""
    name = node.name.name
    if name == "$current_database":
        return Constant(Type.STRING, found.host.name) if found.host is not None else Faulty(Type.STRING)
    if name not in PROPERTIES:
        raise binder.unknown("property of a place", "KS142", name, sorted(PROPERTIES), node.name)
    what = f"the property '{name}' (there is no cluster)"
    if binder.evaluator is not None:
        raise binder.refuse(what, node)
    binder.warn("VDT1001", f"{what} is not supported: the query cannot run here", node)
    return Faulty(Type.STRING if found.host is not None else Type.UNKNOWN)


def qualified(binder: Binder, node: syntax.Member | syntax.DotCall, scope: Scope) -> Relation:
    """`workspace('x').T`, `database('y').T`, `cluster('z').database('y').T`, and their function forms."""
    if isinstance(node.target, syntax.Name):
        around = scope.find(node.target.name)
        if isinstance(around, PlaceValue) and around.host is None:
            # that it is not there was told where it is named
            return Relation((), open=True)
    host = place(binder, node.target, scope)
    if isinstance(node, syntax.Member):
        return _table(binder, host, node.name.name, node.name)
    name = node.call.name.name
    if name == "table" and 1 <= len(node.call.args) <= 2:
        argument = node.call.args[0]
        return _table(binder, host, str(binder.constant(binder.scalar(argument, scope), argument)), argument)
    before = binder.host
    binder.host = host
    try:
        if name == WATCHLIST:
            return watchlist(binder, node.call, scope)
        if name == WATCHLIST_ALIASES:
            return watchlist_aliases(binder)
        function = saved(binder, name, node.call)
    finally:
        binder.host = before
    if function is None:
        raise binder.unknown("function", "KS211", name, _function_names(host), node.call.name)
    return call_table(binder, function, node.call.args, node, scope, host=host)


def qualified_value(
    binder: Binder, node: syntax.DotCall, scope: Scope, bind: Callable[[syntax.Expression], Expr]
) -> Expr:  # fmt: skip
    """`workspace('x').f(1)` where a value is wanted: that of a function which the other workspace has saved."""
    call = node.call
    if not is_qualified(node, scope):
        found = len(binder.diagnostics)
        bind(node.target)
        if len(binder.diagnostics) > found:
            return Faulty(Type.UNKNOWN)
        message = f"A value has no function '{call.name.name}'; a function has its values in parentheses: {call.name.name}(...)"
        raise binder.stop("KS211", message, call.name)
    for arg in call.args:
        # what the arguments say of an open input is known whether or not the function is
        bind(arg.value if isinstance(arg, syntax.Assignment) else arg)
    host = place(binder, node.target, scope)
    before = binder.host
    binder.host = host
    try:
        function = saved(binder, call.name.name, call)
    finally:
        binder.host = before
    if function is None:
        raise binder.unknown("function", "KS211", call.name.name, _function_names(host), call.name)
    if is_table(binder, function):
        raise binder.stop("KS108", f"'{call.name.name}' is a table; use toscalar()", node)
    return call_scalar(binder, function, call.args, node, scope, bind, host)


def _table(binder: Binder, host: Host, name: str, node: syntax.Node) -> Relation:
    table = host.table(name)
    if table is not None:
        return binder.scan(table)
    before = binder.host
    binder.host = host
    try:
        function = saved(binder, name, node)
    finally:
        binder.host = before
    if function is None:
        raise binder.unknown("table", "KS204", name, list(host.table_names()), node)
    return call_table(binder, function, [], node, Scope(), host=host)


def place(binder: Binder, node: syntax.Expression, scope: Scope) -> Host:
    """The workspace that `workspace()`, `database()` or `cluster().database()` names, as much of it as may be seen."""
    host = _place(binder, binder.dealiased(node, scope), scope)
    restriction = scope.restricted()
    return host if restriction is None else RestrictedHost(host, restriction)


def _place(binder: Binder, node: syntax.Expression, scope: Scope) -> Host:
    if isinstance(node, syntax.DotCall) and isinstance(node.target, syntax.Call):
        if node.call.name.name != "database" or node.target.name.name not in ("cluster", "workspace"):
            raise binder.refuse(f"'{node.call.name.name}' of another place", node.call)
        around = _named(binder, node.target, scope)
        inner = _argument(binder, node.call, scope)
        host = around if inner is None else _host(binder, inner, node.call)
        if host.name != around.name and around.name != binder.host.name:
            raise binder.stop("KS207", f"'{inner}' is not a database of the workspace '{around.name}'", node.call)
        return host
    if isinstance(node, syntax.Name):
        found = scope.find(node.name)
        if isinstance(found, PlaceValue) and found.host is not None:
            return found.host
    if isinstance(node, syntax.Call) and node.name.name in _PLACES:
        if node.name.name == "cluster":
            raise binder.stop("KS207", "A cluster has databases: write cluster('x').database('y').Table", node)
        return _named(binder, node, scope)
    if isinstance(node, syntax.Call) and node.name.name not in (*_PLACES, *_SERVICES):
        raise binder.unknown("function", "KS211", node.name.name, binder.function_names(scope), node.name)
    raise binder.refuse("a reference to another service", node)


def _named(binder: Binder, node: syntax.Call, scope: Scope) -> Host:
    name = _argument(binder, node, scope)
    return binder.host if name is None else _host(binder, name, node)


def _argument(binder: Binder, node: syntax.Call, scope: Scope) -> str | None:
    if not node.args:
        if node.name.name == "workspace":
            raise binder.stop("KS119", "The function 'workspace' expects 1 argument, not 0", node)
        return None
    if len(node.args) > 1:
        raise binder.stop("KS119", f"The function '{node.name.name}' expects 1 argument, not {len(node.args)}", node)
    value = binder.constant(binder.scalar(node.args[0], scope), node.args[0])
    return str(value) if value else None


def _host(binder: Binder, name: str, node: syntax.Node) -> Host:
    if name == binder.host.name:
        return binder.host
    with _told(binder, node):
        host = binder.host.workspace(name)
    if host is None:
        raise binder.stop("KS207", f"The name '{name}' does not refer to any known workspace", node)
    return host


def _function_names(host: Host) -> list[str]:
    return list(host.function_names()) if hasattr(host, "function_names") else []


# -- rows of other hosts


def external(binder: Binder, node: syntax.ExternalData, scope: Scope) -> Relation:
    """`externaldata (columns) [uris] with (properties)`."""
    names: set[str] = set()
    for declared in node.columns:
        if declared.name.name in names:
            raise binder.stop("KS171", f"The column '{declared.name.name}' is declared twice", declared)
        names.add(declared.name.name)
    columns = tuple(binder.column(declared.name.name, declared.type) for declared in node.columns)
    uris: list[str] = []
    for uri in node.uris:
        bound = binder.scalar(uri, scope)
        if binder.evaluator is not None or is_written(bound):
            uris.append(str(binder.constant(bound, uri)))
    properties: dict[str, object] = {}
    for name, value in node.properties.items():
        properties[name] = (
            value.name if isinstance(value, syntax.Name) else binder.constant(binder.scalar(value, scope), value)
        )
    return External(columns, uris, properties)
