"""Destinations: saved, changed, shown without secrets, tested, deleted; each change in the audit trail."""

from __future__ import annotations

import logging
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from tests.deliver.conftest import ADMIN, READER, VALUES, House, run_number
from tests.plugins.fake_tenant import ABSENT, CLIENT, SECRET, SUBSCRIPTION, TENANT, WORKSPACE
from tests.plugins.secrecy import marked
from vedette.core.audit import Audit
from vedette.core.checks import CheckReport
from vedette.core.errors import Conflict, Forbidden, InvalidInput, NotFound
from vedette.core.forms import InvalidFields
from vedette.core.workspaces import Workspaces
from vedette.deliver.service import Health
from vedette.range.faults import Fault
from vedette.range.state import ClientSecret


def everything_kept(house: House) -> str:
    """Every value in every table of the state database."""
    with house.state.session(read_only=True) as session:
        tables = session.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars().all()
        return "\n".join(repr(session.execute(text(f'SELECT * FROM "{name}"')).all()) for name in tables)


@pytest.mark.req("D-021", "D-022", "D-023", "D-024", "D-025", "D-026")
def test_secrets_go_into_the_secret_store_and_the_rest_into_the_configuration(house: House) -> None:
    view = house.add(values={"resource_group_name": "RG-Sec-Prod"})
    assert dict(view.settings) == {
        "subscription_id": SUBSCRIPTION,
        "resource_group_name": "RG-Sec-Prod",
        "workspace_name": WORKSPACE,
        "cloud": "Local",
        "api_version": "2022-07-01-preview",
    }
    assert set(view.secrets) == {"tenant_id", "client_id", "client_secret"}
    kept = {info.name: info for info in house.secrets.list(house.workspace)}
    assert set(kept) == {f"destination/{view.id}/{name}" for name in view.secrets}
    revealed = {
        name.rsplit("/", 1)[1]: house.secrets.get(info.reference, workspace_id=house.workspace).reveal()
        for name, info in kept.items()
    }
    assert revealed == {"tenant_id": TENANT, "client_id": CLIENT, "client_secret": SECRET}


