"""`vedette query` and `vedette check`, single and in batches, without a server and with one up."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Command

EVERY_TYPE = (
    "print s='a,\"b\"\\n', l=1, r=1.5, b=true, t=datetime(2026-03-01T11:00:00.1234567Z), d=timespan(1.02:03:04), "
    "g=guid(74BE27DE-1E4E-49D9-B579-FE0B331D3642), j=dynamic({'k':[1,null]}), n=long(null), m=decimal(1.10)"
)


def batch(*queries: str) -> str:
    return "".join(json.dumps({"id": number, "query": query}) + "\n" for number, query in enumerate(queries))


def test_the_formats_say_the_same(vedette: Command, filled: Path) -> None:
    record = {
        "s": 'a,"b"\n', "l": 1, "r": 1.5, "b": True, "t": "2026-03-01T11:00:00.1234567Z", "d": "1.02:03:04",
        "g": "74be27de-1e4e-49d9-b579-fe0b331d3642", "j": {"k": [1, None]}, "n": None, "m": "1.1",
    }  # fmt: skip
    made = vedette("query", EVERY_TYPE, "--data", filled, "--format", "json").json()
    assert made == [record | {"m": made[0]["m"]}]
    assert float(made[0]["m"]) == 1.1
    assert vedette("query", EVERY_TYPE, "--data", filled, "--format", "ndjson").lines() == made
    header, row = csv.reader(io.StringIO(vedette("query", EVERY_TYPE, "--data", filled, "--format", "csv").out))
    assert dict(zip(header, row, strict=True)) == {
        "s": 'a,"b"\n', "l": "1", "r": "1.5", "b": "true", "t": "2026-03-01T11:00:00.1234567Z", "d": "1.02:03:04",
        "g": "74be27de-1e4e-49d9-b579-fe0b331d3642", "j": '{"k":[1,null]}', "n": "", "m": row[-1],
    }  # fmt: skip
    table = vedette("query", EVERY_TYPE, "--data", filled)
    assert "74be27de-1e4e-49d9-b579-fe0b331d3642" in table.out
    assert '{"k":[1,null]}' in table.out
    assert table.err.startswith("1 row in ")


def test_tables_of_the_workspace_are_asked(vedette: Command, filled: Path) -> None:
    asked = "SigninLogs | where Location == 'KP' | project UserPrincipalName, TimeGenerated, DeviceDetail"
    assert vedette("query", asked, "--data", filled, "--format", "ndjson").lines() == [
        {
            "UserPrincipalName": "alex@contoso.example",
            "TimeGenerated": "2026-03-01T11:00:00.0000000Z",
            "DeviceDetail": None,
        }
    ]


def test_a_log_cannot_reach_the_terminal(vedette: Command, tmp_path: Path) -> None:
    done = vedette("query", "print x = '[red]\\u001b[2Jgone[/red]\\u202e:smile:'")
    assert "[red]\\u001b[2Jgone[/red]\\u202e:smile:" in done.out
    assert "\x1b" not in done.out


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SigninLog | take 1", ["line 1, column 1", "SigninLogs", "^^^^^^^^^"]),
        ("SigninLogs\n| where UserPrincipalNam == 'x'", ["line 2, column 9", "UserPrincipalName", "^^^^"]),
        ("SigninLogs | wehre 1 == 1", ["line 1, column 14", "where"]),
        ("print strle('x')", ["line 1, column 7", "strlen"]),
        ("", ["line 1"]),
        ("let x = 1;", ["line 1", "no tabular expression"]),
    ],
)
def test_a_query_that_is_not_valid(vedette: Command, filled: Path, query: str, said: list[str]) -> None:
    for command in ("query", "check"):
        done = vedette(command, query, "--data", filled)
        assert (done.code, done.out) == (1, "")
        for words in said:
            assert words in done.err


def test_a_query_that_fails_while_it_runs(vedette: Command, filled: Path) -> None:
    done = vedette(
        "query",
        "print x = toscalar(range y from 1 to 3 step 1 | summarize any(y)) | where assert(x > 9, 'too small')",
        "--data",
        filled,
    )
    assert done.code == 1
    assert len(done.err.splitlines()) <= 4


def test_batch(vedette: Command, filled: Path) -> None:
    stdin = (
        batch("SigninLogs | count", "print x = 'ä', d = 1h", "SigninLogs\n| where Nam == 1")
        + '\n{"id": "text", "query": "print 1"}\nnot json\n{"query": "print 1"}\n{"id": 9, "query": 5}\n'
        + '{"id": null, "query": "print 2"}\n'
    )
    done = vedette("query", "--batch", "--data", filled, stdin=stdin)
    assert done.code == 1  # some lines were no questions
    first, second, third, text, no_json, no_id, no_query, last = done.lines()
    assert first == {"id": 0, "columns": [{"name": "Count", "type": "long"}], "rows": [[10]]}
    assert second == {
        "id": 1, "columns": [{"name": "x", "type": "string"}, {"name": "d", "type": "timespan"}], "rows": [["ä", "01:00:00"]],
    }  # fmt: skip
    assert list(third) == ["id", "error"]
    assert {**third["error"], "message": ""} == {"code": "KS142", "message": "", "line": 2, "column": 9}
    assert "Nam" in third["error"]["message"]
    assert text["id"] == "text"
    assert text["rows"] == [[1]]
    for number, answer in ((6, no_json), (7, no_id)):
        assert answer["id"] is None
        assert f"Line {number} " in answer["error"]["message"]
    assert no_query["error"]["code"] == "VDT0400"
    assert last == {"id": None, "columns": [{"name": "print_0", "type": "long"}], "rows": [[2]]}


def test_batch_over_nothing(vedette: Command) -> None:
    done = vedette("query", "--batch", stdin=batch("print 1", "SigninLogs | count", "union *"))
    assert done.code == 0
    assert [answer["rows"] for answer in done.lines()] == [[[1]], [[0]], []]
    assert vedette("query", "--batch", stdin="").out == ""


@pytest.mark.parametrize("place", [[], ["-"]])
def test_a_query_is_piped_in(vedette: Command, place: list[str]) -> None:
    done = vedette("query", *place, "--format", "ndjson", stdin="\ufeffprint x = 'ä'\n| extend y = 2\n")
    assert done.lines() == [{"x": "ä", "y": 2}]
    assert vedette("query", *place, "--explain", stdin="print 1").out.startswith("SELECT ")
    done = vedette("check", *place, stdin="print x = 1\n| wehre x")
    assert done.code == 1
    assert "line 2, column 3" in done.err


def test_each_statement_gives_its_table(vedette: Command) -> None:
    text = "print a = 1; range b from 1 to 2 step 1 | as Two"
    assert vedette("query", text, "--format", "csv").out == "a\n1\n\nb\n1\n2\n"
    first, second = vedette("query", text, "--format", "json").lines()
    assert (first, second) == ([{"a": 1}], [{"b": 1}, {"b": 2}])
    assert vedette("query", text, "--format", "ndjson").lines() == [
        {"$table": "PrimaryResult", "a": 1}, {"$table": "Two", "b": 1}, {"$table": "Two", "b": 2},
    ]  # fmt: skip
    (answer,) = vedette("query", "--batch", stdin=batch(text)).lines()
    assert (answer["rows"], [(table["name"], table["rows"]) for table in answer["more"]]) == (
        [[1]],
        [("Two", [[1], [2]])],
    )


@pytest.mark.parametrize("command", ["query", "check"])
def test_nothing_piped_in_is_no_query(vedette: Command, command: str) -> None:
    for place in ([], ["-"]):
        done = vedette(command, *place, stdin=" \n")
        assert (done.code, done.out) == (2, "")
        assert "standard input" in done.err


def test_check_batch_counts_utf16(vedette: Command, filled: Path) -> None:
    texts = [
        "SigninLogs | project UserPrincipalName, CreatedDateTime",
        "print '😀😀' | where Nam == 1",
        "SigninLogs | where",
    ]
    for place in ((), ("--data", filled)):
        done = vedette("check", "--batch", *place, stdin=batch(*texts))
        assert done.code == 0
        fine, wrong, broken = done.lines()
        assert fine == {
            "id": 0,
            "diagnostics": [],
            "columns": [
                {"name": "UserPrincipalName", "type": "string"},
                {"name": "CreatedDateTime", "type": "datetime"},
            ],
        }
        (found,) = wrong["diagnostics"]
        assert found | {"message": ""} == {
            "code": "KS142", "severity": "Error", "message": "", "start": 21, "length": 3,
        }  # fmt: skip
        assert texts[1].encode("utf-16-le")[42:48].decode("utf-16-le") == "Nam"
        assert wrong["columns"] == [{"name": "print_0", "type": "string"}]
        assert broken["diagnostics"][0]["severity"] == "Error"


def test_check_prints_the_columns(vedette: Command) -> None:
    done = vedette("check", "SigninLogs | summarize Failures = count() by IPAddress")
    assert (done.code, done.out, done.err) == (0, "IPAddress: string\nFailures: long\n", "")
    done = vedette("check", "SigninLogs | consume")
    assert (done.code, done.out, done.err) == (0, "", "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["query"], "--batch"),
        (["check"], "--batch"),
        (["query", "print 1", "--batch"], "--batch"),
        (["query", "print 1", "--format", "xml"], "xml"),
        (["query", "print 1", "--formt", "json"], "--format"),
        (["query", "print 1", "print 2"], "print 2"),
        (["qery", "print 1"], "query"),
        (["incidents", "list"], "--data"),
        (["incidents", "list", "--format", "csv"], "csv"),
        (["incidents", "show"], "ID"),
        (["incidents"], "list"),
        (["rules", "list"], "--data"),
        (["rules", "run"], "--data"),
        (["rules", "run", "--at", "2026-03-01"], "--data"),
        (["tables", "list"], "--data"),
        (["load", "x.jsonl"], "--data"),
        (["serve", "--port", "99999"], "--port"),
        ([], "Usage"),
    ],
)
def test_wrong_usage_ends_with_2(vedette: Command, arguments: list[str], said: str) -> None:
    done = vedette(*arguments)
    assert (done.code, said in done.out + done.err) == (2, True), done.out + done.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["query", "print 1"], ["check", "print 1"], ["tables", "list"], ["rules", "list"], ["incidents", "list"],
        ["incidents", "show", "1"], ["rules", "run", "--at", "now"], ["tables", "add-column", "SigninLogs", "A:long"],
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)  # fmt: skip
def test_a_data_directory_that_does_not_exist_is_not_made(
    vedette: Command, tmp_path: Path, arguments: list[str]
) -> None:
    done = vedette(*arguments, "--data", tmp_path / "typo")
    assert done.code == 2
    assert f"The data directory {tmp_path / 'typo'} does not exist." in done.err
    assert not (tmp_path / "typo").exists()


@pytest.mark.parametrize("arguments", [["query", "print 1"], ["load", "FILE"], ["rules", "import", "FILE"], ["serve"]])
def test_data_that_is_a_file(vedette: Command, tmp_path: Path, arguments: list[str]) -> None:
    file = tmp_path / "file"
    file.write_text("{}")
    done = vedette(*(str(file) if one == "FILE" else one for one in arguments), "--data", file)
    assert done.code in (1, 2)
    assert str(file) in done.err
    assert "a file is in its place" in done.err or "not a directory" in done.err or "is a file" in done.err
    assert file.read_text() == "{}"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["serve"],
        ["load"],
        ["query"],
        ["check"],
        ["tables"],
        ["rules"],
        ["rules", "import"],
        ["rules", "run"],
        ["incidents"],
    ],
    ids=" ".join,
)
def test_help_is_there(vedette: Command, arguments: list[str]) -> None:
    done = vedette(*arguments, "--help")
    assert (done.code, done.err) == (0, "")
    assert "Usage: vedette" in done.out


def test_the_version(vedette: Command) -> None:
    from vedette import __version__

    done = vedette("--version")
    assert (done.code, done.out) == (0, f"vedette {__version__}\n")


def test_explain_prints_the_sql_and_the_rewrites(vedette: Command, filled: Path) -> None:
    asked = "SigninLogs | where TimeGenerated > ago(1d) | summarize count() by bin(TimeGenerated, 1h)"
    said = vedette("query", asked, "--data", filled, "--explain").out
    assert said.startswith("SELECT ")
    assert "-- $now = " in said
    assert "-- rewrites: constant-bin" in said
