"""The plan rewrites: each by its name, what it does, and when it may be made.

A rewrite never changes the rows of a query. Where one is made, the code asks `DuckDbSql.may(name)`; a query may be run
without any of them (`QueryOptions.rewrites`), which is how the tests compare the rows with and without.
"""

from __future__ import annotations

from typing import Final

from vedette.kql.node import fact


@fact
class Rewrite:
    """One rewrite."""

    name: str
    about: str
    when: str
    """The precondition under which the rows are the same."""


REWRITES: Final = (
    Rewrite(
        "reader-limit",
        "The most rows that a result may have are counted by who reads them: under a LIMIT of more than 10,000 the engine "
        "makes rows by one thread.",
        "The rows have no order and no row functions, of which one thread runs at a time anyhow; the limit is greater.",
    ),
    Rewrite(
        "term-index",
        "Only those rows of a table are read in which, by the index of its terms, a text of the condition can stand.",
        "The condition is right over the table, or over operators that look at each row by itself and pass its columns on; rows that "
        "the index does not know are read, and the condition is checked on every row read.",
    ),
    Rewrite(
        "kept-partials",
        "summarize over a time that advances puts together what it made of bins of that time in earlier runs.",
        "Who asks says how often the query comes again; below are a table and operators that look at one row by itself, not at "
        "the clock, at chance or at files; the aggregates are counts, sums and means of whole numbers, extremes and sets of no "
        "reals; and the rows of each bin are those that they were.",
    ),
    Rewrite(
        "property-columns",
        "The text of a property of a stored dynamic column is read from the column that the store keeps for it.",
        "The value is a string made of a path of constant keys, the store keeps a column for the path, and only "
        "operators that pass all columns on lie between the table and the use.",
    ),
    Rewrite(
        "row-number-arg-max",
        "arg_max(x, *) finds the numbers of the rows first and then reads only those rows whole.",
        "All aggregates take values of one row; the input's rows are those of one stored table, in no order, filtered "
        "or extended by nothing that looks at other rows or at chance; x is no real.",
    ),
    Rewrite(
        "empty-columns",
        "arg_max(x, *) and its like beside other aggregates do not look for the row's value of a column that no row has filled.",
        "The column is one of a table, under operators that filter, sort or extend; the table stores none of its values.",
    ),
    Rewrite(
        "distinct-first",
        "dcount(x), count_distinct(x) and make_set(x) by keys: duplicates go in a first round of grouping by the keys and x.",
        "There are keys; every aggregate is one of these on the same column, or count(); the column is neither real "
        "(NaN, -0.0) nor dynamic (elements of arrays count one by one).",
    ),
    Rewrite(
        "whole-list-json",
        "make_set() and make_list() write the JSON of the whole list instead of one of each element.",
        "The elements are bool, int, long or string, of which the engine writes the same JSON as KQL.",
    ),
    Rewrite(
        "shared-percentiles",
        "percentiles(x, a, b, …) sorts the values of x once for all of them.",
        "The percentiles stand in one call and have no weights.",
    ),
    Rewrite(
        "constant-bin",
        "bin() of whole numbers and times is one subtraction of a remainder.",
        "The size is a positive constant; of a datetime no value is below zero.",
    ),
    Rewrite(
        "regex-literal",
        "A text that every match of a regular expression must hold is looked for first.",
        "The expression is a constant in which three or more plain characters stand outside of groups, alternatives and "
        "repetitions, and case counts.",
    ),
    Rewrite(
        "any-term-first",
        "has_any looks for any of its terms by one expression before it looks for each.",
        "There are six or more constant terms, none of which is empty.",
    ),
    Rewrite(
        "existence-distinct",
        "The side of a semi or anti join that is only looked into is not freed of duplicates first.",
        "The side is distinct or summarize without an aggregate.",
    ),
    Rewrite(
        "unique-groups",
        "innerunique does not drop duplicates of a left side that has none.",
        "The left side is a summarize or distinct, and all that it groups by is a key of the join.",
    ),
    Rewrite(
        "bare-text",
        "The text of a property, in a condition that compares it, may be null instead of empty, which the statistics and the "
        "dictionaries of stored columns answer.",
        "It is compared by ==, !=, in or in~ with constant texts, none of which is empty, and null counts as false.",
    ),
    Rewrite(
        "early-filter",
        "A condition on what summarize groups by, or on what mv-apply passes on, is asked of their input; of a bin that has "
        "a lower bound, the value is asked for it, too.",
        "It asks for nothing else, and gives the same whenever it is asked.",
    ),
    Rewrite(
        "known-now",
        "now() with a constant timespan added or taken away is the sum, without a look whether it is a moment at all.",
        "The value that will be bound for now() makes it one.",
    ),
    Rewrite(
        "grouped-neighbours",
        "prev(), next(), and row_number() and its like that start anew, look over the rows of one value of the first sort "
        "key instead of over all rows.",
        "A comparison of the key with the neighbour's decides whether the value has any say: beside it by and or or, in the "
        "condition of iff() or case(), as the place to start anew, or in a where that follows.",
    ),
    Rewrite(
        "typed-expand",
        "mv-expand reads the elements' properties that the query uses once, as columns, instead of as JSON again and again.",
        "Nothing but the text of properties with constant names (and the elements of such a property, again expanded) is "
        "used of the element; the operators up to the next project or summarize are where, extend, sort and mv-expand.",
    ),
    Rewrite(
        "shared-scan",
        "Queries of rules that are due together are not run where one look at their tables, for all of them, shows that no row meets "
        "what each of them needs to find anything.",
        "What a query needs follows from its bound tree (`engine.needs`); the tables, functions and watchlists are those that it was "
        "bound to; the look sees the tables at one moment, over the query's own time range.",
    ),
)
"""Every rewrite, in the order in which documentation lists them."""

ALL_REWRITES: Final = frozenset(rewrite.name for rewrite in REWRITES)