@pytest.mark.req("D-028")
def test_no_secret_is_shown_logged_or_kept_in_the_clear(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    view = house.add()
    house.enqueue()
    house.drain()
    house.destinations.test(ADMIN, house.workspace, view.id)
    house.destinations.update(ADMIN, house.workspace, view.id, values={"client_secret": marked("wrong")})
    house.enqueue(run_number(2))
    house.deliverer.deliver_due()
    house.destinations.test(ADMIN, house.workspace, view.id)
    shown = repr(house.view(view)) + repr(house.destinations.list(ADMIN, house.workspace))
    shown += repr(house.destinations.log.page(house.workspace))
    audit = repr(Audit(house.state, house.clock).entries(limit=1000))
    for secret in (SECRET, marked("wrong")):
        for place in (shown, audit, caplog.text, everything_kept(house)):
            assert secret not in place
    assert "[redacted]" in str(house.view(view).last_error), "Azure repeats the client id in what it says"
    for identifier in (TENANT, CLIENT):  # these are secret as well
        for place in (shown, audit, everything_kept(house)):
            assert identifier not in place


def test_the_audit_trail_says_who_changed_what(house: House) -> None:
    view = house.add()
    house.destinations.update(ADMIN, house.workspace, view.id, name="Prod", values={"client_secret": "next"})
    house.destinations.set_enabled(ADMIN, house.workspace, view.id, False)
    house.destinations.test(ADMIN, house.workspace, view.id)
    house.destinations.delete(ADMIN, house.workspace, view.id)
    entries = Audit(house.state, house.clock).entries(action="destinations/", limit=100)[::-1]
    assert [(entry.actor_name, entry.action) for entry in entries] == [
        ("ada", "destinations/create"),
        ("ada", "destinations/update"),
        ("ada", "destinations/update"),
        ("ada", "destinations/test"),
        ("ada", "destinations/delete"),
    ]
    assert entries[1].detail["name"] == ["Production", "Prod"]
    assert entries[1].detail["fields"] == ["client_secret"]
    assert entries[2].detail["enabled"] == [True, False]
    assert entries[3].detail["ok"] is False


@pytest.mark.req("D-027")
def test_what_is_not_right_is_not_saved(house: House) -> None:
    with pytest.raises(InvalidFields, match="subscription_id must be a UUID"):
        house.add(values={"subscription_id": "x"})
    with pytest.raises(NotFound):
        house.destinations.create(ADMIN, house.workspace, "sentinell", "x", VALUES)
    with pytest.raises(InvalidFields, match="name must"):
        house.add(" ")
    assert house.destinations.list(ADMIN, house.workspace) == []
    assert house.secrets.list(house.workspace) == []


def test_a_change_that_is_not_right_changes_nothing(house: House) -> None:
    view = house.add()
    for values in ({"tenant_id": "x"}, {"workspace_name": ""}, {"nothing": "x"}, {"client_secret": " "}):
        with pytest.raises(InvalidFields):
            house.destinations.update(ADMIN, house.workspace, view.id, name="Other", values=values)
    assert house.view(view) == view


def test_names_are_taken_once_in_a_workspace_whatever_their_case(house: House) -> None:
    view = house.add("Production")
    with pytest.raises(Conflict, match="'production'"):
        house.add("production")
    other = Workspaces(house.state, house.clock).create("other")
    house.destinations.create(ADMIN, other.id, "sentinel", "Production", VALUES)
    second = house.add("Second")
    with pytest.raises(Conflict):
        house.destinations.update(ADMIN, house.workspace, second.id, name="PRODUCTION")
    house.destinations.update(ADMIN, house.workspace, view.id, name="PRODUCTION")
    house.destinations.delete(ADMIN, house.workspace, view.id)
    house.add("Production")


def test_secrets_that_are_not_entered_again_are_kept(house: House) -> None:
    view = house.add()
    house.clock.advance(60)
    changed = house.destinations.update(
        ADMIN, house.workspace, view.id, values={"workspace_name": "other", "client_secret": None}
    )
    assert changed.settings["workspace_name"] == "other"
    assert [status.changed_at for status in changed.secrets.values()] == [view.created_at] * 3
    (reference,) = [
        info.reference for info in house.secrets.list(house.workspace) if info.name.endswith("client_secret")
    ]
    assert house.secrets.get(reference, workspace_id=house.workspace).reveal() == SECRET


def test_an_optional_value_can_be_taken_away(house: House) -> None:
    view = house.add(values={"client_secret_expires_on": "2026-03-20", "api_version": "2024-09-01"})
    assert view.settings["api_version"] == "2024-09-01"
    changed = house.destinations.update(
        ADMIN, house.workspace, view.id, values={"client_secret_expires_on": "", "api_version": ""}
    )
    assert "client_secret_expires_on" not in changed.settings
    assert changed.settings["api_version"] == "2022-07-01-preview"


@pytest.mark.req("D-023")
@pytest.mark.parametrize(
    ("expires_on", "after", "days_left", "words"),
    [
        (None, 0, 90, None),
        (None, 59, 31, None),
        (None, 60, 30, "within 30 days, on 2026-06-02"),
        (None, 76, 14, "within 14 days"),
        (None, 87, 3, "within 3 days"),
        (None, 90, 0, "was due on 2026-06-02"),
        ("2026-04-03", 1, 28, "within 30 days, on 2026-04-03"),
        ("2027-01-01", 0, 90, None),
    ],
)
def test_the_age_of_a_secret_is_tracked(
    house: House, expires_on: str | None, after: int, days_left: int, words: str | None
) -> None:
    view = house.add(values={"client_secret_expires_on": expires_on} if expires_on else {})
    house.clock.advance(timedelta(days=after))
    status = house.view(view).secrets["client_secret"]
    assert status.days_left == days_left
    assert (words in (status.warning or "")) if words else status.warning is None
    assert house.view(view).secrets["tenant_id"].expires_at is None
    renewed = house.destinations.update(
        ADMIN, house.workspace, view.id, values={"client_secret": "new", "client_secret_expires_on": ""}
    )
    assert renewed.secrets["client_secret"].days_left == 90


def test_deleting_takes_the_secrets_along(house: House) -> None:
    view = house.add()
    house.destinations.delete(ADMIN, house.workspace, view.id)
    assert house.secrets.list(house.workspace) == []
    assert house.destinations.list(ADMIN, house.workspace) == []
    for call in (
        lambda: house.view(view),
        lambda: house.destinations.delete(ADMIN, house.workspace, view.id),
        lambda: house.destinations.test(ADMIN, house.workspace, view.id),
    ):
        with pytest.raises(NotFound):
            call()


def test_rights(house: House) -> None:
    view = house.add()
    assert house.destinations.get(READER, house.workspace, view.id) == view
    calls: list[Any] = [
        lambda: house.destinations.create(READER, house.workspace, "sentinel", "x", VALUES),
        lambda: house.destinations.update(READER, house.workspace, view.id, name="x"),
        lambda: house.destinations.set_enabled(READER, house.workspace, view.id, False),
        lambda: house.destinations.delete(READER, house.workspace, view.id),
        lambda: house.destinations.test(READER, house.workspace, view.id),
        lambda: house.destinations.test_values(READER, house.workspace, "sentinel", VALUES),
        lambda: house.destinations.retry(READER, house.workspace, "x"),
        lambda: house.destinations.retry_failed(READER, house.workspace, view.id),
    ]
    for call in calls:
        with pytest.raises(Forbidden):
            call()


def test_a_workspace_sees_its_own_destinations_alone(house: House) -> None:
    view = house.add()
    other = Workspaces(house.state, house.clock).create("other")
    assert house.destinations.list(ADMIN, other.id) == []
    with pytest.raises(NotFound):
        house.destinations.get(ADMIN, other.id, view.id)


# ---------------------------------------------------------------- tests of a destination


def said(report: CheckReport) -> list[bool | None]:
    return [step.ok for step in report.steps]


def test_a_destination_that_works(house: House) -> None:
    view = house.add()
    report = house.destinations.test(ADMIN, house.workspace, view.id)
    assert report.ok
    assert [step.name for step in report.steps] == [
        "Sign in to Microsoft Entra ID",
        "Read incidents of the workspace",
        "Permission to create incidents",
    ]
    assert house.remote() == {}, "the test leaves nothing behind"


def test_a_test_incident_can_be_made(house: House) -> None:
    view = house.add()
    report = house.destinations.test(ADMIN, house.workspace, view.id, write=True)
    assert report.ok
    ((name, incident),) = house.remote().items()
    assert name == "vedette-test-20260304-101530"
    assert incident.properties["title"] == "Vedette test incident"
    assert incident.properties["severity"] == "Low"
    assert name in report.steps[-1].message


# changed values, steps, words of the message, words of the hint, fields
FAILING: list[tuple[dict[str, object], list[bool | None], str, str, tuple[str, ...]]] = [
    ({"tenant_id": ABSENT}, [False], "Tenant not found", "Directory (tenant) ID", ("tenant_id",)),
    ({"client_id": ABSENT}, [False], "Authentication failed", "client_id", ("client_id", "tenant_id")),
    ({"client_secret": "wrong"}, [False], "Authentication failed", "client_secret", ("client_secret",)),
    ({"subscription_id": ABSENT}, [True, False], "Resource not found", "subscription_id", ("subscription_id",)),
    (
        {"resource_group_name": "rg-nope"},
        [True, False],
        "Resource not found",
        "resource_group_name",
        ("resource_group_name",),
    ),
    ({"workspace_name": "law-nope"}, [True, False], "Resource not found", "workspace_name", ("workspace_name",)),
]


@pytest.mark.req("D-061", "D-063", "D-064")
@pytest.mark.parametrize(("values", "steps", "message", "hint", "fields"), FAILING)
def test_the_test_names_what_is_wrong(
    house: House,
    values: dict[str, object],
    steps: list[bool | None],
    message: str,
    hint: str,
    fields: tuple[str, ...],
) -> None:
    house.server.tenant.subscriptions[0].role_assignments[0].scope = f"/subscriptions/{SUBSCRIPTION}"
    view = house.add(values=values)
    report = house.destinations.test(ADMIN, house.workspace, view.id)
    assert not report.ok
    assert said(report) == steps
    assert report.steps[-1].message.startswith(message)
    assert hint in (report.steps[-1].hint or "")
    assert report.steps[-1].fields == fields


@pytest.mark.req("D-062")
@pytest.mark.parametrize(
    ("role", "steps"),
    [(None, [True, False]), ("Microsoft Sentinel Reader", [True, True, False]), ("Reader", [True, True, False])],
)
def test_a_missing_role_is_named(house: House, role: str | None, steps: list[bool | None]) -> None:
    assignments = house.server.tenant.subscriptions[0].role_assignments
    if role is None:
        assignments.clear()
    else:
        assignments[0].role = role
    report = house.destinations.test(ADMIN, house.workspace, house.add().id)
    assert said(report) == steps
    assert report.steps[-1].message.startswith("Forbidden / 403")
    assert "Assign the Microsoft Sentinel Responder role to the App Registration" in (report.steps[-1].hint or "")


def test_rights_that_cannot_be_read_are_no_failure(house: House) -> None:
    house.server.tenant.faults.add(Fault(403, path="*/permissions"))
    report = house.destinations.test(ADMIN, house.workspace, house.add().id)
    assert said(report) == [True, True, None]
    assert report.ok


def test_a_tenant_that_does_not_answer(house: House) -> None:
    house.server.tenant.faults.add(Fault(503, path="*/oauth2/*", times=None))
    report = house.destinations.test(ADMIN, house.workspace, house.add().id)
    assert said(report) == [False]
    assert report.steps[0].message.startswith("Azure cannot be reached")


def test_values_can_be_tested_before_they_are_saved(house: House) -> None:
    report = house.destinations.test_values(ADMIN, house.workspace, "sentinel", VALUES)
    assert report.ok
    assert house.destinations.list(ADMIN, house.workspace) == []
    view = house.add(values={"client_secret": "wrong"})
    tried = house.destinations.test_values(
        ADMIN, house.workspace, None, {"client_secret": SECRET}, destination_id=view.id
    )
    assert tried.ok
    assert not house.destinations.test(ADMIN, house.workspace, view.id).ok
    with pytest.raises(InvalidInput):
        house.destinations.test_values(ADMIN, house.workspace, None, {})


def test_health(house: House) -> None:
    view = house.add()
    assert view.health is Health.UNKNOWN
    house.enqueue()
    assert house.view(view).pending == 1
    house.drain()
    view = house.view(view)
    assert (view.health, view.pending, view.last_success_at) == (Health.HEALTHY, 0, house.clock.now())
    house.server.tenant.faults.add(Fault(500, method="PUT"))
    house.enqueue(run_number(2))
    house.deliverer.deliver_due()
    view = house.view(view)
    assert (view.health, view.pending) == (Health.FAILING, 1)
    assert "Azure cannot be reached" in str(view.last_error)


def test_a_secret_is_rotated_without_a_gap(house: House) -> None:
    """Old and new secret are valid at once; the new one is tested before the old one goes."""
    view = house.add()
    app = house.server.tenant.directories[0].applications[0]
    app.secrets.append(ClientSecret("range-secret-2", house.clock.now() + timedelta(days=90)))
    house.enqueue(run_number(1))
    assert house.drain() == 1
    tried = house.destinations.test_values(
        ADMIN, house.workspace, None, {"client_secret": "range-secret-2"}, destination_id=view.id
    )
    assert tried.ok
    house.destinations.update(ADMIN, house.workspace, view.id, values={"client_secret": "range-secret-2"})
    house.enqueue(run_number(2))
    assert house.drain() == 1
    del app.secrets[0]
    house.openings.close()  # a token of the old secret would go on for an hour
    house.enqueue(run_number(3))
    assert house.drain() == 1
    assert len(house.remote()) == 3


def test_nothing_heavy_is_imported_before_something_is_delivered(python_environment: dict[str, str]) -> None:
    code = (
        "import sys, vedette.deliver.service, vedette.deliver.worker, vedette.deliver.registry;"
        "heavy = {'azure', 'msal', 'requests', 'duckdb', 'uvicorn', 'starlette'};"
        "print(sorted(heavy & {name.split('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=python_environment)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
