"""`vedette load` and `vedette tables`, without a server and with one up."""

from __future__ import annotations

import gzip
import json
import re
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import Command
from tests.collect.test_files import sign_in
from vedette.cli.remote import RemoteOperations
from vedette.core.datadir import ServerRecord
from vedette.core.errors import Unavailable


def count(vedette: Command, data: Path, table: str) -> int:
    rows = vedette("query", f"{table} | count", "--data", data, "--format", "json").json()
    return int(rows[0]["Count"])


def test_loading_twice_adds_nothing_unless_again(vedette: Command, data: Path, files: tuple[Path, Path]) -> None:
    logs, _ = files
    first = vedette("load", logs, "--data", data)
    assert first.code == 0
    assert "SigninLogs" in first.out
    assert "loaded" in first.out
    assert "10 rows" in first.err
    second = vedette("load", logs, "--data", data)
    assert (second.code, "already loaded" in second.out, "0 rows" in second.err) == (0, True, True)
    assert count(vedette, data, "SigninLogs") == 10
    # the same file is the same content, whatever its name
    copy = logs.with_name("copy.jsonl")
    copy.write_bytes(logs.read_bytes())
    assert vedette("load", copy, "--data", data, "--json").json()["rows"] == 0
    assert vedette("load", logs, "--data", data, "--again", "--json").json()["rows"] == 10
    assert count(vedette, data, "SigninLogs") == 20


def test_every_form_and_directories(vedette: Command, data: Path, tmp_path: Path) -> None:
    rows = [{"TimeGenerated": f"2026-03-01T00:0{number}:00Z", "Number": number, "Form": ""} for number in range(3)]
    folder = tmp_path / "logs" / "Forms_CL"
    folder.mkdir(parents=True)

    def of(form: str) -> list[dict[str, object]]:
        return [row | {"Form": form} for row in rows]

    (folder / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in of("jsonl")))
    with gzip.open(folder / "b.jsonl.gz", "wt") as stream:
        stream.write("".join(json.dumps(row) + "\n" for row in of("gz")))
    (folder / "c.csv").write_text(
        "TimeGenerated,Number,Form\n" + "".join(f"{row['TimeGenerated']},{row['Number']},csv\n" for row in rows)
    )
    pq.write_table(pa.Table.from_pylist(of("parquet")), folder / "d.parquet")
    done = vedette("load", tmp_path / "logs", "--data", data, "--json")
    assert done.code == 0
    assert {Path(file["file"]).name: file["rows"] for file in done.json()["files"]} == {
        "a.jsonl": 3, "b.jsonl.gz": 3, "c.csv": 3, "d.parquet": 3,
    }  # fmt: skip
    asked = (
        "Forms_CL | summarize Rows = count(), Sum = sum(Number), Last = max(TimeGenerated) by Form | sort by Form asc"
    )
    assert vedette("query", asked, "--data", data, "--format", "json").json() == [
        {"Form": form, "Rows": 3, "Sum": 3, "Last": "2026-03-01T00:02:00.0000000Z"}
        for form in ("csv", "gz", "jsonl", "parquet")
    ]


def test_table_stamp_and_shift(vedette: Command, data: Path, tmp_path: Path) -> None:
    one = tmp_path / "one.jsonl"
    one.write_text('{"Name": "a"}\n{"Name": "b", "TimeGenerated": "2026-01-01T00:00:00Z"}\n')
    done = vedette("load", one, "--data", data, "--table", "Named_CL", "--stamp", "2026-01-02T00:00:00Z", "--json")
    assert done.json()["files"][0] | {"file": ""} == {
        "file": "", "table": "Named_CL", "outcome": "loaded", "rows": 2, "bad": 0, "stamped": 1, "drifted": {}, "extra": [],
        "new_table": True, "error": None,
    }  # fmt: skip
    asked = "Named_CL | project Name, TimeGenerated | sort by Name asc"
    assert vedette("query", asked, "--data", data, "--format", "csv").out == (
        "Name,TimeGenerated\na,2026-01-02T00:00:00.0000000Z\nb,2026-01-01T00:00:00.0000000Z\n"
    )
    # one delta over all paths: the newest event of both files lands on the time
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    first.write_text('{"TimeGenerated": "2020-01-01T00:00:00Z", "Other": "2020-01-01T06:00:00Z", "Name": "f"}\n')
    second.write_text('{"TimeGenerated": "2020-01-02T00:00:00Z", "Name": "s"}\n')
    done = vedette(
        "load", first, second, "--data", data, "--table", "Moved_CL", "--shift-to", "2026-02-02T00:00:00Z", "--json"
    )
    assert done.json()["shifted_seconds"] == (6 * 365 + 2 + 31) * 86400
    asked = "Moved_CL | project Name, TimeGenerated, Other | sort by Name asc"
    assert vedette("query", asked, "--data", data, "--format", "csv").out == (
        "Name,TimeGenerated,Other\n"
        "f,2026-02-01T00:00:00.0000000Z,2026-02-01T06:00:00.0000000Z\n"
        "s,2026-02-02T00:00:00.0000000Z,\n"
    )


