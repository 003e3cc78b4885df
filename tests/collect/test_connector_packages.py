"""A connector of another package is found by its entry point; one that cannot be used stops nothing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.collect.connecting import Tenant
from tests.deliver.conftest import ADMIN
from vedette.collect.connectors.registry import default_connectors
from vedette.core.clock import SystemClock

MODULE = """
from datetime import timedelta

from vedette.collect.connectors.contract import ConnectorManifest, Endpoint, Event, Page
from vedette.core.checks import CheckReport
from vedette.core.forms import FieldType, FormField


class Connection:
    def __init__(self, city):
        self.city = city

    def poll(self, endpoint, cursor):
        number = cursor.get("number", 0)
        return Page([Event("Weather_CL", {"City": self.city, "Number": number}, f"{self.city}:{number}")], {"number": number + 1}, False, 1)

    def check(self):
        return CheckReport(())

    def close(self):
        pass


class Weather:
    manifest = ConnectorManifest(
        id="weather", title="Weather", category="Example", about="Tells the weather.",
        fields=(FormField("city", "City", FieldType.TEXT, "Where."),), permissions=(), troubleshooting=(),
        guide="https://weather.example/guide", vendor_docs="https://weather.example",
        endpoints=(Endpoint("now", "Now", timedelta(minutes=10), ("Weather_CL",), ""),),
    )

    def open(self, values, secrets):
        return Connection(values["city"])


def make(clock):
    return Weather()


def broken(clock):
    raise RuntimeError("no weather today")
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "site"
    about = folder / "vedette_weather-1.0.dist-info"
    about.mkdir(parents=True)
    (folder / "vedette_weather.py").write_text(MODULE, encoding="utf-8")
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: vedette-weather\nVersion: 1.0\n", encoding="utf-8")
    (about / "entry_points.txt").write_text(
        "[vedette.connectors]\nweather = vedette_weather:make\nstorm = vedette_weather:broken\ngone = vedette_weather:gone\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, "vedette_weather", raising=False)


def test_a_connector_of_another_package(package: None, tenant: Tenant, caplog: pytest.LogCaptureFixture) -> None:
    registry = default_connectors(SystemClock())
    assert registry.get("weather").manifest.title == "Weather"
    assert registry.get("azure-security")
    told = [record.getMessage() for record in caplog.records]
    assert [one for one in told if "'storm'" in one and "no weather today" in one]
    assert [one for one in told if "'gone'" in one]
    tenant.registry.put(registry.get("weather"))
    one = tenant.connectors.create(ADMIN, tenant.workspace, "weather", "Lisbon", {"city": "Lisbon"})
    tenant.runner.poll_due()
    tenant.advance(minutes=10)
    assert [row["Number"] for row in tenant.sink.tables["Weather_CL"]] == [0, 1]
    assert tenant.view(one).status == "healthy"
    # the package is removed: the instance is left alone, and can still be looked at and deleted
    tenant.registry._kinds = {name: kind for name, kind in tenant.registry._kinds.items() if name != "weather"}
    assert tenant.advance(minutes=10) == 0
    assert [view.name for view in tenant.connectors.list(ADMIN, tenant.workspace)] == ["Lisbon"]
    tenant.connectors.update(ADMIN, tenant.workspace, one.id, enabled=False)
    tenant.connectors.delete(ADMIN, tenant.workspace, one.id)
    assert tenant.connectors.list(ADMIN, tenant.workspace) == []
