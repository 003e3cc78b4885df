"""Threat intelligence over the REST API, and the TAXII server with the official client."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from requests.exceptions import HTTPError
from taxii2client.v21 import Collection, Server, as_pages

from tests.api.conftest import Running, serving
from tests.intel.conftest import indicator
from vedette.collect.connectors.taxii.connector import Taxii
from vedette.core.accounts import local_operator
from vedette.core.outbound import Outbound
from vedette.core.redaction import Secret
from vedette.core.roles import Role
from vedette.intel.indicators import Indicators

WS = "/api/v1/workspaces/default"


class Site:
    """A server, somebody with a token, and the workspace's threat intelligence."""

    def __init__(self, running: Running) -> None:
        self.running = running
        operator = local_operator(running.data)
        application = running.application
        self.workspace = application.workspace("default")
        application.identity.create_account("user", "ada", by=operator)
        application.identity.grant("ada", Role.CONTRIBUTOR, self.workspace.id, by=operator)
        self.token = application.identity.create_token("ada", "taxii", by=operator).text.reveal()
        self.indicators: Indicators = application.services(self.workspace).indicators

    def ask(self, method: str, path: str, status: int = 200, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = httpx.request(method, self.running.server.url + WS + path, headers=headers, timeout=30, **more)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def rows(self, query: str) -> list[list[Any]]:
        services = self.running.application.services(self.workspace)
        assert services.intake.flush()
        return services.logs.query(query).rows

    def collection(self) -> Collection:
        return Collection(
            f"{self.running.server.url}/taxii2/root/collections/{self.workspace.id}/",
            user="anybody",
            password=self.token,
        )


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with serving(tmp_path / "data") as running:
        yield Site(running)


@pytest.mark.req("P-075", "P-077")
def test_adding_changing_and_deleting_by_hand(site: Site) -> None:
    body = {
        "type": "ip", "value": "203.0.113.45", "confidence": 70, "days": 30, "tags": ["wave 7"], "tlp": "amber",
        "threatTypes": ["malicious-activity"], "description": "Seen twice",
    }  # fmt: skip
    made = site.ask("POST", "/indicators", 201, json=body)
    assert (made["active"], made["source"], made["tlp"], made["content"]["labels"]) == (
        True,
        "Vedette",
        "Amber",
        ["wave 7"],
    )
    again = site.ask("POST", "/indicators", 201, json=body | {"confidence": 90})
    assert again["id"] == made["id"]
    asked = "ThreatIntelIndicators | summarize arg_max(TimeGenerated, *) by Id | project ObservableValue, Confidence, IsActive, Revoked, Tags"
    assert site.rows(asked) == [["203.0.113.45", 90, True, False, '["wave 7"]']]
    assert site.ask("POST", f"/indicators/{made['stixId']}/tags", json={"add": ["mine"]})["tags"] == ["mine"]
    assert site.ask("POST", f"/indicators/{made['id']}/revoke")["withdrawnBy"] == "ada"
    assert site.rows(asked) == [["203.0.113.45", 90, False, True, '["wave 7", "mine"]']]
    assert site.ask("GET", "/indicators?q=203.0.113")["count"] == 0
    assert site.ask("GET", "/indicators?q=203.0.113&state=inactive")["count"] == 1
    assert site.ask("POST", f"/indicators/{made['id']}/reinstate")["active"] is True
    [listed] = site.ask("GET", "/indicators?state=all&type=all&source=Vedette")["value"]
    assert "content" not in listed
    assert site.ask("GET", "/indicator-sources")["value"] == [{"source": "Vedette", "inForce": 1}]
    site.ask("DELETE", f"/indicators/{made['id']}", 204)
    site.ask("GET", f"/indicators/{made['id']}", 404)
    assert site.rows("ThreatIntelIndicators | summarize arg_max(TimeGenerated, *) by Id | project IsDeleted") == [
        [True]
    ]
    actions = [one["action"] for one in _audited(site)]
    assert actions == [
        "indicators/create", "indicators/update", "indicators/tag", "indicators/revoke", "indicators/reinstate", "indicators/delete",
    ]  # fmt: skip


def _audited(site: Site) -> list[dict[str, Any]]:
    held = site.running.application
    found = [{"action": one.action} for one in held.audit.entries(workspace_id=site.workspace.id)]
    return [one for one in found if one["action"].startswith("indicators/")][::-1]


@pytest.mark.parametrize(
    ("given", "key", "value"),
    [
        (("ip", "2001:DB8::1"), "ipv6-addr:value", "2001:db8::1"), (("ip", "198.51.100.7/24"), "ipv4-addr:value", "198.51.100.0/24"),
        (("ip", "198.51.100.7/32"), "ipv4-addr:value", "198.51.100.7"), (("domain", "Evil.example."), "domain-name:value", "Evil.example"),
        (("url", "https://evil.example/a'b"), "url:value", "https://evil.example/a'b"),
        (("email", "a@evil.example"), "email-addr:value", "a@evil.example"), (("hash", "D" * 32), "file:hashes.MD5", "d" * 32),
        (("hash", "a" * 40), "file:hashes.'SHA-1'", "a" * 40), (("hash", "a" * 64), "file:hashes.'SHA-256'", "a" * 64),
        (("file", "a.exe"), "file:name", "a.exe"), (("account", "svc"), "user-account:account_login", "svc"),
        (("registry-key", "HKLM\\Bad"), "windows-registry-key:key", "HKLM\\Bad"), (("mutex", "m"), "mutex:name", "m"),
        (("x509-certificate:serial_number", "1"), "x509-certificate:serial_number", "1"),
    ],
)  # fmt: skip
@pytest.mark.req("P-075", "P-076", "P-077")
def test_kinds_of_observables(shared_site: Site, given: tuple[str, str], key: str, value: str) -> None:
    made = shared_site.ask("POST", "/indicators", 201, json={"type": given[0], "value": given[1], "days": 0})
    assert made["validUntil"] is None
    found = shared_site.rows(
        f"ThreatIntelIndicators | where Id endswith '{made['stixId']}' | project ObservableKey, ObservableValue, IsActive"
    )
    assert found == [[key, value, True]]


@pytest.mark.parametrize(
    "given",
    [
        ("ip", "1.2.3.400"), ("domain", "no domain"), ("domain", "nodot"), ("url", "evil.example/x"), ("email", "evil.example"),
        ("hash", "abc"), ("hash", "g" * 64), ("nonsense", "x"), ("ip", " "), ("file", "x" * 8_001), ("bad key:x y", "z"),
    ],
)  # fmt: skip
def test_values_that_are_none(shared_site: Site, given: tuple[str, str]) -> None:
    shared_site.ask("POST", "/indicators", 400, json={"type": given[0], "value": given[1]})


@pytest.fixture(scope="module")
def shared_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with serving(tmp_path_factory.mktemp("indicators") / "data") as running:
        yield Site(running)


# -- TAXII


@pytest.mark.req("P-081")
def test_the_official_client_reads_what_is_in_force(site: Site) -> None:
    given = [indicator(number) for number in range(1, 8)]
    given.append(indicator(8, revoked=True))
    given.append(indicator(9, valid_until="2026-02-02T00:00:00Z"))
    given.append(indicator(10, object_marking_refs=["marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"]))
    site.indicators.take(given, "CERT", "TAXII")
    server = Server(f"{site.running.server.url}/taxii2/", user="anybody", password=site.token)
    assert server.title == "Vedette"
    [root] = server.api_roots
    assert root.versions == ["application/taxii+json;version=2.1"]
    [collection] = root.collections
    assert (collection.id, collection.title, collection.can_read, collection.can_write) == (
        site.workspace.id, "Indicators of default", True, False,
    )  # fmt: skip
    pages = list(as_pages(collection.get_objects, per_request=3))
    assert [len(page["objects"]) for page in pages] == [3, 3, 1]
    assert [one for page in pages for one in page["objects"]] == given[:7]
    assert collection.get_object(given[2]["id"])["objects"] == [given[2]]
    assert collection.object_versions(given[2]["id"])["versions"] == [given[2]["modified"]]
    manifest = collection.get_manifest()["objects"]
    assert [one["id"] for one in manifest] == [one["id"] for one in given[:7]]
    assert [one["id"] for one in collection.get_objects(id=[given[0]["id"], given[1]["id"]])["objects"]] == [
        one["id"] for one in given[:2]
    ]
    assert collection.get_objects(type="malware").get("objects", []) == []
    assert len(collection.get_objects(version=given[0]["modified"])["objects"]) == 7
    with pytest.raises(HTTPError):
        collection.get_object("indicator--00000000-0000-4000-8000-000000000000")


@pytest.mark.req("P-081")
def test_what_was_taken_out_of_force_is_told_to_who_asks_for_changes(site: Site) -> None:
    site.indicators.take([indicator(number) for number in range(1, 5)], "CERT", "TAXII")
    collection = site.collection()
    last = collection.get_manifest()["objects"][-1]["date_added"]
    assert collection.get_objects(added_after=last).get("objects", []) == []
    operator = local_operator(site.running.data)
    site.indicators.withdraw(indicator(1)["id"], operator)
    site.indicators.delete(indicator(2)["id"], operator)
    site.indicators.take([indicator(3, modified="2026-02-20T00:00:00Z", revoked=True)], "CERT", "TAXII")
    site.indicators.take([indicator(5)], "CERT", "TAXII")
    pages = list(as_pages(collection.get_objects, per_request=1, added_after=last))
    changed = {one["id"]: one for page in pages for one in page["objects"]}
    assert {identity: one.get("revoked", False) for identity, one in changed.items()} == {
        indicator(1)["id"]: True, indicator(2)["id"]: True, indicator(3)["id"]: True, indicator(5)["id"]: False,
    }  # fmt: skip
    assert changed[indicator(1)["id"]]["modified"] > indicator(1)["modified"]
    assert [one["id"] for one in collection.get_objects()["objects"]] == [indicator(4)["id"], indicator(5)["id"]]


@pytest.mark.req("P-079", "P-081")
def test_our_own_connector_reads_our_own_server(site: Site) -> None:
    given = [indicator(number) for number in range(1, 4)]
    site.indicators.take(given, "CERT", "TAXII")
    values = {
        "address": f"{site.running.server.url}/taxii2/", "source": "x", "version": "2.1", "first_look_back": "Everything",
        "user_name": "anybody",
    }  # fmt: skip
    kind = Taxii(site.running.application.clock, Outbound.of("127.0.0.0/8"))
    connection = kind.open(values, {"password": Secret(site.token)})
    assert connection.check().ok
    page = connection.poll("objects", {})
    assert (list(page.stix), page.more) == (given, False)
    assert connection.poll("objects", page.cursor).stix == ()
    connection.close()


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/taxii2/", {"Authorization": ""}, 401), ("/taxii2/", {"Authorization": "Basic bm9uc2Vuc2U6bm9uc2Vuc2U="}, 401),
        ("/taxii2/", {"Authorization": "Basic %%%"}, 401), ("/taxii2/", {"Accept": "application/json"}, 406),
        ("/taxii2/", {"Accept": "application/vnd.oasis.taxii+json; version=2.0"}, 406), ("/taxii2/", {"Accept": "text/html, */*;q=0.1"}, 200),
        ("/taxii2/root/collections/nonsense/objects/", {}, 404), ("/taxii2/root/collections/default/objects/?limit=x", {}, 400),
        ("/taxii2/root/collections/default/objects/?limit=0", {}, 400), ("/taxii2/root/collections/default/objects/?next=x", {}, 400),
        ("/taxii2/root/collections/default/objects/?added_after=yesterday", {}, 400),
        ("/taxii2/root/collections/default/objects/", {}, 200),
    ],
)  # fmt: skip
def test_refusals_have_the_form_of_taxii(shared_site: Site, path: str, headers: dict[str, str], status: int) -> None:
    basic = base64.b64encode(f"x:{shared_site.token}".encode()).decode()
    given = {"Authorization": f"Basic {basic}", "Accept": "application/taxii+json;version=2.1"} | headers
    answer = httpx.get(shared_site.running.server.url + path, headers=given, timeout=60)
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/taxii+json;version=2.1"
    if status != 200:
        assert answer.json()["http_status"] == str(status)
        assert answer.json()["title"]
    if status == 401:
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")