def test_a_bad_line_is_put_aside(vedette: Command, data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "AuditLogs"
    folder.mkdir()
    (folder / "x.jsonl").write_text('{"OperationName": "one"}\n{"OperationName": \n{"OperationName": "three"}\n')
    done = vedette("load", folder, "--data", data, "--json").json()
    assert (done["rows"], done["bad"]) == (2, 1)
    assert count(vedette, data, "AuditLogs") == 2
    assert count(vedette, data, "VedetteDeadLetter_CL") == 1


def test_what_was_put_aside_is_found_by_the_query_that_the_report_names(
    vedette: Command, data: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "AuditLogs"
    folder.mkdir()
    (folder / "x.jsonl").write_text('{"OperationName": "one"}\n{"OperationName": \n')
    said = vedette("load", folder, "--data", data).err
    assert "1 record could not be read and is put aside" in said
    query = "VedetteDeadLetter_CL | project Source, Line, Reason, Raw"
    assert query in " ".join(said.split())
    (found,) = vedette("query", query, "--data", data, "--format", "ndjson").lines()
    assert (found["Line"], found["Raw"]) == (2, '{"OperationName": ')


def test_unknown_fields_wait_for_a_column(vedette: Command, data: Path, files: tuple[Path, Path]) -> None:
    vedette("load", files[0], "--data", data)
    hidden = "SigninLogs | where column_ifexists('Sneaky', '') == 'kept' | count"
    assert vedette("query", hidden, "--data", data, "--format", "ndjson").lines() == [{"Count": 1}]
    plain = "SigninLogs | where Sneaky == 'kept' | count"
    assert vedette("query", plain, "--data", data).code == 1
    added = vedette("tables", "add-column", "SigninLogs", "Sneaky:string", "--data", data)
    assert (added.code, added.out) == (0, "SigninLogs.Sneaky is there; 1 row got a value.\n")
    assert vedette("query", plain, "--data", data, "--format", "ndjson").lines() == [{"Count": 1}]


def test_tables_are_listed(vedette: Command, filled: Path) -> None:
    done = vedette("tables", "list", "--data", filled)
    assert done.code == 0
    line = next(line for line in done.out.splitlines() if "SigninLogs" in line)
    assert line.split()[1] == "10"
    assert "2026-03-01T00:15:00.123Z" in line


# -- bad input


def test_a_corrupt_file_fails_and_the_others_are_loaded(vedette: Command, data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "SigninLogs"
    folder.mkdir()
    whole = gzip.compress(b'{"UserPrincipalName": "a"}\n' * 5000)
    (folder / "broken.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    (folder / "noise.parquet").write_bytes(b"PAR1 this is not parquet")
    (folder / "fine.jsonl").write_text('{"UserPrincipalName": "b"}\n')
    done = vedette("load", folder, "--data", data)
    assert done.code == 1
    errors = [line for line in done.err.splitlines() if line.startswith("error")]
    assert len(errors) == 2
    assert str(folder / "broken.jsonl.gz") in errors[0]
    assert str(folder / "noise.parquet") in errors[1]
    assert count(vedette, data, "SigninLogs") == 1


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nowhere.jsonl"], 1, "There is no file or folder"),
        (["log"], 1, "logs'?"),
        (["logs", "--stamp", "yesterday"], 2, "'yesterday' after --stamp is not a time"),
        (["logs", "--shift-to", "2026-13-01"], 2, "'2026-13-01' after --shift-to is not a time"),
        (["logs", "--stamp", ""], 2, "'' after --stamp is not a time"),
        (["logs", "--table", "a b;"], 2, "'a b;'"),
        (["logs", "--workspace", "elsewhere"], 1, "elsewhere"),
        (["logs", "--shift"], 2, "--shift-to"),
        ([], 2, "PATH"),
    ],
)
def test_load_refuses(
    vedette: Command,
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    code: int,
    said: str,
) -> None:
    folder = tmp_path / "logs" / "SigninLogs"
    folder.mkdir(parents=True)
    (folder / "a.jsonl").write_text('{"UserPrincipalName": "b"}\n')
    monkeypatch.chdir(tmp_path)
    done = vedette("load", *arguments, "--data", data)
    assert (done.code, said in done.err) == (code, True), done.err
    assert vedette(
        "query", "SigninLogs | count", "--data", data if data.exists() else tmp_path / "logs", "--format", "csv"
    ).out in ("Count\n0\n",)


@pytest.mark.parametrize(
    ("arguments", "said", "hint"),
    [
        (["SigninLog", "A:string"], "SigninLog", "SigninLogs"),
        (["SigninLogs", "A:strin"], "'A:strin' is not a column and its type", "A:string"),
        (["SigninLogs", "A"], "'A' is not a column and its type", "RiskScore:real"),
        (["SigninLogs", "Location:long"], "Location", ""),
    ],
)
def test_add_column_refuses(vedette: Command, filled: Path, arguments: list[str], said: str, hint: str) -> None:
    done = vedette("tables", "add-column", *arguments, "--data", filled)
    assert done.code in (1, 2)
    assert said in done.err
    assert hint in done.err


def test_an_archive_of_evidence(vedette: Command, data: Path, tmp_path: Path) -> None:
    audit = {
        "CreationTime": "2026-03-06T12:00:00",
        "Id": "g",
        "Operation": "New-InboxRule",
        "RecordType": 1,
        "UserId": "a@c",
    }
    archive = tmp_path / "evidence.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("UAL/one.json", json.dumps([audit, audit | {"Id": "h", "CreationTime": "2026-03-08T12:00:00"}]))
        packed.writestr("UAL/two.json", json.dumps([audit]))
        packed.writestr("notes.txt", "collected with care\n")
    done = vedette("load", archive, "--data", data)
    assert done.code == 0
    assert re.search(r"^ *2026-03-07 +none *$", done.out, re.MULTILINE)  # a day without rows has a line as well
    assert "notes.txt: its text is neither JSON" in done.err
    again = vedette("load", archive, "--data", data, "--format", "json")
    report = again.json()
    assert (again.code, report["rows"]) == (0, 0)
    assert [Path(one["file"]).name for one in report["unknown"]] == ["notes.txt"]
    assert count(vedette, data, "OfficeActivity") == 2
    told = vedette("load", archive, "--data", data, "--again", "--format", "json").json()
    assert told["coverage"][0] | {"source": ""} == {
        "source": "", "table": "OfficeActivity", "files": 2, "rows": 3, "first": "2026-03-06", "last": "2026-03-08",
        "days": {"2026-03-06": 2, "2026-03-08": 1}, "missing": [{"from": "2026-03-07", "to": "2026-03-07"}], "again": {}, "gone": {},
    }  # fmt: skip


def test_a_file_that_is_of_no_form(vedette: Command, data: Path, tmp_path: Path) -> None:
    picture = tmp_path / "x.jsonl"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n")
    done = vedette("load", picture, "--data", data)
    assert done.code == 1
    assert "of no form that can be loaded: a picture" in done.err
    notes = tmp_path / "notes.txt"
    notes.write_text("collected with care\n")
    assert vedette("load", notes, "--data", data).code == 1
    assert vedette("load", notes, "--table", "no table", "--data", data).code == 2  # the command is wrong, not a file
    assert "--table" not in done.err  # no table makes rows of it
    records = tmp_path / "no table" / "x y.csv"
    records.parent.mkdir()
    records.write_text("a,b\n1,2\n")
    assert "--table" in vedette("load", records, "--data", data).err
    packed = tmp_path / "x.zip"
    packed.write_bytes(b"PK\x03\x04 nothing else")
    done = vedette("load", packed, "--data", data)
    assert (done.code, "not a zip file that can be read" in done.err) == (1, True)


def test_files_of_no_form_do_not_keep_the_others_from_being_loaded(
    vedette: Command, data: Path, tmp_path: Path
) -> None:
    """As `vedette load case/*` names them."""
    (tmp_path / "SigninLogs.jsonl").write_text('{"TimeGenerated": "2026-03-01T00:00:00Z", "Identity": "pat"}\n')
    (tmp_path / "notes.txt").write_text("collected with care\n")
    with zipfile.ZipFile(tmp_path / "report.xlsx", "w") as office:
        office.writestr("[Content_Types].xml", "<Types/>")
    done = vedette("load", *sorted(tmp_path.glob("*.*")), "--data", data)
    assert done.code == 1
    for name, why in (("notes.txt", "its text is neither JSON"), ("report.xlsx", "an Office document")):
        assert f"{name} is of no form that can be loaded: {why}" in done.err
    assert count(vedette, data, "SigninLogs") == 1


@pytest.mark.parametrize(
    "error", [httpx.ConnectError("refused"), httpx.RemoteProtocolError("")], ids=["said", "not said"]
)
def test_a_server_that_goes_away_meanwhile_is_told_with_what_to_do(error: httpx.HTTPError) -> None:
    def lost(_: httpx.Request) -> httpx.Response:
        raise error

    record = ServerRecord("http://127.0.0.1:1", "vdt_x", 1, datetime(2026, 3, 1, tzinfo=UTC))
    with pytest.raises(Unavailable) as caught:
        RemoteOperations(record, "default", httpx.MockTransport(lost)).query("print 1")
    assert caught.value.message.endswith(f"does not answer: {str(error) or 'RemoteProtocolError'}.")
    assert "run the command again" in (caught.value.hint or "")


def test_folders_that_are_watched(vedette: Command, data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "drop"
    folder.mkdir()
    assert vedette("watch", "add", folder, "--data", data, "--move").code == 0
    assert [one["path"] for one in vedette("watch", "list", "--data", data, "--json").json()] == [str(folder)]
    assert vedette("watch", "add", folder / "none", "--data", data).code != 0
    assert vedette("watch", "remove", folder, "--data", data).code == 0
    assert vedette("watch", "list", "--data", data, "--json").json() == []


def test_files_of_one_name_are_told_apart(vedette: Command, data: Path, tmp_path: Path) -> None:
    for day in ("d=01", "d=02"):
        folder = tmp_path / "App_CL" / day
        folder.mkdir(parents=True)
        (folder / "PT1H.jsonl").write_text(json.dumps({"Day": day}) + "\n")
    (tmp_path / "App_CL" / "other.jsonl").write_text('{"Day": "none"}\n')
    done = vedette("load", tmp_path / "App_CL", "--table", "App_CL", "--data", data)
    shown = [line.split()[0] for line in done.out.splitlines() if " loaded " in line]
    assert sorted(shown) == sorted(
        [*(str(tmp_path / "App_CL" / day / "PT1H.jsonl") for day in ("d=01", "d=02")), "other.jsonl"]
    )


def test_many_gaps_do_not_make_a_wide_table(vedette: Command, data: Path, tmp_path: Path) -> None:
    rows = [{"TimeGenerated": f"2026-03-{day:02}T10:00:00Z", "n": day} for day in range(1, 29, 2)]
    file = tmp_path / "App_CL.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = vedette("load", file, "--table", "App_CL", "--data", data)
    assert "2026-03-02, 2026-03-04, 2026-03-06, 2026-03-08, and 9 more (--format json)" in done.out
    assert "2026-03-10," not in done.out


@pytest.mark.req("P-033")
def test_what_was_purged_or_is_too_old_stays_away_and_is_told(vedette: Command, data: Path, tmp_path: Path) -> None:
    now = datetime.now(UTC).replace(hour=12)

    def export(name: str, numbers: list[int]) -> Path:
        path = tmp_path / name
        moments = {number: (now - timedelta(days=number)).isoformat() for number in numbers}
        path.write_text(json.dumps([sign_in(number, createdDateTime=moments[number]) for number in numbers]))
        return path

    first = export("first.json", list(range(10)))
    assert vedette("load", first, "--data", data, "--json").json()["rows"] == 10
    assert vedette("tables", "purge", "SigninLogs", "Id in ('r1', 'r3')", "--yes", "--data", data).code == 0
    assert vedette("tables", "retention", "set", "SigninLogs", "--total", "5d", "--yes", "--data", data).code == 0
    assert vedette("tables", "retention", "run", "--data", data).code == 0
    second = export("second.json", [0, 1, 2, 7, 8])
    told = vedette("load", first, second, "--data", data)
    assert told.code == 0
    assert "2 rows that files brought earlier were purged since" in told.err
    assert "4 rows that files brought earlier were deleted since, being past the retention of their table" in told.err
    day = (now - timedelta(days=1)).date().isoformat()
    (line,) = [line.strip() for line in told.out.splitlines() if line.strip().startswith(day)]
    assert line.split(maxsplit=1)[1] == "0 (1 duplicate skipped, 1 purged)"
    (coverage,) = vedette("load", first, second, "--data", data, "--json").json()["coverage"]
    assert (coverage["rows"], sum(coverage["days"].values())) == (4, 4)
    assert {reason: sum(days.values()) for reason, days in coverage["gone"].items()} == {
        "purged": 2,
        "past_retention": 4,
    }
    ids = vedette("query", "SigninLogs | project Id | sort by Id asc", "--data", data, "--format", "json").json()
    assert [one["Id"] for one in ids] == ["r0", "r2", "r4", "r5"]
    assert vedette("load", second, "--data", data, "--again", "--json").json()["rows"] == 5
