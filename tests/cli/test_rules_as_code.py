"""`vedette rules replay`, `backtest`, `test`, `lint`, `diff` and `list --broken`, without a server and with one up."""

from __future__ import annotations

import logging
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.api.conftest import RULE, RULE_ID
from tests.cli.conftest import Command

SPAN = ("--from", "2026-02-28T12:00:00Z", "--to", "2026-03-01T13:00:00Z")
TESTS = """
tests:
  - name: nobody
    tables: {SigninLogs: []}
    alerts: []
"""


@pytest.mark.req("P-082", "P-084")
def test_two_replays_are_the_same_bytes_and_keep_nothing(vedette: Command, filled: Path) -> None:
    first = vedette("rules", "replay", "--rule", RULE_ID, *SPAN, "--data", filled)
    assert first.code == 0
    assert len(first.lines()) >= 1
    assert {line["rule_id"] for line in first.lines()} == {RULE_ID}
    again = vedette("rules", "replay", "--rule", RULE_ID, *SPAN, "--data", filled)
    assert again.out.encode() == first.out.encode()
    assert vedette("incidents", "list", "--data", filled, "--format", "json").json()["count"] == 0
    assert vedette("rules", "replay", "--rule", "nothing", *SPAN, "--data", filled).code != 0


def test_rules_go_into_a_folder_and_come_back(vedette: Command, filled: Path, tmp_path: Path) -> None:
    """A file for each: all rules in one may be more than an import takes."""
    odd = "9/../x: '\u00fc'"
    block = RULE.replace(RULE_ID, f'"{odd}"', 1).replace("SigninLogs", "SigninLogs\n    // ---\n", 1)
    (tmp_path / "odd.yaml").write_text(block, encoding="utf-8")
    assert vedette("rules", "import", tmp_path / "odd.yaml", "--data", filled).code == 0
    folder = tmp_path / "out"
    folder.mkdir()
    assert vedette("rules", "export", "--output", folder, "--data", filled).code == 0
    assert len(list(tmp_path.rglob("out/*.yaml"))) == len(list(tmp_path.glob("out/*"))) == 2
    whole = vedette("rules", "export", "--data", filled).out
    again = tmp_path / "again"
    assert vedette("rules", "import", folder, "--data", again).code == 0
    back = vedette("rules", "export", "--data", again).out
    assert sorted(back.split("---\n")) == sorted(whole.split("---\n"))


def test_a_backtest_shows_the_difference(vedette: Command, filled: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.yaml"
    new.write_text(RULE.replace("SigninLogs", "SigninLogs | where false", 1), encoding="utf-8")
    arguments = ("--days", 2, "--to", "2026-03-01T13:00:00Z", "--data", filled)
    (one,) = vedette("rules", "backtest", new, *arguments, "--json").json()["rules"]
    assert (one["alerts"], one["difference"]["more"]) == (0, 0)
    assert one["in_force"]["alerts"] == one["difference"]["less"] >= 1
    shown = vedette("rules", "backtest", new, *arguments)
    assert (shown.code, "in force:" in shown.out, "0 more" in shown.out) == (0, True, True)
    held = vedette("rules", "backtest", "--rule", RULE_ID, *arguments, "--json").json()["rules"][0]
    assert held["alerts"] == one["in_force"]["alerts"]
    assert len(held["examples"]) >= 1
    assert vedette("rules", "backtest", *arguments).code == 2
    assert len(vedette("rules", "list", "--data", filled, "--json").json()) == 1


@pytest.mark.req("P-088")
def test_a_broken_rule_is_shown_until_its_table_comes(vedette: Command, filled: Path, tmp_path: Path) -> None:
    assert vedette("rules", "list", "--broken", "--data", filled, "--json").json() == []
    broken = tmp_path / "broken.yaml"
    broken.write_text(
        "name: Lost\nid: 99999999-9999-4999-8999-999999999999\nseverity: Low\nqueryFrequency: 1h\nqueryPeriod: 1h\n"
        "triggerOperator: gt\ntriggerThreshold: 0\nquery: |\n  Lost_CL\n  | where Colour == 'red'\n",
        encoding="utf-8",
    )
    assert vedette("rules", "import", broken, "--data", filled).code == 0
    (one,) = vedette("rules", "list", "--broken", "--data", filled, "--json").json()
    assert (one["name"], one["code"], one["line"], one["column"]) == ("Lost", "KS204", 1, 1)
    assert one["missing"] == [{"kind": "table", "name": "Lost_CL"}]
    shown = vedette("rules", "list", "--broken", "--data", filled).out
    assert "table Lost_CL" in shown
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"TimeGenerated": "2026-03-01T12:00:00Z", "Color": "red"}\n', encoding="utf-8")
    assert vedette("load", rows, "--table", "Lost_CL", "--data", filled).code == 0
    (one,) = vedette("rules", "list", "--broken", "--data", filled, "--json").json()
    assert (one["line"], one["missing"]) == (2, [{"kind": "column", "name": "Colour"}])
    rows.write_text('{"TimeGenerated": "2026-03-01T12:00:00Z", "Colour": "red"}\n', encoding="utf-8")
    assert vedette("load", rows, "--table", "Lost_CL", "--data", filled).code == 0
    assert vedette("rules", "list", "--broken", "--data", filled, "--json").json() == []


