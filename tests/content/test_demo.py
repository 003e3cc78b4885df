"""`vedette serve --demo`: the workspace that it prepares, once, whatever has happened before."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from vedette.api.application import Application
from vedette.api.services import WorkspaceServices
from vedette.content.demo import prepare, shipped
from vedette.core.clock import VirtualClock
from vedette.core.errors import InvalidInput
from vedette.core.settings import load_settings
from vedette.detect.running.scheduler import Scheduler

NOW = datetime(2026, 3, 2, 10, 0, 0, 250_000, tzinfo=UTC)


class Demo:
    """One data directory, opened once for each start."""

    def __init__(self, folder: Path, environment: dict[str, str] | None = None) -> None:
        self.folder, self.environment = folder, environment or {}
        self.told: list[str] = []

    @contextmanager
    def opened(self, at: datetime) -> Iterator[tuple[Application, VirtualClock, WorkspaceServices]]:
        clock = VirtualClock(at)
        with Application(load_settings(data_dir=self.folder), clock) as application:
            yield application, clock, application.services(application.workspace("default"))

    def start(self, at: datetime) -> dict[str, Any]:
        """Prepares the demo at that time; what is there afterwards."""
        with self.opened(at) as (application, _, services):
            prepare(application, self.told.append, self.environment)
            return contents(services)


def contents(services: WorkspaceServices) -> dict[str, Any]:
    """What a person would see of a workspace."""
    page = services.incident_page({}, None)
    return {
        "incidents": sorted((one["title"], one["severity"]) for one in page.value),
        "alerts": services.logs.query("SecurityAlert | summarize count(), dcount(SystemAlertId)").rows,
        "tables": {
            table.name: (table.rows, table.last) for table in services.logs.tables() if "Security" not in table.name
        },
        "rules": sorted(stored.rule.id for stored in services.rules.list()),
        "runs": len(services.ledger.runs()),
    }


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], list[str]]:
    demo = Demo(tmp_path_factory.mktemp("prepared"))
    return demo.folder, demo.start(NOW), demo.told


@pytest.fixture
def demo(prepared: tuple[Path, dict[str, Any], list[str]], tmp_path: Path) -> Demo:
    """A copy of the prepared data directory."""
    shutil.copytree(prepared[0], tmp_path / "data")
    return Demo(tmp_path / "data")


def test_incidents_have_just_been_raised(prepared: tuple[Path, dict[str, Any], list[str]]) -> None:
    _, there, told = prepared
    assert len(there["incidents"]) == 14
    assert ("daniel.reyes@alderfinch.example deletes 16 Azure resources", "High") in there["incidents"]
    assert {severity for _, severity in there["incidents"]} == {"High", "Medium"}
    assert there["alerts"] == [[17, 17]]
    assert there["runs"] == len(there["rules"]) == 13
    assert told[-1] == "Demo: 13 rules were run and raised 17 alerts in 14 incidents."


def test_alerts_of_one_attacker_are_together_and_name_entities(demo: Demo) -> None:
    with demo.opened(NOW) as (_, _, services):
        page = services.incident_page({}, None).value
        whole = {one["number"]: services.incident(str(one["number"])) for one in page}
    several = [incident for incident in whole.values() if len(incident["alerts"]) > 1]
    assert len(several) == 3
    for incident in whole.values():
        assert incident["entities"], incident["title"]
        assert {alert["ruleName"] for alert in incident["alerts"]} == {incident["alerts"][0]["ruleName"]}


def test_newest_event_is_a_few_minutes_old(prepared: tuple[Path, dict[str, Any], list[str]]) -> None:
    newest = max(last for _, last in prepared[1]["tables"].values())
    assert timedelta(minutes=2) < NOW - newest < timedelta(minutes=5)


@pytest.mark.parametrize("later", [timedelta(0), timedelta(minutes=7), timedelta(days=9)])
def test_second_start_adds_nothing(
    prepared: tuple[Path, dict[str, Any], list[str]], demo: Demo, later: timedelta
) -> None:
    assert demo.start(NOW + later) == prepared[1]
    assert demo.told == ["Demo: everything is there already."]


def test_scheduler_does_not_find_the_campaign_again(
    prepared: tuple[Path, dict[str, Any], list[str]], demo: Demo
) -> None:
    with demo.opened(NOW) as (_, clock, services):
        for _ in range(2):
            clock.advance(2100)
            report = services.scheduler.tick()
            assert report.runs or report.behind
            while report.behind:
                report = services.scheduler.tick()
        services.settle()
        later = contents(services)
        assert services.ledger.verify() == []
    assert later["incidents"] == prepared[1]["incidents"]
    assert later["alerts"] == prepared[1]["alerts"]
    assert later["runs"] > prepared[1]["runs"]


@pytest.mark.parametrize("at_run", [0, 5])
def test_start_that_was_cut_short_is_carried_on(
    prepared: tuple[Path, dict[str, Any], list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_run: int
) -> None:
    demo, runs, run_now = Demo(tmp_path), 0, Scheduler.run_now

    def cut(self: Scheduler, *arguments: Any) -> Any:
        nonlocal runs
        if runs == at_run:
            raise KeyboardInterrupt
        runs += 1
        return run_now(self, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(Scheduler, "run_now", cut)
        with pytest.raises(KeyboardInterrupt):
            demo.start(NOW)
    assert demo.start(NOW + timedelta(minutes=20)) == prepared[1]


def test_load_that_was_cut_short_is_carried_on_at_the_same_time(
    prepared: tuple[Path, dict[str, Any], list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was loaded at first and what is loaded later fit: both were shifted by the same."""
    demo = Demo(tmp_path)
    with monkeypatch.context() as patched, demo.opened(NOW) as (application, _, services):
        load = services.logs.load

        def some(paths: Any, options: Any) -> Any:
            # Every file decides about the shift, and only some are loaded: the process ends in between.
            files = list(paths)
            load(files, options, cancelled=lambda: len(services.logs.tables()) >= 3)
            raise KeyboardInterrupt

        patched.setattr(services.logs, "load", some)
        with pytest.raises(KeyboardInterrupt):
            prepare(application, demo.told.append, {})
        assert 0 < len(services.logs.tables()) < len(shipped().files)
    assert demo.start(NOW + timedelta(hours=3)) == prepared[1]


