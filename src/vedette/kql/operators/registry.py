"""Every tabular operator by the keyword that starts it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from vedette.kql.operators.as_name import parse_as
from vedette.kql.operators.assert_schema import parse_assert_schema
from vedette.kql.operators.consume import parse_consume
from vedette.kql.operators.count import parse_count
from vedette.kql.operators.distinct import parse_distinct
from vedette.kql.operators.evaluate import parse_evaluate
from vedette.kql.operators.extend import parse_extend
from vedette.kql.operators.facet import parse_facet
from vedette.kql.operators.find import parse_find
from vedette.kql.operators.fork import parse_fork
from vedette.kql.operators.getschema import parse_getschema
from vedette.kql.operators.graph_mark_components import parse_graph_mark_components
from vedette.kql.operators.graph_match import parse_graph_match
from vedette.kql.operators.graph_shortest_paths import parse_graph_shortest_paths
from vedette.kql.operators.graph_to_table import parse_graph_to_table
from vedette.kql.operators.graph_where_edges import parse_graph_where_edges
from vedette.kql.operators.graph_where_nodes import parse_graph_where_nodes
from vedette.kql.operators.inline_external_table import parse_inline_external_table
from vedette.kql.operators.invoke import parse_invoke
from vedette.kql.operators.join import parse_join
from vedette.kql.operators.lookup import parse_lookup
from vedette.kql.operators.macro_expand import parse_macro_expand
from vedette.kql.operators.make_graph import parse_make_graph
from vedette.kql.operators.make_series import parse_make_series
from vedette.kql.operators.mv_apply import parse_mv_apply
from vedette.kql.operators.mv_expand import parse_mv_expand, parse_mvexpand
from vedette.kql.operators.parse import parse_parse
from vedette.kql.operators.parse_kv import parse_parse_kv
from vedette.kql.operators.parse_where import parse_parse_where
from vedette.kql.operators.partition import parse_partition
from vedette.kql.operators.print import parse_print
from vedette.kql.operators.project import parse_project
from vedette.kql.operators.project_away import parse_project_away
from vedette.kql.operators.project_by_names import parse_project_by_names
from vedette.kql.operators.project_keep import parse_project_keep
from vedette.kql.operators.project_rename import parse_project_rename
from vedette.kql.operators.project_reorder import parse_project_reorder
from vedette.kql.operators.range import parse_range
from vedette.kql.operators.reduce import parse_reduce
from vedette.kql.operators.render import parse_render
from vedette.kql.operators.sample import parse_sample
from vedette.kql.operators.sample_distinct import parse_sample_distinct
from vedette.kql.operators.scan import parse_scan
from vedette.kql.operators.search import parse_search
from vedette.kql.operators.serialize import parse_serialize
from vedette.kql.operators.sort import parse_sort
from vedette.kql.operators.summarize import parse_summarize
from vedette.kql.operators.take import parse_take
from vedette.kql.operators.top import parse_top
from vedette.kql.operators.top_hitters import parse_top_hitters
from vedette.kql.operators.top_nested import parse_top_nested
from vedette.kql.operators.union import parse_union
from vedette.kql.operators.where import parse_where
from vedette.kql.syntax import Operator

if TYPE_CHECKING:
    from vedette.kql.parser import Parser

OPERATORS: dict[str, Callable[[Parser, int], Operator]] = {
    "as": parse_as,
    "assert-schema": parse_assert_schema,
    "consume": parse_consume,
    "count": parse_count,
    "distinct": parse_distinct,
    "evaluate": parse_evaluate,
    "extend": parse_extend,
    "facet": parse_facet,
    "filter": parse_where,
    "find": parse_find,
    "fork": parse_fork,
    "getschema": parse_getschema,
    "graph-mark-components": parse_graph_mark_components,
    "graph-match": parse_graph_match,
    "graph-shortest-paths": parse_graph_shortest_paths,
    "graph-to-table": parse_graph_to_table,
    "graph-where-edges": parse_graph_where_edges,
    "graph-where-nodes": parse_graph_where_nodes,
    "inline_external_table": parse_inline_external_table,
    "invoke": parse_invoke,
    "join": parse_join,
    "limit": parse_take,
    "lookup": parse_lookup,
    "macro-expand": parse_macro_expand,
    "make-graph": parse_make_graph,
    "make-series": parse_make_series,
    "mv-apply": parse_mv_apply,
    "mv-expand": parse_mv_expand,
    "mvapply": parse_mv_apply,
    "mvexpand": parse_mvexpand,
    "order": parse_sort,
    "parse": parse_parse,
    "parse-kv": parse_parse_kv,
    "parse-where": parse_parse_where,
    "partition": parse_partition,
    "print": parse_print,
    "project": parse_project,
    "project-away": parse_project_away,
    "project-by-names": parse_project_by_names,
    "project-keep": parse_project_keep,
    "project-rename": parse_project_rename,
    "project-reorder": parse_project_reorder,
    "range": parse_range,
    "reduce": parse_reduce,
    "render": parse_render,
    "sample": parse_sample,
    "sample-distinct": parse_sample_distinct,
    "scan": parse_scan,
    "search": parse_search,
    "serialize": parse_serialize,
    "sort": parse_sort,
    "summarize": parse_summarize,
    "take": parse_take,
    "top": parse_top,
    "top-hitters": parse_top_hitters,
    "top-nested": parse_top_nested,
    "union": parse_union,
    "where": parse_where,
}
"""The parser of each operator; it is called past the keyword, with the offset where the keyword starts."""
