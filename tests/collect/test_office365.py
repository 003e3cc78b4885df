"""The unified audit log through the Management Activity API of the fake tenant."""

from __future__ import annotations

import random
from collections import Counter
from datetime import datetime, timedelta

from tests.collect.connecting import VALUES, Tenant
from tests.deliver.conftest import ADMIN
from tests.plugins.fake_tenant import START, TENANT
from vedette.collect.connectors.contract import Trouble
from vedette.collect.connectors.runner import ConnectorRunner
from vedette.collect.connectors.service import ConnectorView
from vedette.range.faults import Fault

KIND = "Audit.Exchange"


def put(tenant: Tenant, first: int, last: int, at: datetime = START) -> None:
    content = tenant.server.tenant.documents.of("office365", TENANT, KIND)
    for number in range(first, last):
        created = at - timedelta(minutes=number - first)
        identity = f"{KIND}$c{number}"
        records = [
            {
                "Id": f"m{number}-{part}", "CreationTime": created.strftime("%Y-%m-%dT%H:%M:%S"), "Operation": "MailItemsAccessed",
                "RecordType": 2, "UserId": "a@contoso.example", "Workload": "Exchange",
            }
            for part in range(2)
        ]  # fmt: skip
        content.put(
            identity,
            {"contentId": identity, "contentCreated": created.strftime("%Y-%m-%dT%H:%M:%S.000Z"), "records": records},
        )


def add(tenant: Tenant) -> ConnectorView:
    return tenant.connectors.create(ADMIN, tenant.workspace, "office-365", "M365", {**VALUES, "first_look_back": "2"})


def rows(tenant: Tenant) -> Counter[str]:
    return Counter(identity for table, identity in tenant.sink.seen if table == "OfficeActivity")


def test_lists_pages_content_and_late_content_once(tenant: Tenant) -> None:
    put(tenant, 0, 250, START - timedelta(seconds=1))
    put(tenant, 1000, 1005, START - timedelta(hours=40))
    one = add(tenant)
    tenant.runner.poll_due()
    assert {at.endpoint: at.trouble for at in tenant.view(one).endpoints} == dict.fromkeys(
        ("azure_ad", "exchange", "sharepoint", "general", "dlp")
    )
    assert len(tenant.sink.tables["OfficeActivity"]) == 510
    tenant.sink.seen = set()
    put(tenant, 2000, 2002, START - timedelta(minutes=30))  # it was listed late
    tenant.advance(minutes=5)
    assert len(tenant.sink.tables["OfficeActivity"]) == 514
    tenant.advance(minutes=5)
    assert len(tenant.sink.tables["OfficeActivity"]) == 514


def test_an_end_in_the_middle_loses_and_doubles_nothing(tenant: Tenant) -> None:
    put(tenant, 0, 120, START - timedelta(seconds=1))
    add(tenant)
    endings = 0
    for number in range(8):
        tenant.sink.fails_after = tenant.sink.accepted + 11 + number
        try:
            tenant.runner.poll_due()
        except KeyboardInterrupt:
            endings += 1
            secrets = tenant.runner._secrets
            tenant.runner = ConnectorRunner(
                tenant.state, secrets, tenant.registry, tenant.clock, lambda _: tenant.sink, random.Random(2)
            )
    tenant.sink.fails_after = None
    tenant.runner.poll_due()
    assert endings
    assert len(tenant.sink.tables["OfficeActivity"]) == 240
    assert set(rows(tenant).values()) == {1}


def test_429_403_and_content_that_has_expired(tenant: Tenant) -> None:
    put(tenant, 0, 5, START - timedelta(seconds=1))
    faults = tenant.server.tenant.faults
    faults.add(Fault(429, path="*feed/audit/*", skip=2, retry_after=5))
    faults.add(Fault(403, path="*subscriptions/*", query="*dlp.all*", times=None))
    one = add(tenant)
    tenant.runner.poll_due()
    assert tenant.endpoint(one, "exchange").trouble == Trouble.THROTTLED
    assert tenant.endpoint(one, "exchange").due_at - tenant.clock.now() == timedelta(minutes=10)
    assert "ActivityFeed.ReadDlp" in tenant.endpoint(one, "dlp").message
    tenant.server.tenant.documents.of("office365", TENANT, KIND).delete(f"{KIND}$c0")
    tenant.advance(minutes=10)
    assert tenant.endpoint(one, "exchange").trouble is None
    assert len(tenant.sink.tables["OfficeActivity"]) == 8
    report = tenant.connectors.test(ADMIN, tenant.workspace, one.id)
    assert [step.name for step in report.steps if step.ok is False] == ["Data loss prevention"]