def test_rule_that_somebody_switched_off_stays_off(demo: Demo) -> None:
    with demo.opened(NOW) as (_, _, services):
        rule = services.rules.list()[0].rule.id
        services.rules.set_enabled(rule, False)
    demo.start(NOW + timedelta(hours=1))
    with demo.opened(NOW) as (_, _, services):
        assert services.rules.get(rule).rule.enabled is False


@pytest.mark.req("P-082")
def test_golden_saml_takes_its_place_where_the_variable_names_the_folder(shared: Path, tmp_path: Path) -> None:
    demo = Demo(tmp_path, {"VEDETTE_SHARED": str(shared)})
    there = demo.start(NOW)
    titles = {title for title, _ in there["incidents"]}
    assert "ADFS DKM Master Key Export" in titles
    assert "Password spray from 203.0.113.77 on 24 accounts" not in titles
    assert len(there["rules"]) == 7
    assert len(there["incidents"]) == 5  # the two other rules stay silent, as the campaign's record says
    again = demo.start(NOW + timedelta(days=1))
    assert again == there


def _nowhere(folder: Path) -> Path:
    return folder / "nowhere"


def _empty(folder: Path) -> Path:
    return folder


def _broken(folder: Path) -> Path:
    (folder / "data/campaigns").mkdir(parents=True)
    (folder / "data/campaigns/expected.jsonl").write_text('{"campaign": "x"}\n{\n', encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    "make, message",
    [
        pytest.param(_nowhere, "VEDETTE_SHARED names {folder}, and there is no such folder.", id="absent"),
        pytest.param(_empty, "expected.jsonl cannot be read: no such file or directory.", id="empty"),
        pytest.param(_broken, "This line is not JSON.", id="broken"),
    ],
)
def test_folder_that_is_not_right_is_one_sentence_and_changes_nothing(
    make: Callable[[Path], Path], message: str, tmp_path: Path
) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    folder = make(folder)
    demo = Demo(tmp_path / "data", {"VEDETTE_SHARED": str(folder)})
    with pytest.raises(InvalidInput) as raised:
        demo.start(NOW)
    assert message.format(folder=folder) in str(raised.value)
    with demo.opened(NOW) as (_, _, services):
        assert services.rules.list() == []
        assert services.logs.tables() == []


def test_command_ends_with_a_sentence_where_the_folder_is_absent(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable, "-c", "from vedette.cli.main import main; main()",
            "serve", "--demo", "--port", "0", "--data", str(tmp_path / "data"),
        ],
        env=os.environ | {"VEDETTE_SHARED": str(tmp_path / "nowhere"), "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "there is no such folder" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