def test_tests_beside_rules(vedette: Command, tmp_path: Path) -> None:
    rule, report = tmp_path / "rule.yaml", tmp_path / "junit.xml"
    rule.write_text(RULE + TESTS, encoding="utf-8")
    done = vedette("rules", "test", rule, "--junit", report)
    assert (done.code, "1 passed, 0 failed" in done.out) == (0, True)
    assert ElementTree.parse(report).getroot().get("tests") == "1"
    rule.write_text(RULE + TESTS.replace("alerts: []", "alerts: 1"), encoding="utf-8")
    failed = vedette("rules", "test", rule, "--junit", report, "--json")
    assert failed.code == 1
    assert failed.json()["tests"][0]["outcome"] == "failed"
    assert ElementTree.parse(report).getroot().get("failures") == "1"
    rule.write_text("name: x\n", encoding="utf-8")
    assert vedette("rules", "test", rule).code == 1
    assert vedette("rules", "test", rule, "--junit", tmp_path / "no" / "folder.xml").code == 2


def test_lint_and_diff(vedette: Command, tmp_path: Path, filled: Path) -> None:
    rule, other = tmp_path / "rule.yaml", tmp_path / "other.yaml"
    rule.write_text(RULE, encoding="utf-8")
    other.write_text(RULE.replace("SigninLogs", "SigninLog", 1), encoding="utf-8")
    assert vedette("rules", "lint", rule).code == 0
    wrong = vedette("rules", "lint", other)
    assert wrong.code == 1
    assert "RC101 error: KS204" in wrong.out
    report = tmp_path / "lint.xml"
    assert vedette("rules", "lint", rule, other, "--junit", report).code == 1
    root = ElementTree.parse(report).getroot()
    assert (root.get("tests"), root.get("failures")) == ("3", "2")  # one id is that of two rules, too
    assert {case.get("name") for case in root.iter("testcase")} == {"lint", "RC101", "RC601"}
    assert vedette("rules", "lint", other, "--data", filled, "--json").json()["findings"][0]["code"] == "RC101"
    assert vedette("rules", "diff", rule, rule, "--json").json()["unchanged"] == 1
    shown = vedette("rules", "diff", rule, other)
    assert (shown.code, "SigninLog" in shown.out) == (0, True)


def test_failed_windows_are_told_once(tmp_path: Path, vedette: Command) -> None:
    rule = tmp_path / "waiting.yaml"
    times = "queryFrequency: 12h\nqueryPeriod: 12h\n"
    rule.write_text(f"name: W\n{times}query: _GetWatchlist('Nobody') | project Who\n", encoding="utf-8")
    at = ("--data", tmp_path / "data")
    assert vedette("rules", "import", rule, *at).code == 0
    done = vedette("rules", "backtest", "--rule", "W", "--days", "1", "--to", "2026-03-02", *at)
    assert done.code == 1
    assert done.err.count("2 windows could not be searched") == 1
    assert done.err.count("'Nobody'") == 1
    # a logger without a handler has its lines written to standard error by Python
    assert logging.getLogger("vedette.detect.running").handlers
