"""Transformations: what the language allows, what becomes of rows, and that no row is lost."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from vedette.core.clock import VirtualClock
from vedette.core.errors import InvalidInput
from vedette.engine import cef
from vedette.engine.query import QueryFailed
from vedette.kql.binder.workspaces import WATCHLIST_FIELDS
from vedette.kql.diagnostics import KqlError
from vedette.kql.host import Items
from vedette.kql.types import Type
from vedette.store.catalog import DEAD_LETTER, Field
from vedette.store.content import WorkspaceContent
from vedette.store.intake import Intake
from vedette.store.logstore import LogStore
from vedette.store.transformations import language as transform_language
from vedette.store.transformations.transform import DataFlow, Definition, Flow, sample_columns, table_of_stream

COLUMNS = (
    Field("time", Type.DATETIME),
    Field("severity", Type.STRING),
    Field("message", Type.STRING),
    Field("count", Type.LONG),
    Field("user", Type.STRING),
    Field("detail", Type.DYNAMIC),
)
ROWS: list[dict[str, Any]] = [
    {
        "time": "2026-02-28T10:00:00Z",
        "severity": "error",
        "message": "disk full",
        "count": 3,
        "user": "bob",
        "odd": [1],
    },
    {"time": "2026-02-28T10:01:00Z", "severity": "debug", "message": "tick", "count": "many", "user": "eve"},
    {"severity": "info", "message": "started", "count": 1, "user": "mallory", "detail": {"node": "n1"}},
]


def people(department: str) -> Items:
    """A watchlist of one person."""
    return Items(
        (*WATCHLIST_FIELDS, ("user", Type.STRING), ("department", Type.STRING)),
        [("1", 0, "bob", 0, "watchlist-item", "{}", "People", "bob", department)],
    )


class _Content(WorkspaceContent):
    def __init__(self) -> None:
        super().__init__()
        self.definitions: dict[str, Definition] = {}
        self.people = people("Finance")

    def transformation(self, stream: str) -> Definition | None:
        return self.definitions.get(stream)

    def watchlist(self, alias: str, keys: Any) -> Items | None:
        return self.people if alias == "People" else None

    def watchlist_aliases(self) -> Sequence[str]:
        return ["People"]


class _World:
    def __init__(self, folder: Path, clock: VirtualClock) -> None:
        self.content = _Content()
        self.logs = LogStore(folder / "logs.duckdb", clock, content=self.content)
        self.clock = clock
        self.intake = Intake(self.logs, folder / "spool", clock)

    def define(self, *flows: tuple[str, str], columns: tuple[Field, ...] = COLUMNS, stream: str = "App_CL") -> None:
        definition = Definition(stream, tuple(DataFlow(text, table) for text, table in flows), columns)
        self.logs.transformer.compile(definition, self.clock.now())
        self.content.definitions[stream] = definition

    def send(self, rows: list[dict[str, Any]], **arguments: Any) -> None:
        self.intake.accept("App_CL", rows, source="test", **arguments)
        assert self.intake.flush()

    def ask(self, text: str) -> list[dict[str, Any]]:
        return self.logs.query(text).records()

    def refusal(self, text: str, table: str = "App_CL") -> list[tuple[str, str]]:
        """What is refused of a text: code, and the part of the text that is named."""
        with pytest.raises(KqlError) as caught:
            self.define((text, table))
        return [(one.code, text[one.start : one.start + one.length]) for one in caught.value.diagnostics]


@pytest.fixture
def world(tmp_path: Path, clock: VirtualClock) -> Iterator[_World]:
    made = _World(tmp_path, clock)
    yield made
    made.intake.close()
    made.logs.close()


def test_rows_are_filtered_and_shaped_and_keep_what_nothing_names(world: _World) -> None:
    world.define(
        ('source | where severity != "debug" | extend TimeGenerated = ["time"], Level = toupper(severity)', "App_CL")
    )
    world.send(ROWS)
    rows = world.ask(
        "App_CL | project Level, message, TimeGenerated, odd = column_ifexists('odd', dynamic(null)) | sort by Level asc"
    )
    assert [row["Level"] for row in rows] == ["ERROR", "INFO"]
    assert rows[0]["TimeGenerated"] == "2026-02-28T10:00:00.0000000Z"
    assert rows[0]["odd"] == [1]


@pytest.mark.parametrize("odd", [-1, 2**63 - 1, 7, True, "soon", [1], 1.5])
def test_a_value_that_is_no_time_stays_what_it_is_beside_times(world: _World, odd: object) -> None:
    world.define(("source", "App_CL"), ("source | project TimeGenerated, ['time']", "Times_CL"))
    world.send([{"time": "2026-02-28T10:00:00Z", "count": 1}, {"time": odd, "count": 2}, {"count": 3}])
    assert world.logs.query(DEAD_LETTER).rows == []
    for table in ("App_CL", "Times_CL"):
        kept = [row["t"] for row in world.ask(f"{table} | project t = tostring(['time'])")]
        assert sorted(kept) == ["", "", "2026-02-28T10:00:00.0000000Z"]
        with world.logs.cursor() as cursor:
            beside = cursor.execute(f'SELECT "$extra" FROM log_tables."{table}" WHERE "$extra" IS NOT NULL').fetchall()
        assert [json.loads(text)["time"] for (text,) in beside if "time" in text] == [odd]


def test_a_row_without_a_time_has_that_of_its_arrival(world: _World) -> None:
    world.define(("source | project TimeGenerated, message", "App_CL"))
    world.send(ROWS[2:])
    assert world.ask("App_CL | project TimeGenerated")[0]["TimeGenerated"].startswith("2026-03-01T12:00:00")


def test_one_stream_feeds_several_tables(world: _World) -> None:
    world.define(
        ('source | where severity == "error" | project TimeGenerated = ["time"], SeverityLevel = severity, SyslogMessage = message', "Syslog"),
        ("source | project TimeGenerated, user, Node = tostring(detail.node)", "Users_CL"),
    )  # fmt: skip
    world.send(ROWS)
    assert world.ask("Syslog | project SyslogMessage, Type") == [{"SyslogMessage": "disk full", "Type": "Syslog"}]
    assert [row["Node"] for row in world.ask("Users_CL | sort by user asc")] == ["", "", "n1"]
    assert world.logs.stored("App_CL") is None
    ids = world.ask("union Syslog, Users_CL | summarize dcount(_ItemId), count()")
    assert ids == [{"dcount__ItemId": 4, "count_": 4}]


def test_a_watchlist_enriches_and_its_changes_count(world: _World) -> None:
    world.define(
        (
            'source | lookup kind = leftouter (_GetWatchlist("People") | project user, department) on user | extend N = 1',
            "App_CL",
        )
    )
    world.send(ROWS[:1])
    world.content.people = people("Legal")
    world.send(ROWS[:1])
    assert [row["department"] for row in world.ask("App_CL | sort by _ItemId asc | project department")] == [
        "Finance",
        "Legal",
    ]


def test_a_value_of_another_type_is_kept_and_counted(world: _World) -> None:
    world.define(("source | project TimeGenerated, count, message", "App_CL"))
    world.send(ROWS)
    assert world.ask("App_CL | where isnull(count) | count") == [{"Count": 1}]
    with world.logs.cursor() as cursor:
        drifted = cursor.execute("SELECT drifted FROM store_catalog.loads WHERE table_name = 'App_CL'").fetchall()
        extra = cursor.execute('SELECT "$extra" FROM log_tables."App_CL" WHERE "$extra" IS NOT NULL').fetchall()
    assert json.loads(drifted[0][0]) == {"count": 1}
    assert json.loads(extra[0][0]) == {"count": "many"}


def test_what_fails_while_running_is_kept_whole_and_the_rest_is_stored(
    world: _World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.define(("source | extend N = 1", "App_CL"))
    run = Flow.run

    def failing(self: Flow, rows: Any, *arguments: Any) -> Any:
        if any(row["user"] == "eve" for row in rows):
            raise QueryFailed("VDT2003", "no such thing")
        return run(self, rows, *arguments)

    monkeypatch.setattr(Flow, "run", failing)
    world.send(ROWS)
    assert [row["user"] for row in world.ask("App_CL | sort by user asc")] == ["bob", "mallory"]
    kept = world.ask(f"{DEAD_LETTER} | project TableName, Reason, Raw")
    assert [one["TableName"] for one in kept] == ["App_CL"]
    assert "no such thing" in kept[0]["Reason"]
    assert json.loads(kept[0]["Raw"])["message"] == "tick"


def test_a_transformation_that_cannot_be_compiled_any_more_loses_nothing(world: _World) -> None:
    world.define(('source | lookup (_GetWatchlist("People")) on user', "App_CL"))
    found, world.content.watchlist = world.content.watchlist, lambda alias, keys: None  # type: ignore[method-assign]
    world.send(ROWS)
    assert world.ask(f"{DEAD_LETTER} | count") == [{"Count": 3}]
    world.content.watchlist = found  # type: ignore[method-assign]
    world.send(ROWS[:1])
    assert world.ask("App_CL | count") == [{"Count": 1}]


def test_a_record_that_came_before_is_not_transformed_again(world: _World) -> None:
    world.define(("source | extend N = 1", "Other_CL"))
    for _ in range(2):
        world.send(ROWS, record_ids=["a", "b", "c"])
    assert world.ask("Other_CL | count") == [{"Count": 3}]


def test_it_is_compiled_once(world: _World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.define(("source | extend N = 1", "App_CL"))
    first = world.logs.transformer.of("App_CL", world.clock.now)
    world.send(ROWS)
    assert world.logs.transformer.of("App_CL", world.clock.now) is first


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("source | summarize count() by user", "summarize"),
        ("source | join (source) on user", "join"),
        ("union source, source", "union"),
        ("source | sort by user", "sort"),
        ("source | take 5", "take"),
        ("source | distinct user", "distinct"),
        ("source | mv-expand detail", "mv-expand"),
        ("source | top 3 by user", "top"),
        ("source | evaluate bag_unpack(detail)", "evaluate"),
        ("source | project-keep user", "project-keep"),
        ("source | extend a = trim(' ', user)", "trim"),
        ("source | where user has_any ('a', 'b')", "has_any"),
        ("source | where user in~ ('a')", "in~"),
        ("source | where count between (1 .. 2)", "between"),
        ("source | where user hasprefix 'a'", "hasprefix"),
        ("source | extend d = dynamic({'a': 1})", "dynamic({'a': 1})"),
        ("set notruncation; source", "set notruncation"),
        ("let T = (x: (*)) { x | where true }; source", "x: (*)"),
        ("externaldata (a: string) ['https://example.com/a']", "externaldata (a: string) ['https://example.com/a']"),
        ("source; source", "source"),
    ],
)
def test_what_azure_refuses_is_refused_by_name_and_place(world: _World, text: str, named: str) -> None:
    assert (transform_language.UNSUPPORTED, named) in world.refusal(text)


def test_parse_takes_ten_columns_at_most(world: _World) -> None:
    stars = " ".join(f"'{letter}' c{letter}" for letter in "abcdefghijk")
    assert world.refusal(f"source | parse message with {stars} 'z'") == [(transform_language.UNSUPPORTED, "ck")]


def test_the_output_must_fit_its_table(world: _World) -> None:
    assert world.refusal("source | project user")[0][0] == "VDT0641"
    assert world.refusal("source | project TimeGenerated = user")[0][0] == "VDT0641"
    assert world.refusal("source | project TimeGenerated, SyslogMessage = count", "Syslog") == [
        ("VDT0642", "SyslogMessage")
    ]
    assert world.refusal("source | extend a = nothing")[0] == ("KS142", "nothing")
    assert world.refusal("SigninLogs")[0][1] == "SigninLogs"
    assert world.refusal("source | lookup (_GetWatchlist('Nobody')) on $left.user == $right.SearchKey")[0] == (
        "VDT1010",
        "'Nobody'",
    )


def test_definitions_are_checked(world: _World) -> None:
    for flows, stream in (
        ((("source", "Nope"),), "App_CL"),
        ((("source", "app_CL"),), "App_CL"),
        ((("source", "SentinelAudit"),), "App_CL"),
        ((), "App_CL"),
        ((("source", "A_CL"),), DEAD_LETTER),
    ):
        with pytest.raises(InvalidInput):
            world.define(*flows, stream=stream)
    with pytest.raises(InvalidInput, match="columns of the stream"):
        world.define(("source", "New_CL"), stream="New_CL", columns=())


def test_print_gives_a_row_for_each(world: _World) -> None:
    world.define(("print TimeGenerated = now(), Seen = 1", "App_CL"))
    world.send(ROWS)
    assert world.ask("App_CL | count") == [{"Count": 3}]


def test_streams_are_named_as_in_azure() -> None:
    assert [table_of_stream(name) for name in ("Custom-App", "Custom-App_CL", "Microsoft-Syslog", "App_CL")] == [
        "App_CL", "App_CL", "Syslog", "App_CL",
    ]  # fmt: skip
    for name in ("Microsoft-Nope", "Other-App", "a b"):
        with pytest.raises(InvalidInput):
            table_of_stream(name)


def test_a_sample_tells_the_columns() -> None:
    found = {field.name: field.type for field in sample_columns("App_CL", ROWS)}
    assert (found["time"], found["message"], found["detail"]) == (Type.DATETIME, Type.STRING, Type.DYNAMIC)


def test_cef_messages_become_bags(world: _World) -> None:
    text = r"<13>Feb 1 host CEF:0|Ven\|dor|Product|1.0|100|a name|5|src=10.0.0.1 msg=a \= b\nc cs1Label=x y dst=1.1.1.1"
    world.define(
        (
            "source | extend E = parse_cef_dictionary(message) | project TimeGenerated, V = E.DeviceVendor, X = E.Extension",
            "App_CL",
        )
    )
    world.send([{"message": text}])
    found = world.ask("App_CL | project V, X")[0]
    assert found["X"] == {"src": "10.0.0.1", "msg": "a = b\nc", "cs1Label": "x y", "dst": "1.1.1.1"}
    assert found["V"] == "Ven|dor"
    assert cef.dictionary("no cef at all") is None
    with pytest.raises(KqlError, match="in transformations alone"):
        world.logs.query("print parse_cef_dictionary('')")


@pytest.mark.parametrize(
    "text", ["source", "source | extend Extra = strcat(Computer, '!')", "source | where Computer != 'none'"]
)
def test_a_row_is_billed_and_named_as_without_a_transformation(world: _World, text: str) -> None:
    """Where `source` has a table's own columns, those that the store itself fills are its own to say; a row may bring them."""
    asked = "Syslog | project Computer, Type, TenantId, _BilledSize, isnotempty(_ItemId) | sort by Computer asc"
    world.define((text, "Syslog"), columns=(), stream="Syslog")
    rows = [
        {"Computer": "a", "SyslogMessage": "m" * 100}, {"Computer": "b", "_BilledSize": 5.0, "Type": "Other", "TenantId": "t"},
        {"Computer": "c"},
    ]  # fmt: skip
    world.intake.accept("Syslog", rows, source="test")
    assert world.intake.flush()
    found = [list(row.values()) for row in world.ask(asked)]
    assert [row[1] for row in found] == ["Syslog", "Other", "Syslog"]
    assert [row[2] for row in found] == [world.logs.workspace_id, "t", world.logs.workspace_id]
    sizes = [row[3] for row in found]
    assert sizes[1] == 5.0
    assert sizes[0] > 100 + sizes[2] / 2 > 100
    assert all(row[4] for row in found)
