"""Watchlists, saved functions and the unifying parsers of ASIM, as queries meet them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vedette.core.audit import Audit
from vedette.core.clock import SystemClock, VirtualClock
from vedette.core.database import State
from vedette.core.errors import InvalidInput, NotFound, VedetteError
from vedette.core.roles import SYSTEM
from vedette.core.workspaces import Workspaces
from vedette.kql.diagnostics import KqlError
from vedette.store import asim
from vedette.store.content import WorkspaceContent
from vedette.store.functions import FunctionDefinition, SavedFunctions
from vedette.store.logstore import LogStore
from vedette.store.watchlists import revisions
from vedette.store.watchlists.files import read_items
from vedette.store.watchlists.lists import MAX_ITEM, Watchlists, WatchlistSettings

NUMBER = itertools.count(1)


class Held:
    """A workspace with its content."""

    def __init__(self, state: State, clock: VirtualClock) -> None:
        self.state = state
        self.state.upgrade()
        self.workspace = Workspaces(self.state, clock).default().id
        self.watchlists = Watchlists(self.state, self.workspace, clock)
        self.functions = SavedFunctions(self.state, self.workspace, clock)
        self.audit = Audit(self.state, clock)
        self.logs = LogStore(
            None, clock, workspace_id=self.workspace, content=WorkspaceContent.of(self.state, self.workspace, clock)
        )

    def rows(self, text: str) -> list[list[object]]:
        return self.logs.query(text).rows

    def save(self, name: str, body: str, parameters: str = "") -> None:
        self.functions.put(FunctionDefinition(name, body, parameters), SYSTEM)

    def refused(self, text: str) -> str:
        with pytest.raises(KqlError) as caught:
            self.rows(text)
        return str(caught.value)


@pytest.fixture
def held(state_url: str, clock: VirtualClock) -> Iterator[Held]:
    """A workspace with its state, on SQLite and on PostgreSQL."""
    made = Held(State(state_url), clock)
    yield made
    made.logs.close()
    made.state.dispose()


KEY = WatchlistSettings(search_key="Host")
HOSTS = [{"Host": "DC01", "Owner": "ada", "Tier": 0}, {"Host": "WEB01", "Owner": "bob", "Tier": 2}]


# -- watchlists


def test_items_are_rows_with_sentinels_columns(held: Held) -> None:
    held.watchlists.put("Hosts", KEY, HOSTS, SYSTEM)
    result = held.logs.query("_GetWatchlist('Hosts')")
    assert [(column.name, column.type.value) for column in result.columns] == [
        ("_DTItemId", "string"), ("LastUpdatedTimeUTC", "datetime"), ("SearchKey", "string"),
        ("TimeGenerated", "datetime"), ("DTItemType", "string"), ("WatchlistItem", "dynamic"),
        ("WatchlistAlias", "string"), ("Host", "string"), ("Owner", "string"), ("Tier", "long"),
    ]  # fmt: skip
    assert [row[2] for row in result.rows] == ["DC01", "WEB01"]
    assert result.rows[0][5] == HOSTS[0]
    assert result.rows[0][1] == "2026-03-01T12:00:00.0000000Z"
    assert held.rows("_GetWatchlist('Hosts', dynamic(['WEB01'])) | project Owner") == [["bob"]]
    assert held.rows("let w = (a: string) { _GetWatchlist(a) | project SearchKey }; w('HOSTS') | count") == [[2]]
    assert held.rows("print x='DC01' | where x in ((_GetWatchlist('Hosts') | project SearchKey))") == [["DC01"]]
    assert held.rows("_GetWatchlistAlias()") == [["Hosts"]]
    assert held.rows("_GetWatchlistAlias | count") == [[1]]


def test_changes_are_seen_by_the_next_query(held: Held) -> None:
    held.watchlists.put("Hosts", KEY, HOSTS, SYSTEM)
    text = "_GetWatchlist('Hosts') | project Host | order by Host asc"
    assert held.rows(text) == [["DC01"], ["WEB01"]]
    change = held.watchlists.put("hosts", WatchlistSettings(), [HOSTS[0], {"Host": "SQL01"}], SYSTEM, append=True)
    assert (change.added, change.kept, change.removed, change.created) == (1, 1, 0, False)
    assert held.rows(text) == [["DC01"], ["SQL01"], ["WEB01"]]
    first = held.watchlists.items("Hosts")[0]
    held.watchlists.put_item("Hosts", {"Host": "DC09"}, SYSTEM, first.id)
    assert held.rows(text) == [["DC09"], ["SQL01"], ["WEB01"]]
    held.watchlists.delete_item("Hosts", first.id, SYSTEM)
    change = held.watchlists.put("Hosts", WatchlistSettings(), [{"Host": "A"}], SYSTEM)
    assert (change.added, change.removed) == (1, 2)
    assert held.rows("_GetWatchlist('Hosts') | project Host") == [["A"]]
    assert "Owner" in held.refused("_GetWatchlist('Hosts') | project Owner")
    held.watchlists.delete("Hosts", SYSTEM)
    assert held.rows("_GetWatchlist('Hosts') | count") == [[0]]
    assert {entry.action for entry in held.audit.entries(action="watchlists/")} == {
        "watchlists/create", "watchlists/update", "watchlists/items/write", "watchlists/items/delete",
        "watchlists/delete",
    }  # fmt: skip
    assert held.audit.verify().broken_at is None


@pytest.mark.req("P-063")
def test_revisions_keep_what_the_list_was(held: Held) -> None:
    def at(revision: int) -> list[str]:
        return [str(one.content["Host"]) for one in held.watchlists.revision("Hosts", revision)[1]]

    held.watchlists.put("Hosts", KEY, HOSTS, SYSTEM)
    first, second = held.watchlists.items("Hosts")
    held.watchlists.put_item("Hosts", {"Host": "DC09"}, SYSTEM, first.id)
    held.watchlists.put_item("Hosts", {"Host": "SQL01"}, SYSTEM)
    held.watchlists.delete_item("Hosts", second.id, SYSTEM)
    change = held.watchlists.put("Hosts", WatchlistSettings(name="Servers"), [{"Host": "DC09"}, {"Host": "X"}], SYSTEM)
    assert (change.added, change.removed, change.kept) == (1, 1, 1)
    held.watchlists.put("Hosts", WatchlistSettings(), [{"Host": "Y"}], SYSTEM, append=True)
    then = [at(number) for number in range(1, 7)]
    assert then == [
        ["DC01", "WEB01"], ["DC09", "WEB01"], ["DC09", "WEB01", "SQL01"], ["DC09", "SQL01"], ["DC09", "X"], ["DC09", "X", "Y"],
    ]  # fmt: skip
    told = held.watchlists.revisions("Hosts")
    assert [(one.revision, one.items, one.name) for one in told][:3] == [
        (6, 3, "Servers"),
        (5, 2, "Servers"),
        (4, 2, "Hosts"),
    ]
    assert told[-1].columns == ("Host", "Owner", "Tier")
    restored = held.watchlists.restore("hosts", 1, SYSTEM).watchlist
    assert (restored.revision, restored.items, restored.name, restored.columns) == (
        7,
        2,
        "Hosts",
        ("Host", "Owner", "Tier"),
    )
    assert held.rows("_GetWatchlist('Hosts') | project Host, Owner") == [["DC01", "ada"], ["WEB01", "bob"]]
    assert [at(number) for number in range(1, 7)] == then
    with pytest.raises(VedetteError, match="no revision 9") as error:
        held.watchlists.revision("Hosts", 9)
    assert "1 to 7" in str(error.value.hint)
    held.watchlists.delete("Hosts", SYSTEM)
    held.watchlists.put("Hosts", KEY, HOSTS, SYSTEM)
    assert [one.revision for one in held.watchlists.revisions("Hosts")] == [1]


def test_old_revisions_go(held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revisions, "KEPT", 4)
    for number in range(10):
        held.watchlists.put("Hosts", KEY, [{"Host": f"H{number}"}, {"Host": "same"}], SYSTEM)
    assert [one.revision for one in held.watchlists.revisions("Hosts")] == [10, 9, 8, 7]
    assert [one.content["Host"] for one in held.watchlists.revision("Hosts", 7)[1]] == ["H6", "same"]
    monkeypatch.setattr(revisions, "MOST_FORMER", 2)
    held.watchlists.put("Hosts", KEY, [{"Host": "Z"}, {"Host": "same"}], SYSTEM)
    assert [one.revision for one in held.watchlists.revisions("Hosts")] == [11, 10, 9]
    assert [one.content["Host"] for one in held.watchlists.revision("Hosts", 9)[1]] == ["H8", "same"]


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(steps=st.lists(st.tuples(st.sampled_from("pad"), st.lists(st.integers(0, 5), max_size=5)), max_size=8))
def test_every_revision_is_what_was_there(held: Held, steps: list[tuple[str, list[int]]]) -> None:
    alias = f"List{next(NUMBER)}"
    held.watchlists.put(alias, KEY, [{"Host": "a"}], SYSTEM)
    were = [["a"]]
    for step, numbers in steps:
        items = [{"Host": str(number)} for number in numbers]
        there = held.watchlists.items(alias)
        if step == "d" and there:
            held.watchlists.delete_item(alias, there[len(numbers) % len(there)].id, SYSTEM)
        else:
            held.watchlists.put(alias, WatchlistSettings(), items, SYSTEM, append=step == "a")
        were.append([str(one.content["Host"]) for one in held.watchlists.items(alias)])
    for number, were_there in enumerate(were, 1):
        assert [one.content["Host"] for one in held.watchlists.revision(alias, number)[1]] == were_there


def test_an_unknown_alias_gives_no_rows_and_a_warning(held: Held) -> None:
    held.watchlists.put("Hosts", KEY, HOSTS, SYSTEM)
    assert held.rows("_GetWatchlist('Host') | count") == [[0]]
    check = held.logs.check("_GetWatchlist('Host') | where AnyColumn == 'x' | project SearchKey, Another")
    assert check.columns is not None
    (warning,) = check.diagnostics
    assert (warning.code, warning.severity, warning.start) == ("VDT1010", "Warning", 14)
    assert "did you mean 'Hosts'" in warning.message
    known = held.logs.check("_GetWatchlist('Hosts') | project Nothing")
    assert [one.code for one in known.diagnostics] == ["KS142"]  # the columns of one that is there are known


@pytest.mark.parametrize(
    ("alias", "settings", "items", "message"),
    [
        ("ab", KEY, [], "cannot be the alias"),
        ("-abc", KEY, [], "cannot be the alias"),
        ("abc", WatchlistSettings(), [], "needs a search key"),
        ("abc", KEY, [{"Hots": "x"}], "no column 'Host'"),
        ("abc", KEY, [{"Host": "x" * MAX_ITEM}], "Item 1 has"),
        ("abc", KEY, [{"Host": 1}, {"": 2}], "Item 2 has a column without a name"),
        ("abc", KEY, [{f"c{n}": 1 for n in range(300)}], "300 columns"),
    ],
)
def test_what_cannot_be_a_watchlist_changes_nothing(
    held: Held, alias: str, settings: WatchlistSettings, items: list[dict[str, object]], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        held.watchlists.put(alias, settings, items, SYSTEM)
    assert held.watchlists.list() == []
    with pytest.raises(NotFound):
        held.watchlists.get(alias)


def test_files_of_items() -> None:
    expected = [{"a": "1", "b": "x,y"}, {"a": "2", "b": ""}]
    assert read_items(b'\xef\xbb\xbfa,b\r\n1,"x,y"\r\n2,\r\n\r\n', "f.csv") == expected
    assert read_items(b"a\tb\n1\tx,y\n2\t\n", "f.tsv") == expected
    assert read_items(b'sep=;\r\na;b\r\n1;"x,y"\r\n2;\r\n', "f.csv") == expected, (
        "what Excel makes where commas are in numbers"
    )
    assert read_items('"a;x"\tb\n1\tx,y\n'.encode("utf-16"), "f.txt") == [{"a;x": "1", "b": "x,y"}], (
        "Excel's Unicode text"
    )
    assert read_items(b'#TYPE System.Object\n"a","b"\n"1","x,y"\n"2",""\n', "f.csv") == expected
    assert read_items(b"sep=|\na|b,c\n1|2\n", "f.csv") == [{"a": "1", "b,c": "2"}]
    assert read_items(b"a\n1\n", "f.csv") == [{"a": "1"}]
    assert read_items(b'[{"a": 1}]', "f.json") == [{"a": 1}]
    assert read_items(b'{"a": 1}\n{"a": [2]}\n', "f.jsonl") == [{"a": 1}, {"a": [2]}]
    for content, name, line in (
        (b"a,b\n1\n", "f.csv", 2),
        (b"a,a\n", "f.csv", 1),
        (b"sep=,\na,b\n1\n", "f.csv", 3),
        (b'{"a":\n', "f.jsonl", 1),
    ):
        with pytest.raises(InvalidInput) as caught:
            read_items(content, name)
        assert caught.value.line == line
    with pytest.raises(InvalidInput, match="not text in UTF-8"):
        read_items("a\ncafé\n".encode("latin-1"), "f.csv")


# -- saved functions


def test_functions_are_called_like_any_other(held: Held) -> None:
    held.save("Numbers", "range n from 1 to top step 1", "top: long = 3")
    held.save("Even", "T | where n % 2 == 0", "T: (n: long)")
    held.save("Twice", "Numbers(most) | extend d = Double(n)", "most: long")
    held.save("Double", "x * 2", "x: long")
    held.save("Plain", "Numbers | count;")
    assert held.rows("Numbers | summarize sum(n)") == [[6]]
    assert held.rows("Numbers(top=4) | invoke Even()") == [[2], [4]]
    assert held.rows("Even(Numbers(2))") == [[2]]
    assert held.rows("Twice(2) | project d") == [[2], [4]]
    assert held.rows("Plain") == [[3]]
    assert held.rows("print Double(21)") == [[42]]
    assert held.rows("union Numbers(1), Plain() | count") == [[2]]
    # a name of the query goes before one of the workspace
    assert held.rows("let Numbers = print n = 9; Numbers") == [[9]]


def test_what_is_computed_once_is_so_for_each_call(held: Held) -> None:
    held.save("Last", "let m = materialize(range n from 1 to top step 1); m | where n == toscalar(m | summarize max(n))", "top: long")  # fmt: skip
    assert held.rows("union Last(2), Last(5) | order by n asc") == [[2], [5]]


def test_a_fault_names_the_function_and_the_place(held: Held) -> None:
    held.save("Inner", "print a = 1\n| extend b = nothing")
    held.save("Outer", "Inner\n| count")
    message = held.refused("print x = 1;\nOuter")
    assert message.startswith("in the function 'Outer', line 1, column 1: in the function 'Inner', line 2, column 14:")
    assert "'nothing'" in message
    check = held.logs.check("  Outer")
    assert (check.diagnostics[0].start, check.diagnostics[0].length) == (2, 5)


def test_functions_that_call_themselves_are_refused(held: Held) -> None:
    held.save("A", "B | count")
    held.save("B", "A | count")
    held.save("Self", "Self()")
    held.save("Value", "Value(x) + 1", "x: long")
    assert "calls itself (A → B → A)" in held.refused("A")
    assert "calls itself" in held.refused("Self")
    assert "calls itself" in held.refused("print Value(1)")


def test_revisions_and_what_cannot_be_saved(held: Held) -> None:
    held.save("F", "print 1")
    held.save("F", "print 1")
    held.save("F", "print 2")
    assert [one.definition.body for one in held.functions.revisions("F")] == ["print 2", "print 1"]
    assert held.functions.get("F").revision == 2
    for name, body, parameters, message in (
        ("F", "print 1 |", "", "line 1, column"),
        ("F", "print 1", "x: nothing", "parameters of the function 'F'"),
        ("F", "let x = 1;", "", "no expression"),
        ("1F", "print 1", "", "cannot be the name"),
    ):
        with pytest.raises(InvalidInput, match=message):
            held.save(name, body, parameters)
    held.functions.delete("F", SYSTEM)
    assert "did you mean" not in held.refused("F")
    assert [entry.action for entry in held.audit.entries(action="functions/")] == [
        "functions/delete", "functions/update", "functions/create",
    ]  # fmt: skip


# -- ASIM


@pytest.fixture(scope="module")
def bare() -> Iterator[LogStore]:
    """A workspace without anything of its own."""
    with LogStore(None, SystemClock()) as store:
        yield store


@pytest.mark.parametrize("name", sorted(name for name in asim.names() if name.startswith(("_Im_", "ASim"))))
def test_every_unifying_parser_binds_and_gives_no_rows_without_sources(bare: LogStore, name: str) -> None:
    schema = next(one for one in asim.schemas().values() if name.removeprefix("_Im_").removeprefix("ASim") in one.names)
    columns = {column.name: column.type.value for column in bare.check(name).columns or ()}
    assert {column: columns.get(column) for column in schema.columns} == dict(schema.columns)
    assert bare.query(f"{name}() | count").rows == [[0]]


def test_sources_are_united_and_filtered(held: Held) -> None:
    table = "datatable(DnsQuery: string, EventResultDetails: string, SrcIpAddr: string, EventType: string)"
    held.save(
        "vimDnsSensor",
        f"{table}['a.example', 'NXDOMAIN', '192.0.2.7', 'Query', 'b.example', 'NOERROR', '192.0.2.8', 'Query']\n"
        "| where responsecodename == '*' or EventResultDetails =~ responsecodename | extend Told = responsecodename",
        "responsecodename: string = '*', disabled: bool = false",
    )
    held.save("ASimDnsSensor", "print error = nothing()")  # the other of the pair, which is not asked
    held.save("ASimDnsPlain", f"{table}['c.example', 'NXDOMAIN', '198.51.100.1', 'Query']")
    held.save("vimDnsEmpty", "print error = nothing()")
    held.logs.append(
        "ASimDnsActivityLogs", [{"DnsQuery": "d.example", "EventResultDetails": "NXDOMAIN", "EventType": "Query"}]
    )
    names = " | project DnsQuery | order by DnsQuery asc"
    assert held.rows("_Im_Dns" + names) == [["a.example"], ["b.example"], ["c.example"], ["d.example"]]
    assert held.rows("_Im_Dns(responsecodename='nxdomain')" + names) == [["a.example"], ["c.example"], ["d.example"]]
    assert held.rows("imDns(srcipaddr=dynamic(['192.0.2.7']))" + names) == [["a.example"]]
    assert held.rows("_Im_Dns(domain_has_any=dynamic(['b.example', 'c.example']))" + names) == [
        ["b.example"], ["c.example"],
    ]  # fmt: skip
    assert held.rows("_Im_Dns(responsecodename='NXDOMAIN') | where isnotempty(Told) | project Told") == [["NXDOMAIN"]]
    assert held.rows("_Im_Dns(disabled=true) | count") == [[0]]
    assert held.rows("_Im_Dns | where DnsQuery == 'd.example' | project DnsResponseCodeName") == [["NXDOMAIN"]]


def test_a_mistyped_parser_is_told_the_nearest(held: Held) -> None:
    held.save("MyParser", "print 1")
    assert "did you mean '_Im_Authentication'?" in held.refused("_Im_Authentcation | count")
    assert "did you mean 'imAuthentication'?" in held.refused("imAuthentcation")
    assert "did you mean 'MyParser'?" in held.refused("MyParsr | count")


def test_a_saved_parser_goes_before_the_built_in_one(held: Held) -> None:
    held.save("imDns", "print mine = 1")
    assert held.rows("imDns") == [[1]]


def test_the_schemas_own_words_lead_to_their_sources() -> None:
    processes = asim.schemas()["ProcessEvent"]
    found = asim.sources(
        processes, ["vimProcessCreateSysmon", "vimProcessEventX", "ASimProcessEventY", "vimFileEventZ"]
    )
    assert found == ["ASimProcessEventY", "vimProcessCreateSysmon", "vimProcessEventX"]


def test_the_functions_of_a_workspace_over_its_own_tables_are_built_in(held: Held) -> None:
    told = [
        ("Warning", "rows-dropped"),
        ("Failed", "store-unavailable"),
        ("Error", "x"),
        ("Succeeded", "store-unavailable"),
    ]
    held.logs.append(
        "Operation", [
            {"OperationStatus": status, "OperationKey": key, "OperationCategory": "Ingestion", "Detail": f"It is {key}."}
            for status, key in told
        ],
    )  # fmt: skip
    assert held.rows("_LogOperation | where Category == 'Ingestion' | project Operation, Level, Detail | sort by Level asc") == [
        ["store-unavailable", "Error", "It is store-unavailable."], ["x", "Error", "It is x."],
        ["store-unavailable", "Info", "It is store-unavailable."], ["rows-dropped", "Warning", "It is rows-dropped."],
    ]  # fmt: skip
    assert held.rows(
        "union _SentinelHealth, _SentinelAudit() | where SentinelResourceType =~ 'analytics rule' | count"
    ) == [[0]]
    held.save("_SentinelHealth", "print Own = 1")
    assert held.rows("_SentinelHealth") == [[1]]
    assert {"_LogOperation", "_SentinelAudit", "_SentinelHealth"} <= set(held.logs.host.function_names())


@pytest.mark.parametrize(
    "name", ["ago", "tostring", "count", "make_set", "prev", "materialize", "_GetWatchlist", "SigninLogs"]
)
def test_a_function_has_no_name_that_queries_find_something_else_by(held: Held, name: str) -> None:
    with pytest.raises(InvalidInput, match=f"'{name}' is a (function of the language|table of Log Analytics)"):
        held.save(name, "print 1")
    held.save(name.upper() + "_", "print 1")


def test_a_name_of_the_language_stays_what_it_is_beside_a_function_of_old(
    held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("vedette.store.functions.check", lambda _: None)
        for name in ("ago", "tostring", "now"):
            held.save(name, "print Own = 1")
    assert held.rows(
        "let then = ago(1d); let text = tostring(5); print text, then < now(), iff(then == ago(1d), 'as ever', '')"
    ) == [["5", True, "as ever"]]


def test_a_parameter_stands_once(held: Held) -> None:
    with pytest.raises(InvalidInput, match="two parameters 'x'"):
        held.save("Twice", "print x", "x: long, y: long = 1, x: string")
