"""Plan rewrites: each is made where its precondition holds, and the rows are the same without it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from vedette.core.clock import VirtualClock
from vedette.engine import regex
from vedette.engine.query import QueryEngine, QueryOptions
from vedette.engine.rewrites import ALL_REWRITES, REWRITES
from vedette.store.logstore import LogStore

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SYSTEMS = ["Windows", "MacOs", "", None, 'Ubuntu "24"', "été"]
NAMES = ["ann", "bob", "Cid", ""]


def _device(number: int) -> object:
    if number % 11 == 0:
        return None
    if number % 13 == 0:
        return [number, {"os": "in an array"}]
    if number % 17 == 0:
        return "just text"
    return {
        "os": SYSTEMS[number % 6], "OS": "upper", "number": number if number % 2 else number / 4, "flag": number % 3 == 0,
        "a.b": number % 5, "geo": {"city": NAMES[number % 4], "deep": {"er": 1}}, "list": [1, 2],
    }  # fmt: skip


def _resources(number: int) -> object:
    shapes: list[object] = [
        None, [], {"name": "bag", "props": [{"k": "in a bag"}]}, "text", 7, [None, "text", 3, ["nested"]],
        [{"name": f"r{number}", "props": [{"k": "a", "v": 1}, {"k": "b", "v": {"x": [1]}}]}, {"name": None, "props": []}],
        [{"name": 5, "props": {"k": "bag, not array"}}, {"props": None}, {"name": True, "props": "text"}],
        [{"Name": "upper", "props": [[1], "x", None, {"k": None}, {"K": "upper"}]}],
    ]  # fmt: skip
    return shapes[number % len(shapes)]


@pytest.fixture(scope="module")
def store() -> Iterator[LogStore]:
    with LogStore(None, VirtualClock(NOW)) as made:
        rows = [
            {
                "TimeGenerated": NOW - timedelta(minutes=number % 90, seconds=number), "User": NAMES[number % 4],
                "Score": None if number % 7 == 0 else number % 10, "Share": number / 3, "Ok": number % 2 == 0,
                "Text": f"run {number} sqlmap/{number % 3}.{number} {NAMES[number % 4]}", "Device": _device(number + 1),
                "Resources": _resources(number), "Number": number,
            }
            for number in range(200)
        ]  # fmt: skip
        made.append("Things_CL", rows)
        # a row that brings keys which the first rows had not
        made.append("Things_CL", [{"User": "late", "Number": 999, "Device": {"os": "Late", "new": "key"}}])
        yield made


CASES = [
    ("property-columns", "Things_CL | where Device.os == 'Windows' | project Number, tostring(Device.geo.city)"),
    ("property-columns", "Things_CL | extend S = tostring(Device.os) | summarize count() by S, tostring(Device['a.b'])"),
    ("property-columns", "Things_CL | extend Device = Device.geo | project tostring(Device.city), Number"),
    ("property-columns", "Things_CL | project Number, A = tostring(Device.number), B = tostring(Device.flag), C = tostring(Device.OS)"),
    ("property-columns", "Things_CL | take 1000 | summarize N = countif(tostring(Device.os) has 'ubuntu') by tostring(Device.flag)"),
    ("property-columns", "Things_CL | mv-expand R = Resources | project Number, tostring(Device.os), tostring(R)"),
    ("property-columns", "let T = Things_CL | project Number, Device; T | join kind=inner (T | where Device.os == 'MacOs') on Number | project Number"),
    ("row-number-arg-max", "Things_CL | where Number < 150 | summarize arg_max(Number, *) by User"),
    ("row-number-arg-max", "Things_CL | extend Two = Number * 2 | where Two > 9 | summarize arg_min(Number, *) by User, Ok"),
    ("row-number-arg-max", "Things_CL | summarize arg_max(TimeGenerated, Number, Text, tostring(Device.os)) by Bin = bin(Number, 40)"),
    ("row-number-arg-max", "Things_CL | where isnull(Score) or Number < 4 | summarize arg_max(Score, User, Ok) by Number"),
    ("row-number-arg-max", "Things_CL | where Number < 150 | extend Two = Number * 2 | project-rename Who = User | summarize arg_max(Number, *) by Who, Two"),
    ("empty-columns", "Things_CL | where Number < 150 | summarize N = count(), arg_max(Number, *), arg_min(Score, Text, _ResourceId) by User"),
    ("empty-columns", "Things_CL | extend Two = _ResourceId | sort by Number asc | summarize take_any(*), make_set(Ok) by Ok, Two"),
    ("empty-columns", "SigninLogs | summarize N = count(), arg_max(TimeGenerated, *)"),
    ("bare-text", "Things_CL | where Device.os == 'MacOs' and Device.flag != 'true' | project Number"),
    ("bare-text", "Things_CL | where tostring(Device.os) in~ ('windows', 'MACOS') or 'x' != tostring(Device.geo.city) | project Number"),
    ("bare-text", "Things_CL | where tostring(Device.os) != 'Windows' and not(tostring(Device.os) == 'MacOs') | project Number"),
    ("bare-text", "Things_CL | where tostring(Device.os) in ('Windows', '') or Device.geo.city == '' | project Number"),
    ("bare-text", "Things_CL | mv-expand Resources | where Resources.name != 'r6' | summarize count() by tostring(Resources.name)"),
    ("early-filter", "Things_CL | summarize arg_max(Number, *) by User, Ok | where User != 'ann' | where Ok"),
    ("early-filter", "Things_CL | summarize N = count(), S = sum(Number) by Bin = bin(TimeGenerated, 10m), User | where Bin >= ago(30m) and N > 1 and User in ('', 'bob')"),
    ("early-filter", "Things_CL | summarize N = count() by Bin = bin(Score, 3) | where 2 < Bin or isnull(Bin)"),
    ("early-filter", "Things_CL | summarize N = count() by Bin = bin(Score - 5, 3) | where -4 < Bin"),
    ("early-filter", "Things_CL | summarize make_set(Number) by Os = tostring(Device.os), tolower(User) | where Os has 'ubuntu' or Os == '' | where Os != 'x'"),
    ("early-filter", "Things_CL | mv-expand R = Resources | summarize count() by N = tostring(R.name) | where N startswith 'r'"),
    ("early-filter", "Things_CL | mv-apply R = Resources on (summarize C = count()) | where Number < 50 and C > 0 and User != 'bob' | project Number, C"),
    ("early-filter", "Things_CL | summarize count() by User, Ok | where count_ > 3"),
    ("early-filter", "Things_CL | summarize count() by User | where rand() >= 0.0 and (User == '' or count_ > 3)"),
    ("known-now", "Things_CL | where TimeGenerated > ago(40m) and TimeGenerated < now(-3m) | project Number"),
    ("distinct-first", "Things_CL | summarize dcount(Score), count(), make_set(Score) by User"),
    ("distinct-first", "Things_CL | summarize make_set(User, 2), N = count_distinct(User) by Ok"),
    ("distinct-first", "Things_CL | where Number > 5000 | summarize dcount(User) by Ok"),
    ("distinct-first", "Things_CL | summarize dcount(TimeGenerated), make_set(TimeGenerated, 3) by User, bin(Number, 50)"),
    ("whole-list-json", "Things_CL | sort by Number asc | summarize make_list(Score), make_list(Text, 5), make_list(Ok) by User"),
    ("whole-list-json", "Things_CL | summarize make_set(Text), make_set_if(Score, Ok) by User | where array_length(set_Text) > 0"),
    ("shared-percentiles", "Things_CL | summarize percentiles(Score, 5, 50, 95) by User"),
    ("shared-percentiles", "Things_CL | where Number > 5000 | summarize percentiles(Score, 5, 50), percentiles(Share, 50, 50.5)"),
    ("constant-bin", "Things_CL | summarize count() by bin(TimeGenerated, 7m), bin(Score, 3)"),
    ("constant-bin", "range x from -20 to 20 step 1 | project bin(x, 7), bin(x * 1s, 3s), bin(int(null), 4), bin(datetime(null), 1h)"),
    ("regex-literal", "Things_CL | where Text matches regex @'sqlmap/[0-1]\\.\\d+ (ann|bob)' | project Number"),
    ("any-term-first", "Things_CL | where Text has_any ('ann', 'Bob', 'x.y', 'a+b', 'sqlmap/1', '(z') | project Number"),
    ("existence-distinct", "Things_CL | join kind=leftanti (Things_CL | where Ok | distinct User, Score) on User, Score | project Number"),
    ("existence-distinct", "Things_CL | where Number < 9 | join kind=rightsemi (Things_CL | project User, Score) on User | summarize count() by User"),
    ("existence-distinct", "Things_CL | summarize by User | join kind=rightanti (Things_CL) on User | count"),
    ("unique-groups", "Things_CL | summarize N = count() by User | join (Things_CL | where Number < 20) on User | project User, N, Number"),
    ("grouped-neighbours", "Things_CL | sort by User asc, Number asc | extend Same = prev(User) == User and prev(Ok) != Ok | project Number, Same"),
    ("grouped-neighbours", "Things_CL | project U = User, N = Number | sort by U, N | extend P = prev(U), Q = prev(N) | where P == U | project N, Q"),
    ("grouped-neighbours", "Things_CL | sort by Score asc, Number asc | extend N = row_number(1, prev(Score) != Score) | project Number, N"),
    ("reader-limit", "Things_CL | where Ok | project Number, User"),
    ("typed-expand", "Things_CL | mv-expand Resources | project Number, tostring(Resources.name)"),
    ("typed-expand", "Things_CL | mv-expand Resources | mv-expand P = Resources.props | project Number, tostring(Resources.name), K = tostring(P.k), V = tostring(P.v)"),
    ("typed-expand", "Things_CL | mv-expand with_itemindex=I Resources limit 2 | where Resources.name != 'r6' | summarize count() by I, tostring(Resources.name)"),
    ("typed-expand", "Things_CL | mv-expand kind=array Resources | extend K = tostring(Resources.props) | summarize count() by K"),
    ("typed-expand", "Things_CL | sort by Number asc | mv-expand R = Resources | where isnotempty(tostring(R.name)) | project Number, N = tostring(R.name)"),
]  # fmt: skip


def _rows(store: LogStore, text: str, rewrites: frozenset[str]) -> list[str]:
    engine: QueryEngine = store._engine
    return sorted(map(repr, engine.run(text, QueryOptions(NOW, rewrites=rewrites)).rows))


@pytest.mark.parametrize(("name", "text"), CASES)
def test_the_rows_are_the_same_with_and_without_a_rewrite(store: LogStore, name: str, text: str) -> None:
    made = store._engine.explain(text, QueryOptions(NOW))[-1].rewrites
    assert (name in made) != (text in NOT_MADE), made
    plain = _rows(store, text, frozenset())
    assert _rows(store, text, frozenset({name})) == plain
    assert _rows(store, text, ALL_REWRITES) == plain
    assert plain or "5000" in text


NOT_MADE = {
    # an empty text is null in the column
    "Things_CL | where tostring(Device.os) in ('Windows', '') or Device.geo.city == '' | project Number",
    # groups are chosen by what only groups have
    "Things_CL | summarize count() by User, Ok | where count_ > 3",
    "Things_CL | summarize count() by User | where rand() >= 0.0 and (User == '' or count_ > 3)",
    # the column is another one by then
    "Things_CL | extend Device = Device.geo | project tostring(Device.city), Number",
    "let T = Things_CL | project Number, Device; T | join kind=inner (T | where Device.os == 'MacOs') on Number | project Number",
    # the left side is looked into, and it has no duplicates to drop
    "Things_CL | where Number < 9 | join kind=rightsemi (Things_CL | project User, Score) on User | summarize count() by User",
}


def test_every_rewrite_has_a_case() -> None:
    # these need a store with a file, or several queries: tests/store/test_term_index.py, test_shared_scans.py and test_partials.py
    # have their cases
    assert {name for name, _ in CASES} == ALL_REWRITES - {"term-index", "shared-scan", "kept-partials"}
    assert all(each.about and each.when for each in REWRITES)


NOT_TYPED = [
    "Things_CL | mv-expand Resources | project Number, Resources",
    "Things_CL | mv-expand Resources | where tostring(Resources.name) != '' ",
    "Things_CL | mv-expand Resources | summarize count() by tostring(Resources.name), tostring(Resources.Name)",
    "Things_CL | mv-expand Resources | summarize make_list(Resources.name) by Number",
    "Things_CL | mv-expand Resources | extend K = tostring(Resources.props), L = tostring(Resources.props.k) | summarize count() by K, L",
]


@pytest.mark.parametrize("text", NOT_TYPED)
def test_elements_stay_json_where_more_than_texts_of_properties_is_used(store: LogStore, text: str) -> None:
    assert "typed-expand" not in store._engine.explain(text, QueryOptions(NOW))[-1].rewrites
    assert _rows(store, text, frozenset()) == _rows(store, text, ALL_REWRITES)


def test_equal_moments_give_one_row_of_a_group(store: LogStore) -> None:
    text = "Things_CL | summarize arg_max(Ok, *) by User | count"
    assert store._engine.run(text, QueryOptions(NOW)).rows == [[5]]


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"sqlmap/\d", "sqlmap/"), (r"abc|def", None), (r"abcd?e", "abc"), (r"(a|b)xyz", "xyz"), (r"ab{2}cdef", "cdef"),
        (r"(?i)abcdef", None), (r"a\.b\.c", "a.b.c"), (r"[]abc]def+", "def"), (r"\x41bcd", None), (r"ab", None),
        (r"\Qa|b\E", None), (r"abc*def", "def"), (r"power[^x]shell\s+-enc", "power"),
    ],
)  # fmt: skip
def test_the_text_that_a_pattern_needs(pattern: str, text: str | None) -> None:
    assert regex.required_text(pattern) == text


def test_what_a_pattern_needs_is_in_all_that_it_matches() -> None:
    patterns = ["ab?c+abc", "(abc)?cab.c", "a{0}bca", "abca*", r"c\.abc", "[abc]cab$", "^abca?b"]
    for letters in itertools.product("abc.", repeat=6):
        word = "".join(letters)
        for pattern in patterns:
            needed = regex.required_text(pattern)
            found = regex.compiled(pattern)
            assert found is not None
            assert needed is not None
            assert needed in word or not found.search(word)


NEIGHBOURS = [
    "extend X = {f}({k}) == {k} and {f}(Text) != '' and Number - {f}(Number) > 1",
    "extend X = {k} == {f}({k}) and ({f}(Ok) or {f}(Score) > 3)",
    "extend X = {f}({k}) != {k} or Number - {f}(Number) > 2",
    "extend X = {f}({k}) == {k}",
    "extend X = {f}({k}) != {k}, Y = {f}(Number)",
    "extend X = iff({k} == {f}({k}), Number - {f}(Number), -1)",
    "extend X = iff({f}({k}) != {k}, -1, Number - {f}(Number, 1))",
    "extend X = case({f}({k}) != {k}, 'first', {f}(Ok) == Ok, {f}(Text), 'other')",
    "where {f}({k}) == {k} and Number > {f}(Number) + 1 | extend X = 1",
    "extend P = {f}({k}), Q = {f}(Number) | where P == {k} | extend X = Number - Q",
    "extend P = {f}({k}) | extend Q = {f}(Number), R = {f}(Text) | where Number > 3 | where {k} == P and Q > 9 | extend X = strcat(Q, R)",
    "extend P = {f}({k}), Q = {f}(Number) | extend D = Q + 1 | extend E = {f}(D) | where P == {k} | extend X = E",
    "extend P = {f}({k}), Q = {f}(Number) | where Q > 20 | extend X = {f}(Q) | where P == {k}",
    "extend P = {f}({k}, 2), Q = {f}(Number) | where P == {k} | extend X = Q",
    "extend P = {f}({k}, 1), Q = {f}(Number, 2) | where P == {k} | extend X = Q",
    "extend P = {f}({k}) | where Ok | extend Q = {f}(Number) | where P == {k} | extend X = Q",
    "extend X = row_number(5, {f}({k}) != {k})",
    "extend X = row_cumsum(Number, {k} != {f}({k}) or Number - {f}(Number) > 3)",
    "extend X = row_cumsum(Score, {k} != {f}({k}) or {f}(User) == '' or {f}(Ok) == Ok)",
    "extend X = row_rank_dense(Ok, {f}({k}) != {k}), Y = row_number()",
    "extend X = prev({k}) == {k} and next({k}) == {k} and prev(Number) + next(Number) > 9",
]
NEVER_GROUPED = {
    # another row's value is looked at before those are gone that another group's neighbour gives one
    "extend P = {f}({k}), Q = {f}(Number) | where Q > 20 | extend X = {f}(Q) | where P == {k}",
    "extend P = {f}({k}, 2), Q = {f}(Number) | where P == {k} | extend X = Q",
}


@pytest.mark.parametrize("form", NEIGHBOURS)
def test_rows_of_groups_have_the_neighbours_that_all_rows_have(store: LogStore, form: str) -> None:
    wheres = ["true", "User == ''", "isnull(Score)", "User != ''", "Number < 1", "User in ('', 'ann')", "Number > 5000"]
    ways = ["asc", "desc", "asc nulls last", "desc nulls first"]
    keys = ("User", "Score", "Ok", "TimeGenerated")
    every = itertools.product(("prev", "next"), keys, wheres, ways, ("asc", "desc"))
    made = 0
    # a part of them, in which each meets each of the others
    for function, key, where, way, other in itertools.islice(every, None, None, 37):
        sorted_ = f"Things_CL | where {where} | sort by {key} {way}, Number {other}"
        text = f"{sorted_} | {form.format(f=function, k=key)} | project-away Device, Resources"
        plain = _rows(store, text, frozenset())
        assert _rows(store, text, frozenset({"grouped-neighbours"})) == plain, text
        made += "grouped-neighbours" in store._engine.explain(text, QueryOptions(NOW))[-1].rewrites
    assert bool(made) != (form in NEVER_GROUPED)
