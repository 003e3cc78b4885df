"""Loading files into a store, and what a query then finds."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from blake3 import blake3

from tests.plugins.state import NOON
from tests.store.conftest import WORKSPACE, WriteFile
from vedette.core.clock import VirtualClock
from vedette.core.errors import VedetteError
from vedette.store.inserting import Inserter
from vedette.store.logstore import LogStore
from vedette.store.report import LoadOptions, LoadProgress, Outcome

Ask = Callable[[str], list[list[Any]]]
SIGN_INS = [
    {
        "TimeGenerated": "2021-08-02T13:11:39.7747609Z",
        "UserPrincipalName": "ann@contoso.com",
        "ResultType": 0,
        "RiskScore_x": {"a": 1},
    },
    {
        "TimeGenerated": "2021-08-02T14:00:00+02:00",
        "UserPrincipalName": "bob@contoso.com",
        "DeviceDetail": '{"os": "Windows"}',
    },
    {
        "TimeGenerated": "2021-08-02T11:00:00Z",
        "UserPrincipalName": "eve@contoso.com",
        "IsInteractive": "perhaps",
        "Extra": "x",
    },
]


def test_rows_of_a_known_table(store: LogStore, write: WriteFile, ask: Ask) -> None:
    report = store.load([write("SigninLogs/a.jsonl.gz", SIGN_INS)])
    assert (report.rows, report.bad, report.failed) == (3, 0, [])
    (file,) = report.files
    assert (file.table, file.outcome, file.new_table) == ("SigninLogs", Outcome.LOADED, True)
    assert file.drifted == {"IsInteractive": 1}
    assert file.extra == ("Extra", "RiskScore_x")
    assert ask("SigninLogs | sort by TimeGenerated asc | project TimeGenerated, UserPrincipalName, ResultType") == [
        ["2021-08-02T11:00:00.0000000Z", "eve@contoso.com", ""],
        ["2021-08-02T12:00:00.0000000Z", "bob@contoso.com", ""],
        ["2021-08-02T13:11:39.7747609Z", "ann@contoso.com", "0"],
    ]
    assert ask("SigninLogs | where DeviceDetail.os == 'Windows' | count") == [[1]]


def test_loading_does_not_change_a_known_schema(store: LogStore, write: WriteFile) -> None:
    before = store.describe("SigninLogs").fields
    store.load([write("SigninLogs/a.jsonl", SIGN_INS)])
    assert store.describe("SigninLogs").fields == before
    assert [(c.name, c.type) for c in store.query("SigninLogs").columns] == [(f.name, f.type) for f in before]


def test_unknown_fields_are_within_reach(store: LogStore, write: WriteFile, ask: Ask) -> None:
    store.load([write("SigninLogs/a.jsonl", SIGN_INS)])
    assert ask("SigninLogs | where column_ifexists('Extra', '') == 'x' | project UserPrincipalName") == [
        ["eve@contoso.com"]
    ]
    assert ask("SigninLogs | extend s = column_ifexists('RiskScore_x', dynamic(null)).a | where s == 1 | count") == [
        [1]
    ]


def test_what_does_not_convert_is_null_and_kept(store: LogStore, write: WriteFile, ask: Ask) -> None:
    store.load([write("SigninLogs/a.jsonl", SIGN_INS)])
    assert ask("SigninLogs | where isnotnull(IsInteractive) | count") == [[0]]
    cursor = store._cursor()
    assert cursor.execute(
        'SELECT "$extra" FROM log_tables."SigninLogs" WHERE "$extra" LIKE \'%perhaps%\''
    ).fetchall() == [('{"IsInteractive":"perhaps","Extra":"x"}',)]


def test_what_every_row_has(store: LogStore, write: WriteFile, ask: Ask) -> None:
    rows = [
        {"TimeGenerated": "2021-08-02T00:00:00Z", "Computer": "a"},
        {
            "TimeGenerated": "2021-08-02T00:00:01Z",
            "Computer": "b",
            "TenantId": "t",
            "_ItemId": "i",
            "_BilledSize": 7,
            "Type": "Y",
        },
    ]
    store.load([write("SecurityEvent/a.jsonl", rows)])
    first, second = ask(
        "SecurityEvent | sort by Computer asc | project TenantId, Type, _ItemId, _BilledSize, _TimeReceived, SourceSystem"
    )
    assert first[:2] == [WORKSPACE, "SecurityEvent"]
    assert first[3:] == [len(json.dumps(rows[0])), "2026-03-01T12:00:00.0000000Z", ""]
    assert len(first[2]) == 36
    assert second == ["t", "Y", "i", 7.0, "2026-03-01T12:00:00.0000000Z", ""]
    assert ask("SecurityEvent | project t = ingestion_time() | take 1") == [["2026-03-01T12:00:00.0000000Z"]]
    both = "union withsource = Source SecurityEvent, (print x = 1) | extend t = ingestion_time()"
    assert ask(f"{both} | summarize t = max(t), nulls = countif(isnull(t)) by Source | sort by Source asc") == [
        ["SecurityEvent", "2026-03-01T12:00:00.0000000Z", 0],
        ["union_arg1", None, 1],
    ]


def test_item_ids_are_the_same_wherever_the_file_is_loaded(
    tmp_path: Path, clock: VirtualClock, write: WriteFile
) -> None:
    path = write("SecurityEvent/a.jsonl", [{"EventID": n} for n in range(100)])
    found = []
    for _ in range(2):
        with LogStore(None, clock) as store:
            store.load([path])
            found.append(sorted(map(str, store.query("SecurityEvent | project EventID, _ItemId").rows)))
    assert found[0] == found[1]
    assert len(set(found[0])) == 100
    with LogStore(None, clock) as store:
        for _ in range(2):
            store.load([path], LoadOptions(again=True))
        assert store.query("SecurityEvent | distinct _ItemId | count").rows == [[200]]


def test_names_that_differ_by_case(store: LogStore, write: WriteFile, ask: Ask) -> None:
    store.load([write("CloudAppEvents/a.jsonl", [{"ISP": "A", "Isp": "b", "isp": "c"}])])
    assert ask("CloudAppEvents | project ISP, Isp, x = column_ifexists('isp', '')") == [["A", "b", "c"]]
    store.load([write("Odd_CL/a.jsonl", [{"a": 1, "A": "x", "$load": 5, "$Load": 6, 'q"uote': True, "$extra": [1]}])])
    assert ask("Odd_CL | project a, A, ['$load'], ['$Load'], ['q\"uote'], ['$extra']") == [[1, "x", 5, 6, True, [1]]]


def test_tables_whose_names_differ_by_case(store: LogStore, write: WriteFile, ask: Ask) -> None:
    store.load([write("Things_CL/a.jsonl", [{"a": 1}]), write("things_CL/a.jsonl", [{"a": 2}])])
    assert ask("Things_CL | project a") == [[1]]
    assert ask("things_CL | project a") == [[2]]


# -- unknown tables


def test_an_unknown_table_gets_its_inferred_schema(store: LogStore, write: WriteFile, ask: Ask) -> None:
    rows = [
        {"when": "2021-08-02T00:00:00Z", "n": 1, "ok": True, "who": {"name": "x"}},
        {"n": 2.5, "text": "a", "nothing": None},
    ]
    report = store.load([write("Things_CL/a.jsonl", rows)])
    assert report.files[0].new_table
    assert ask("Things_CL | getschema | project ColumnName, ColumnType | take 5") == [
        ["when", "datetime"], ["n", "real"], ["ok", "bool"], ["who", "dynamic"], ["text", "string"],
    ]  # fmt: skip
    assert ask("Things_CL | where n > 2 | project text") == [["a"]]
    assert store.describe("Things_CL").fields[5].name == "TenantId"


def test_the_schema_is_inferred_over_all_files_of_a_call(store: LogStore, write: WriteFile, ask: Ask) -> None:
    store.load([write("Things/a.jsonl", [{"n": 1}]), write("Things/b.csv", "n,m\n1.5,007\n")])
    assert ask("Things | project n, m | sort by n asc") == [[1.0, ""], [1.5, "007"]]


def test_a_remembered_schema_grows_but_does_not_change(store: LogStore, write: WriteFile, ask: Ask) -> None:
    store.load([write("Things_CL/a.jsonl", [{"n": 1}])])
    report = store.load([write("Things_CL/b.jsonl", [{"n": "many", "new": "x"}])])
    assert report.files[0].drifted == {"n": 1}
    assert not report.files[0].new_table
    assert ask("Things_CL | project n, new | sort by new asc") == [[1, ""], [None, "x"]]


def test_a_name_that_may_be_a_slip_is_noted(store: LogStore, write: WriteFile) -> None:
    report = store.load([write("SecurityEvents/a.jsonl", [{"EventID": 1}])])
    assert report.notes == [
        "SecurityEvents is not a known table, so its columns were inferred; did you mean SecurityEvent?"
    ]


# -- bad lines


def test_bad_lines_are_put_aside_and_nothing_else_is_lost(store: LogStore, write: WriteFile, ask: Ask) -> None:
    good = [json.dumps({"EventID": n}).encode() for n in range(30_000)]
    good[12_345] = b'{"EventID": '
    good[29_999] = b"\xff\xfe"
    path = write("SecurityEvent/a.jsonl", b"\n".join(good))
    report = store.load([path])
    assert (report.rows, report.bad) == (29_998, 2)
    assert ask("SecurityEvent | summarize count(), sum(EventID)") == [[29_998, sum(range(30_000)) - 12_345 - 29_999]]
    assert ask(
        "VedetteDeadLetter_CL | sort by Line asc | project TableName, Source, Line, Offset, Reason, Raw, TimeGenerated"
    ) == [
        ["SecurityEvent", str(path), 12_346, sum(map(len, good[:12_345])) + 12_345, "invalid JSON at character 13: unexpected end of data",
         '{"EventID": ', "2026-03-01T12:00:00.0000000Z"],
        ["SecurityEvent", str(path), 30_000, sum(map(len, good[:29_999])) + 29_999, "invalid UTF-8 at byte 1: invalid start byte",
         "\\xff\\xfe", "2026-03-01T12:00:00.0000000Z"],
    ]  # fmt: skip


def test_nothing_of_a_gzip_that_ends_early_is_loaded(store: LogStore, write: WriteFile, ask: Ask) -> None:
    import random

    source = random.Random(1)
    content = b"".join(b'{"CommandLine":"%s"}\n' % source.randbytes(50).hex().encode() for _ in range(200_000))
    path = write("SecurityEvent/a.jsonl.gz", content)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    report = store.load([path])
    assert report.rows == 0
    (failed,) = report.failed
    assert failed.error is not None
    assert "ends early" in str(failed.error)
    assert 90_000 < (failed.error.line or 0) < 110_000
    assert ask("SecurityEvent | count") == [[0]]
    assert ask("VedetteDeadLetter_CL | count") == [[0]]
    path.write_bytes(whole)  # copied again, it is loaded whole and once
    assert store.load([path]).rows == 200_000
    assert ask("SecurityEvent | count") == [[200_000]]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("SecurityEvent/a.jsonl.gz", b"\x1f\x8b\x08\x00broken", "is not valid gzip"),
        ("SecurityEvent/a.parquet", b"no", "cannot be read as Parquet"),
        ("SecurityEvent/a.csv", b"a,a\n1,2\n", "more than once"),
        ("New_CL/a.csv", b"a,a\n1,2\n", "more than once"),
    ],
)
def test_a_file_that_cannot_be_read_adds_nothing_and_stops_nothing(
    store: LogStore, write: WriteFile, name: str, content: bytes, words: str
) -> None:
    bad = write(name.removesuffix(".gz"), content)
    if name.endswith(".gz"):
        bad = bad.rename(bad.with_name("a.jsonl.gz"))
    good = write("SigninLogs/a.jsonl", SIGN_INS)
    report = store.load([bad, good])
    assert [file.outcome for file in report.files] == [Outcome.FAILED, Outcome.LOADED]
    error = report.failed[0].error
    assert error is not None
    assert words in str(error)
    assert str(bad) in str(error)
    assert [info.name for info in store.tables()] == ["SigninLogs"]
    assert not (store.host.table("New_CL"))
    assert json.dumps(report.to_dict())


def test_a_file_whose_reading_is_refused(store: LogStore, write: WriteFile, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write("SigninLogs/a.jsonl", SIGN_INS)
    original = Path.open

    def refuse(self: Path, *args: Any, **kwargs: Any) -> Any:
        if self == path:
            raise PermissionError(13, "Permission denied", str(path))
        return original(self, *args, **kwargs)

    monkeypatch.setattr(Path, "open", refuse)
    report = store.load([path])
    assert str(report.failed[0].error) == f"The file {path} may not be read by this user."


def test_a_path_that_is_not_there_loads_nothing(store: LogStore, write: WriteFile) -> None:
    with pytest.raises(VedetteError, match="There is no file"):
        store.load([write("SigninLogs/a.jsonl", SIGN_INS), Path("none.jsonl")])
    assert store.tables() == []


# -- the same file


def test_the_same_content_is_loaded_once(store: LogStore, write: WriteFile, ask: Ask) -> None:
    first = write("SigninLogs/a.jsonl", SIGN_INS)
    same = write("SigninLogs/copy.jsonl", SIGN_INS)
    report = store.load([first, same])
    assert [file.outcome for file in report.files] == [Outcome.LOADED, Outcome.PRESENT]
    assert store.load([first]).rows == 0
    assert ask("SigninLogs | count") == [[3]]
    assert store.load([first], LoadOptions(again=True)).rows == 3
    assert ask("SigninLogs | count") == [[6]]
    assert store.load([first], LoadOptions(table="AuditLogs")).rows == 3


@pytest.mark.parametrize("form", ["jsonl", "jsonl.gz", "json", "csv", "parquet"])
def test_a_content_is_known_by_its_digest_however_it_was_read(store: LogStore, tmp_path: Path, form: str) -> None:
    """The digest is made of the bytes as they pass, where they all do."""
    path = tmp_path / f"Kept_CL.{form}"
    rows = [{"Number": n, "Text": f"row {n}"} for n in range(2_000)]
    lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
    if form == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        path.write_bytes(
            {
                "jsonl": lines,
                "jsonl.gz": gzip.compress(lines),
                "json": json.dumps(rows).encode() + b" \n",
                "csv": b"Number,Text\n" + "".join(f"{row['Number']},{row['Text']}\n" for row in rows).encode(),
            }[form]
        )
    assert store.load([path], LoadOptions(table="Kept_CL")).rows == len(rows)
    kept = store._cursor().execute("SELECT sha256 FROM store_catalog.loads").fetchall()
    assert kept == [("b3:" + blake3(path.read_bytes()).hexdigest(),)]


@pytest.mark.parametrize("mark, kind", [("b2:", "blake2b"), ("", "sha256")])
def test_what_an_earlier_version_loaded_is_known(store: LogStore, write: WriteFile, mark: str, kind: str) -> None:
    path = write("SigninLogs/a.jsonl", SIGN_INS)
    assert store.load([path]).rows == 3
    own = hashlib.blake2b(path.read_bytes(), digest_size=32) if kind == "blake2b" else hashlib.sha256(path.read_bytes())
    store._cursor().execute("UPDATE store_catalog.loads SET sha256 = ?", [mark + own.hexdigest()]).fetchall()
    assert [file.outcome for file in store.load([path]).files] == [Outcome.PRESENT]
    path.write_bytes(path.read_bytes().replace(b"ann@", b"amy@"))  # as long as the other
    assert [file.outcome for file in store.load([path]).files] == [Outcome.LOADED]


def test_a_file_that_has_grown_is_another_file(store: LogStore, write: WriteFile, ask: Ask) -> None:
    store.load([write("SigninLogs/a.jsonl", SIGN_INS[:1])])
    assert store.load([write("SigninLogs/a.jsonl", SIGN_INS[:2])]).rows == 2


def test_what_is_loaded_is_known_after_a_restart(tmp_path: Path, clock: VirtualClock, write: WriteFile) -> None:
    path = write("Things_CL/a.jsonl", [{"a": 1, "B": {"c": 2}}])
    signs = write("SigninLogs/a.jsonl", SIGN_INS)
    file = tmp_path / "logs.duckdb"
    with LogStore(file, clock) as store:
        store.load([path, signs])
        before = (store.describe("Things_CL"), store.describe("SigninLogs"), store.tables())
        rows = store.query("SigninLogs | sort by TimeGenerated asc").rows
    with LogStore(file, clock) as store:
        assert (store.describe("Things_CL"), store.describe("SigninLogs"), store.tables()) == before
        assert store.query("SigninLogs | sort by TimeGenerated asc").rows == rows
        assert store.load([path, signs]).rows == 0


# -- time


def test_rows_without_a_time_are_stamped(store: LogStore, write: WriteFile, ask: Ask) -> None:
    rows = [
        {"EventID": 1},
        {"EventID": 2, "TimeGenerated": "2020-01-01T00:00:00Z"},
        {"EventID": 3, "TimeGenerated": ""},
    ]
    report = store.load([write("SecurityEvent/a.jsonl", rows)])
    assert report.files[0].stamped == 2
    stamp = datetime(2021, 5, 6, 7, 8, 9, tzinfo=UTC)
    store.load(
        [write("SecurityEvent/b.jsonl", [{"EventID": 4}, {"EventID": 5, "TimeGenerated": "soon"}])],
        LoadOptions(stamp=stamp),
    )
    assert ask("SecurityEvent | sort by EventID asc | project TimeGenerated") == [
        ["2026-03-01T12:00:00.0000000Z"], ["2020-01-01T00:00:00.0000000Z"], ["2026-03-01T12:00:00.0000000Z"],
        ["2021-05-06T07:08:09.0000000Z"], ["2021-05-06T07:08:09.0000000Z"],
    ]  # fmt: skip


def test_every_datetime_is_shifted_by_one_delta(store: LogStore, write: WriteFile, ask: Ask) -> None:
    signs = [
        {"TimeGenerated": "2021-08-02T10:00:00.1234567Z", "CreatedDateTime": "2021-08-02T09:00:00Z", "Id": "a"},
        {"TimeGenerated": "2021-08-01T10:00:00Z", "CreatedDateTime": "0001-01-01T00:00:00Z", "Id": "b"},
        {"CreatedDateTime": "2021-08-02T09:00:00Z", "Id": "c"},
    ]
    events = [{"TimeGenerated": "2021-08-03T00:00:00Z"}]
    paths = [write("SigninLogs/a.jsonl", signs), write("SecurityEvent/a.jsonl", events)]
    target = datetime(2026, 1, 1, tzinfo=UTC)
    report = store.load(paths, LoadOptions(shift_to=target))
    assert report.shifted == target - datetime(2021, 8, 3, tzinfo=UTC)
    assert ask("SecurityEvent | project TimeGenerated") == [["2026-01-01T00:00:00.0000000Z"]]
    assert ask("SigninLogs | sort by Id asc | project TimeGenerated, CreatedDateTime") == [
        ["2025-12-31T10:00:00.1234567Z", "2025-12-31T09:00:00.0000000Z"],
        ["2025-12-30T10:00:00.0000000Z", "0005-06-01T00:00:00.0000000Z"],
        ["2026-03-01T12:00:00.0000000Z", "2025-12-31T09:00:00.0000000Z"],
    ]


def test_shifting_into_the_past_leaves_the_placeholder_for_never(store: LogStore, write: WriteFile, ask: Ask) -> None:
    rows = [
        {
            "TimeGenerated": "2021-08-02T10:00:00Z",
            "StartTime": "0001-01-01T00:00:00Z",
            "EndTime": "9999-12-31T23:59:59.9999999Z",
        }
    ]
    store.load([write("SecurityAlert/a.jsonl", rows)], LoadOptions(shift_to=datetime(2020, 1, 1, tzinfo=UTC)))
    store.load([write("SecurityAlert/b.jsonl", rows * 2)], LoadOptions(shift_to=datetime(2022, 1, 1, tzinfo=UTC)))
    found = ask("SecurityAlert | sort by TimeGenerated asc | project TimeGenerated, StartTime, EndTime")
    assert found[0][:2] == ["2020-01-01T00:00:00.0000000Z", "0001-01-01T00:00:00.0000000Z"]
    assert found[1][0] == "2022-01-01T00:00:00.0000000Z"
    assert found[1][2] == "9999-12-31T23:59:59.9999999Z"


def test_shifting_where_no_row_has_a_time(store: LogStore, write: WriteFile) -> None:
    report = store.load([write("SecurityEvent/a.jsonl", [{"EventID": 1}])], LoadOptions(shift_to=NOON))
    assert report.rows == 1
    assert report.shifted is None
    assert report.notes == ["No row has a TimeGenerated, so there was nothing to shift."]


# -- forms


def test_csv_and_parquet(store: LogStore, write: WriteFile, ask: Ask, tmp_path: Path) -> None:
    store.load(
        [
            write(
                "SecurityEvent/a.csv.gz",
                'TimeGenerated [UTC],EventID,Account\n"8/2/2021, 1:11:39.770 PM",4688,"a,b"\n,x,c\n',
            )
        ]
    )
    table = pa.table(
        {
            "TimeGenerated": pa.array([1627909899770001000], pa.timestamp("ns")),
            "EventID": pa.array([4625], pa.int64()),
            "Account": ["d"],
            "TimeText": pa.array([1627909899770001], pa.timestamp("us")),
        }
    )
    path = tmp_path / "SecurityEvent.parquet"
    pq.write_table(table, path)
    report = store.load([path], LoadOptions(table="SecurityEvent"))
    assert report.rows == 1
    assert ask("SecurityEvent | sort by Account asc | project TimeGenerated, EventID, Account") == [
        ["2021-08-02T13:11:39.7700000Z", 4688, "a,b"],
        ["2026-03-01T12:00:00.0000000Z", None, "c"],
        ["2021-08-02T13:11:39.7700010Z", 4625, "d"],
    ]
    assert ask("SecurityEvent | where Account == 'd' | project column_ifexists('TimeText', '')") == [
        ["2021-08-02T13:11:39.7700010Z"]
    ]


def test_what_parquet_states_and_a_column_does_not_take_is_kept_as_text(
    store: LogStore, ask: Ask, tmp_path: Path
) -> None:
    table = pa.table(
        {
            "TimeGenerated": pa.array([253_402_300_800_000_000, 1], pa.timestamp("us")),
            "EventID": pa.array([timedelta(0), timedelta(days=1, seconds=2)]),
            "Unknown": pa.array([timedelta(0), None]),
        }
    )
    path = tmp_path / "SecurityEvent.parquet"
    pq.write_table(table, path)
    report = store.load([path], LoadOptions(table="SecurityEvent"))
    assert (report.rows, report.files[0].drifted) == (2, {"EventID": 2, "TimeGenerated": 1})
    assert ask("SecurityEvent | sort by TimeGenerated asc | project TimeGenerated, EventID, column_ifexists('$Extra', dynamic(null))") == [
        ["1970-01-01T00:00:00.0000010Z", None, {"EventID": "1.00:00:02"}],
        ["2026-03-01T12:00:00.0000000Z", None, {"TimeGenerated": "253402300800000000 us since 1970-01-01", "EventID": "00:00:00", "Unknown": "00:00:00"}],
    ]  # fmt: skip


def test_a_folder_with_other_files(store: LogStore, write: WriteFile) -> None:
    path = write("SigninLogs/a.jsonl", SIGN_INS)
    write("SigninLogs/README.md", "hello")
    report = store.load([path.parent.parent])
    assert report.rows == 3
    assert [path.name for path in report.passed_over] == ["README.md"]


# -- on the way


def test_progress_tells_bytes_and_rows(store: LogStore, write: WriteFile) -> None:
    told: list[LoadProgress] = []
    paths = [write(f"SecurityEvent/{n}.jsonl.gz", [{"EventID": n, "i": i} for i in range(25_000)]) for n in range(2)]
    store.load(paths, LoadOptions(shift_to=NOON), progress=told.append)
    total = 2 * sum(path.stat().st_size for path in paths)
    assert {progress.total for progress in told} == {total}
    done = [progress.done for progress in told]
    assert done == sorted(done)
    assert done[-1] == total
    assert told[-1].rows == 50_000


@pytest.mark.parametrize("after", [0, 1, 3])
def test_a_load_can_be_cancelled(
    store: LogStore, write: WriteFile, ask: Ask, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vedette.store.reading.chunks.MOST_LINES", 15_000)
    first = write("SigninLogs/a.jsonl", SIGN_INS)
    second = write("SecurityEvent/a.jsonl", [{"EventID": n} for n in range(60_000)])
    third = write("AuditLogs/a.jsonl", [{"OperationName": "x"}])
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > after + 2

    report = store.load([first, second, third], cancelled=cancelled)
    assert report.cancelled
    assert [file.outcome for file in report.files] == [Outcome.LOADED, Outcome.CANCELLED, Outcome.CANCELLED]
    assert {info.name: info.rows for info in store.tables()} == {"SigninLogs": 3}
    assert store.load([first, second, third]).rows == 60_001
    assert ask("SecurityEvent | summarize count(), sum(EventID)") == [[60_000, sum(range(60_000))]]


def test_an_interrupted_load_leaves_nothing_of_its_file(
    store: LogStore, write: WriteFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write("Things_CL/a.jsonl", [{"EventID": n} for n in range(60_000)] + ["bad"])
    original = Inserter.add
    calls = 0

    def add(*args: Any) -> None:
        nonlocal calls
        calls += 1
        original(*args)
        if calls == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(Inserter, "add", add)
    with pytest.raises(KeyboardInterrupt):
        store.load([path])
    assert store.tables() == []
    assert store.host.table("Things_CL") is None
    monkeypatch.setattr(Inserter, "add", original)
    report = store.load([path])
    assert (report.rows, report.bad) == (60_000, 1)


def test_rows_with_ever_new_names_do_not_fill_the_memory(store: LogStore, write: WriteFile, ask: Ask) -> None:
    path = write("SecurityEvent/a.jsonl", [{f"x{n}_{m}": n for m in range(5)} for n in range(9_000)])
    assert store.load([path]).rows == 9_000
    assert ask("SecurityEvent | where column_ifexists('x8999_4', 0) == 8999 | count") == [[1]]


def test_what_was_stored_is_let_go_of(store: LogStore, write: WriteFile) -> None:
    """A file is one transaction, but not one piece of memory: batches do not pile up while it is loaded."""
    text = "x" * 300
    path = write(
        "SecurityEvent/a.jsonl", "".join(f'{{"EventID": {n}, "CommandLine": "{text}{n}"}}\n' for n in range(150_000))
    )
    held: list[int] = []
    before = pa.total_allocated_bytes()
    assert store.load([path], progress=lambda _: held.append(pa.total_allocated_bytes() - before)).rows == 150_000
    assert path.stat().st_size > 45_000_000
    assert max(held) < 25_000_000


def test_time_ranges(store: LogStore, write: WriteFile) -> None:
    rows = [{"TimeGenerated": (NOON + timedelta(hours=n)).isoformat(), "EventID": n} for n in range(10)]
    store.load([write("SecurityEvent/a.jsonl", rows)])
    result = store.query(
        "SecurityEvent | project EventID", timespan=(NOON + timedelta(hours=2), NOON + timedelta(hours=5))
    )
    assert sorted(result.rows) == [[2], [3], [4]]


def test_a_gz_name_is_no_promise_of_size(store: LogStore, write: WriteFile) -> None:
    path = write("SecurityEvent/a.jsonl", [{"EventID": 1}])
    path.write_bytes(gzip.compress(path.read_bytes()))  # gzip without the name
    assert store.load([path]).rows == 1
