"""The connector Storage Account: what its cursor remembers and forgets, ends of blobs, lines that are none, ways to sign in."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import pytest

from tests.collect.connecting import VALUES, Tenant
from tests.collect.exports import audit_event, hour_name, lines
from tests.deliver.conftest import ADMIN
from tests.plugins.fake_tenant import START
from vedette.collect.connectors.models import ConnectorEndpointRow
from vedette.collect.connectors.service import ConnectorView
from vedette.collect.connectors.storage_account import connector
from vedette.core.forms import InvalidFields
from vedette.range.blobs import put_blob
from vedette.store.catalog import DEAD_LETTER

ACCOUNT = {**VALUES, "account": "contosologs"}


def add(tenant: Tenant, **more: str) -> ConnectorView:
    return tenant.connectors.create(ADMIN, tenant.workspace, "storage-account", "Archive", {**ACCOUNT, **more})


def write(tenant: Tenant, text: str, hour: datetime = START, **more: str) -> None:
    """Writes the blob of an hour anew, as if to its end was appended."""
    held = tenant.server.tenant.documents.of("blobs", "contosologs", "insights-logs-auditevent")
    known = next((one for one in held if one["name"] == hour_name(hour)), None)
    put_blob(held, hour_name(hour), text, tenant.clock.now(), created=known["created"] if known else None, **more)  # type: ignore[arg-type]


def numbers(tenant: Tenant) -> Counter[int]:
    return Counter(row["number_d"] for row in tenant.sink.tables.get("AzureDiagnostics", []))


def text(first: int, last: int, at: datetime = START) -> str:
    return lines(*(audit_event(at, number) for number in range(first, last)))


def test_blobs_that_grow_no_more_are_forgotten_and_not_read_again(tenant: Tenant) -> None:
    one = add(tenant)
    write(tenant, text(0, 3))
    tenant.runner.poll_due()
    assert cursor(tenant, one)["blobs"]
    for _ in range(3):
        tenant.advance(hours=12)
    assert cursor(tenant, one)["blobs"] == {}
    tenant.sink.seen = set()
    tenant.advance(hours=1)
    assert numbers(tenant) == {0: 1, 1: 1, 2: 1}
    # appended to after days: the intake still knows what was read
    tenant.clock.advance(timedelta(days=2))
    tenant.sink.seen = {("AzureDiagnostics", identity) for _, identity in tenant.sink.seen}
    write(tenant, text(0, 4))
    tenant.runner.poll_due()
    assert numbers(tenant)[3] == 1
    # after more than a week it does not: it is told, and not read
    for _ in range(10):
        tenant.advance(days=1)
    write(tenant, text(0, 9))
    tenant.advance(minutes=5)
    assert numbers(tenant)[8] == 0
    assert "changed after a week" in str(tenant.endpoint(one, "blobs").message)


def cursor(tenant: Tenant, one: ConnectorView) -> dict[str, object]:
    with tenant.state.session(read_only=True) as session:
        row = session.get(ConnectorEndpointRow, (one.id, "blobs"))
        assert row is not None
        return dict(row.cursor)


def test_how_far_the_first_poll_goes_back(tenant: Tenant) -> None:
    for days in (0, 1, 2, 3):
        write(tenant, text(days, days + 1), START - timedelta(days=days, minutes=1))
    add(tenant, first_look_back="2")
    tenant.runner.poll_due()
    assert set(numbers(tenant)) == {0, 1, 2}


def test_the_end_of_a_blob_is_waited_for_and_lines_that_are_none_are_kept(tenant: Tenant) -> None:
    add(tenant)
    whole = text(0, 2)
    write(tenant, whole[:-30])
    tenant.runner.poll_due()
    assert numbers(tenant) == {0: 1}
    write(tenant, whole.rstrip("\n"))  # a record without a line break at the end is one, too
    tenant.advance(minutes=5)
    assert numbers(tenant) == {0: 1, 1: 1}
    write(tenant, whole + "no JSON\n\n" + text(2, 3).replace("\n", "\r\n") + '{"torn": ')
    tenant.advance(minutes=5)
    assert numbers(tenant) == {0: 1, 1: 1, 2: 1}
    assert [row["Reason"] for row in tenant.sink.tables[DEAD_LETTER]] == ["the line is not JSON"]
    tenant.advance(hours=2)  # nobody has gone on with the torn one
    tenant.advance(hours=2)
    assert [row["Raw"] for row in tenant.sink.tables[DEAD_LETTER]] == ['"no JSON"', '"{\\"torn\\":"']


def test_a_line_that_is_longer_than_a_piece(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connector, "CHUNK", 64)
    monkeypatch.setattr(connector, "RECORDS", 3)
    add(tenant)
    write(tenant, text(0, 20))
    tenant.runner.poll_due()
    assert numbers(tenant) == dict.fromkeys(range(20), 1)


def test_a_blob_that_was_deleted_and_made_again_is_read_from_its_beginning(tenant: Tenant) -> None:
    add(tenant)
    write(tenant, text(0, 5))
    tenant.runner.poll_due()
    held = tenant.server.tenant.documents.of("blobs", "contosologs", "insights-logs-auditevent")
    tenant.clock.advance(60)
    put_blob(held, hour_name(START), text(5, 12), tenant.clock.now())
    tenant.advance(minutes=5)
    assert numbers(tenant) == dict.fromkeys(range(12), 1)


def test_the_account_permits_no_keys(tenant: Tenant) -> None:
    one = add(tenant, sign_in="SAS token", sas_token="sv=2022-11-02&ss=b&srt=sco&sp=rl&sig=abc%3D")
    tenant.runner.poll_due()
    assert "permits no keys" in tenant.endpoint(one, "blobs").message
    report = tenant.connectors.test(ADMIN, tenant.workspace, one.id)
    assert report.failing == "Diagnostic logs"
    assert "Sign in" not in str(report.steps[0].name)


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        ({"sign_in": "SAS token"}, {"sas_token"}),
        ({"sign_in": "Account key", "account_key": "not base64!"}, {"account_key"}),
        ({"sign_in": "SAS token", "sas_token": "sv=1&sp=r"}, {"sas_token"}),
        ({"account": "Contoso_Logs"}, {"account"}),
        ({"containers": "a, B"}, {"containers"}),
        ({"sign_in": "Key"}, {"sign_in"}),
    ],
)
def test_the_form_asks_for_what_the_way_to_sign_in_needs(
    tenant: Tenant, values: dict[str, str], wrong: set[str]
) -> None:
    given = {"account": "contosologs", **values} if "sign_in" in values else {**ACCOUNT, **values}
    with pytest.raises(InvalidFields) as caught:
        tenant.connectors.create(ADMIN, tenant.workspace, "storage-account", "Archive", given)
    assert set(caught.value.fields) >= wrong
    assert "tenant_id" not in caught.value.fields
