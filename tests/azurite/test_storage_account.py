"""The connector Storage Account against Azurite: append blobs that grow, blobs that are written anew, and the three ways to sign in."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from azure.storage.blob import (
    AccountSasPermissions,
    ContainerClient,
    ResourceTypes,
    generate_account_sas,
    generate_container_sas,
)

from tests.azurite.conftest import ACCOUNT, KEY, Azurite
from tests.collect.connecting import VALUES, Tenant, tenant_over
from tests.collect.exports import TENANT, audit_event, hour_name, lines, sign_in
from tests.deliver.conftest import ADMIN
from vedette.clients.azure_cloud import AzureCloud
from vedette.collect.connectors.registry import default_connectors
from vedette.collect.connectors.runner import ConnectorRunner
from vedette.collect.connectors.service import Connectors
from vedette.core.clock import VirtualClock
from vedette.core.database import State
from vedette.range.server import RangeServer

AUDIT, SIGN_INS = "insights-logs-auditevent", "insights-logs-signinlogs"


@pytest.fixture
def exported(
    azurite: Azurite, range_server: RangeServer, tmp_path: Path
) -> Iterator[tuple[Tenant, ContainerClient, ContainerClient]]:
    """Connectors whose cloud has Azurite's account and the fake tenant's Entra, and two containers without a blob."""
    state = State.in_file(tmp_path / "state.db")
    tenant = tenant_over(range_server, state, tmp_path, VirtualClock(datetime.now(UTC)))
    both = tmp_path / "both.pem"
    both.write_bytes(azurite.ca_file.read_bytes() + range_server.ca_path.read_bytes())
    cloud = AzureCloud(
        "Local", range_server.url, range_server.url, "https://management.azure.com", both,
        blob_storage=f"{azurite.url}/{{account}}", instance_discovery=False,
    )  # fmt: skip
    secrets = tenant.runner._secrets
    tenant.registry = default_connectors(tenant.clock, {"Local": cloud})
    tenant.runner = ConnectorRunner(
        state, secrets, tenant.registry, tenant.clock, lambda _: tenant.sink, random.Random(5)
    )
    tenant.connectors = Connectors(state, secrets, tenant.registry, tenant.clock, tenant.runner.wake)
    service = azurite.service()
    containers = [service.create_container(name) for name in (AUDIT, SIGN_INS)]
    service.create_container("other")
    yield tenant, containers[0], containers[1]
    for name in (AUDIT, SIGN_INS, "other"):
        service.delete_container(name)
    service.close()
    tenant.runner.close()
    state.dispose()


def access(azurite: Azurite, how: str) -> dict[str, str]:
    expiry = datetime.now(UTC) + timedelta(hours=1)
    if how == "key":
        return {"sign_in": "Account key", "account_key": KEY}
    if how == "sas":
        made = generate_account_sas(
            ACCOUNT,
            KEY,
            ResourceTypes(service=True, container=True, object=True),
            AccountSasPermissions(read=True, list=True),
            expiry,
        )
        return {"sign_in": "SAS token", "sas_token": f"?{made}"}
    return {**VALUES, "sign_in": "App registration"}


@pytest.mark.parametrize("how", ["key", "sas", "registration"])
def test_what_is_appended_comes_once_and_into_its_table(
    exported: tuple[Tenant, ContainerClient, ContainerClient], azurite: Azurite, how: str
) -> None:
    tenant, audit, sign_ins = exported
    now = tenant.clock.now()
    first, entra = audit.get_blob_client(hour_name(now)), sign_ins.get_blob_client(hour_name(now, TENANT))
    for blob in (first, entra):
        blob.create_append_blob()
    first.append_block(lines(*(audit_event(now, number) for number in range(30))))
    entra.append_block(lines(*(sign_in(now, number) for number in range(20))))
    one = tenant.connectors.create(
        ADMIN, tenant.workspace, "storage-account", "Archive", {"account": ACCOUNT, **access(azurite, how)}
    )
    report = tenant.connectors.test(ADMIN, tenant.workspace, one.id)
    assert report.ok, report
    tenant.runner.poll_due()
    assert tenant.endpoint(one, "blobs").trouble is None, tenant.endpoint(one, "blobs").message
    assert {table: len(rows) for table, rows in tenant.sink.tables.items()} == {
        "AzureDiagnostics": 30,
        "SigninLogs": 20,
    }
    for number in range(30, 33):
        # in the middle of the hour, and the block of the last ends within a record
        text = lines(audit_event(now, number))
        first.append_block(text if number < 32 else text[:40])
        tenant.sink.seen = set()
        tenant.advance(minutes=5)
        assert len(tenant.sink.tables["AzureDiagnostics"]) == min(number + 1, 32)
    first.append_block(lines(audit_event(now, 32))[40:])
    later = audit.get_blob_client(hour_name(now + timedelta(hours=1)))
    later.create_append_blob()
    later.append_block(lines(audit_event(now, 33)))
    tenant.sink.seen = set()
    tenant.advance(minutes=5)
    numbers = Counter(row["number_d"] for row in tenant.sink.tables["AzureDiagnostics"])
    assert numbers == dict.fromkeys(range(34), 1)
    assert tenant.sink.tables["SigninLogs"][0]["UserPrincipalName"] == "ada@contoso.example"
    assert tenant.endpoint(one, "blobs").fetched == 54


def test_a_blob_that_is_written_anew_brings_what_is_new(
    exported: tuple[Tenant, ContainerClient, ContainerClient], azurite: Azurite
) -> None:
    tenant, audit, _ = exported
    now = tenant.clock.now()
    blob = audit.get_blob_client(hour_name(now))
    records = [audit_event(now, number // 2) for number in range(20)]  # each twice: both are records
    blob.upload_blob(json.dumps({"records": records[:8]}), overwrite=True)
    one = tenant.connectors.create(
        ADMIN, tenant.workspace, "storage-account", "Archive", {"account": ACCOUNT, **access(azurite, "key")}
    )
    tenant.runner.poll_due()
    for end in (8, 13, 20):
        blob.upload_blob(json.dumps({"records": records[:end]}), overwrite=True)
        tenant.sink.seen = set()
        tenant.advance(minutes=5)
        assert len(tenant.sink.tables["AzureDiagnostics"]) == end
    assert tenant.endpoint(one, "blobs").trouble is None
    assert set(Counter(row["number_d"] for row in tenant.sink.tables["AzureDiagnostics"]).values()) == {2}


@pytest.mark.parametrize(
    ("values", "trouble", "said"),
    [
        ({"sign_in": "Account key", "account_key": "bm90IHRoZSBrZXkgb2YgdGhlIGFjY291bnQ="}, "unauthorized", "Authentication failed"),
        ({"sign_in": "SAS token"}, "forbidden", "Storage Blob Data Reader"),
        ({"sign_in": "Account key", "account_key": KEY, "containers": "absent-1"}, None, "absent-1 is not there"),
    ],
    ids=["wrong key", "no right to list", "no container"],
)  # fmt: skip
def test_what_is_wrong_is_named(
    exported: tuple[Tenant, ContainerClient, ContainerClient], values: dict[str, str], trouble: str | None, said: str
) -> None:
    tenant, _, _ = exported
    if values["sign_in"] == "SAS token":
        expiry = datetime.now(UTC) + timedelta(hours=1)
        made = generate_container_sas(ACCOUNT, AUDIT, KEY, permission="r", expiry=expiry)
        values = {**values, "sas_token": made, "containers": AUDIT}
    one = tenant.connectors.create(
        ADMIN, tenant.workspace, "storage-account", "Archive", {"account": ACCOUNT, **values}
    )
    tenant.runner.poll_due()
    at = tenant.endpoint(one, "blobs")
    assert at.trouble == trouble, at.message
    assert said in at.message
    assert KEY not in str(at)
    report = tenant.connectors.test(ADMIN, tenant.workspace, one.id)
    assert report.failing == "Diagnostic logs"
