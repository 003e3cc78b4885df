"""What people give a command by mistake: names of nothing, of devices and pipes, texts without end."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.conftest import Command

ENDLESS = [
    ("load", "FILE"), ("load", "FILE", "--table", "T_CL"), ("rules", "import", "FILE"), ("rules", "lint", "FILE"),
    ("rules", "test", "FILE"), ("rules", "diff", "FILE", "FILE"), ("functions", "import", "FILE"),
    ("watchlists", "import", "vips", "FILE", "--search-key", "a"), ("connectors", "import", "FILE"),
    ("transformations", "try", "App_CL", "source", "--sample", "FILE"), ("range", "serve", "--seed", "FILE"),
]  # fmt: skip
WITHOUT_DATA = {("rules", "test"), ("rules", "diff"), ("range", "serve"), ("rules", "lint")}


@pytest.mark.skipif(os.name == "nt", reason="there are no named pipes or devices as files there")
@pytest.mark.parametrize("words", ENDLESS, ids=lambda words: " ".join(words))
def test_what_has_no_end_is_refused(vedette: Command, tmp_path: Path, words: tuple[str, ...]) -> None:
    pipe = tmp_path / "pipe.yaml"
    os.mkfifo(pipe)
    for file, what in ((pipe, "a pipe, not a file"), (Path("/dev/zero"), "a device, not a file")):
        data = [] if words[:2] in WITHOUT_DATA else ["--data", str(tmp_path / "data")]
        done = vedette(*(str(file) if word == "FILE" else word for word in words), *data)
        assert done.code in (1, 2)
        assert what in done.out + done.err, done


@pytest.mark.skipif(os.name == "nt", reason="there are no named pipes as files there")
def test_a_pipe_in_a_folder_is_passed_over(vedette: Command, tmp_path: Path) -> None:
    folder = tmp_path / "SigninLogs"
    folder.mkdir()
    os.mkfifo(folder / "pipe.jsonl")
    (folder / "a.jsonl").write_text('{"UserPrincipalName": "ann"}\n')
    report = vedette("load", folder, "--data", tmp_path / "data", "--json").json()
    assert report["rows"] == 1
    assert [one["reason"] for one in report["unknown"]] == ["it is a pipe, not a file"]


def test_a_directory_that_was_not_named_is_not_this_one(
    vedette: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = vedette("rules", "list", "--data", "")
    assert done.code == 2
    assert "it is empty, and names no directory" in done.err
    assert list(tmp_path.iterdir()) == []


def test_the_variable_names_the_directory_of_every_command(
    vedette: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = tmp_path / "SigninLogs.jsonl"
    rows.write_text('{"TimeGenerated": "2026-03-01T10:00:00Z", "UserPrincipalName": "ann"}\n')
    monkeypatch.setenv("VEDETTE_DATA_DIR", str(tmp_path / "data"))
    assert vedette("load", rows).code == 0
    assert vedette("query", "SigninLogs | count", "--format", "csv").out == "Count\n1\n"
    assert vedette("users", "list").code == 0
    other = vedette("query", "SigninLogs | count", "--format", "csv", "--data", tmp_path / "other")
    assert (other.code, "does not exist" in other.err) == (2, True)


def test_an_empty_file_makes_no_table_of_its_folders_name(vedette: Command, tmp_path: Path) -> None:
    folder = tmp_path / "Downloads"
    folder.mkdir()
    (folder / "empty.json").touch()
    done = vedette("load", folder / "empty.json", "--data", tmp_path / "data")
    assert done.code == 1
    assert "there is nothing in it" in done.err


def test_a_text_without_end_is_not_repeated_whole(vedette: Command, tmp_path: Path) -> None:
    for words in (
        ["query", "a" * 70_000], ["query", "print 1", "--format", "b" * 70_000],
        ["load", "c" * 70_000, "--data", str(tmp_path)], ["rules", "list", "--workspace", "d" * 70_000, "--data", str(tmp_path)],
    ):  # fmt: skip
        done = vedette(*words)
        assert done.code in (1, 2)
        assert 0 < len(done.err) < 10_000


def test_a_choice_that_there_is_not_is_told_plainly(vedette: Command) -> None:
    done = vedette("query", "print 1", "--format", "nope")
    assert "Invalid value for '--format': 'nope' is not one of" in done.err


def test_the_id_of_an_exception_leads_nowhere_else(vedette: Command, tmp_path: Path) -> None:
    vedette("tables", "create", "T_CL", "--data", tmp_path / "data")
    done = vedette("rules", "exceptions", "remove", "../watchlists/vips", "--data", tmp_path / "data")
    assert done.code == 1
    assert "watchlist" not in done.err.replace("../watchlists/vips", "")