# -- entities of incidents


@pytest.mark.req("P-075", "P-081")
def test_an_entity_of_an_incident_becomes_an_indicator(loaded: Running) -> None:
    with loaded.client() as client:
        ws = "/workspaces/default"
        number = client.get(f"{ws}/incidents").json()["value"][0]["number"]
        answer = client.post(f"{ws}/incidents/{number}/indicators", json={"entity": "203.0.113.7", "confidence": 75})
        assert answer.status_code == 201, answer.text
        made = answer.json()
        assert (made["pattern"], made["confidence"], made["active"]) == ("[ipv4-addr:value = '203.0.113.7']", 75, True)
        assert made["content"]["description"].startswith(f"Seen in the incident {number}: Sign-in from a country")
        timeline = client.get(f"{ws}/incidents/{number}").json()["timeline"]
        assert any("203.0.113.7 was added to threat intelligence" in str(entry) for entry in timeline)
        account = client.post(f"{ws}/incidents/{number}/indicators", json={"entity": "alex@contoso.example"})
        assert account.json()["pattern"] == "[user-account:account_login = 'alex@contoso.example']"
        missing = client.post(f"{ws}/incidents/{number}/indicators", json={"entity": "203.0.113.8"})
        assert missing.status_code == 404
        assert "203.0.113.7" in missing.json()["error"]["hint"]
        assert client.post(f"{ws}/incidents/999/indicators", json={"entity": "x"}).status_code == 404
    services = loaded.application.services(loaded.application.workspace("default"))
    assert services.intake.flush()
    assert services.logs.query("ThreatIntelIndicators | count").rows == [[2]]
