"""The requirement trace: `@pytest.mark.req("D-055")` ties a test to the requirements of docs/requirements.tsv that it proves.

An id that the file does not have ends the run. With `--trace-results FILE` the outcome of every marked test is written
there as JSON, for `make trace`.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tools.requirements import RequirementFileError, nearest, read_requirements

PROPERTY = "req"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--trace-results", metavar="FILE", help="write which requirement ids were proved to FILE (JSON)")


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    path = config.getoption("--trace-results")
    if path and not hasattr(config, "workerinput"):
        config.pluginmanager.register(TraceWriter(Path(path)), "requirement-trace-writer")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    try:
        known = {one.id for one in read_requirements()}
    except RequirementFileError as error:
        raise pytest.UsageError(str(error)) from error
    for item in items:
        ids = [identity for mark in item.iter_markers("req") for identity in mark.args]
        for identity in ids:
            if identity not in known:
                close = nearest(identity, known)
                raise pytest.UsageError(
                    f"{item.nodeid}: docs/requirements.tsv has no requirement {identity!r}"
                    + (f"; nearest: {close}" if close else "")
                )
        item.user_properties.extend((PROPERTY, identity) for identity in sorted(set(ids)))


class TraceWriter:
    """Collects the outcome of every marked test, also from the workers of pytest-xdist."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tests: dict[str, dict[str, object]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        ids = [value for name, value in report.user_properties if name == PROPERTY]
        if not ids:
            return
        entry = self.tests.setdefault(report.nodeid, {"ids": ids, "outcome": "passed"})
        if report.failed:
            entry["outcome"] = "failed"
        elif report.skipped and entry["outcome"] == "passed":
            entry["outcome"] = "skipped"

    def pytest_sessionfinish(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        document = {"finished": datetime.now(UTC).isoformat(timespec="seconds"), "tests": self.tests}
        self.path.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", encoding="utf-8")
