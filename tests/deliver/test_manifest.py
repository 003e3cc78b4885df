"""The manifest of the Microsoft Sentinel destination: its fields, their rules, and what is generated from it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.deliver.conftest import VALUES
from vedette.core.clock import SystemClock
from vedette.core.errors import NotFound
from vedette.core.forms import InvalidFields
from vedette.deliver.kinds.sentinel import manifest
from vedette.deliver.registry import default_registry

MANIFEST = manifest()
REQUIRED = ["tenant_id", "client_id", "client_secret", "subscription_id", "resource_group_name", "workspace_name"]
SECRET = ["tenant_id", "client_id", "client_secret"]


def problems(**change: object) -> dict[str, str]:
    with pytest.raises(InvalidFields) as caught:
        MANIFEST.check({**VALUES, **change})
    assert caught.value.to_dict()["fields"] == caught.value.fields
    return caught.value.fields


@pytest.mark.req("D-001")
def test_the_kind_is_registered() -> None:
    registry = default_registry(SystemClock())
    assert [kind.manifest.kind for kind in registry] == [
        "sentinel", "servicenow", "webhook", "syslog", "email", "slack", "teams"
    ]  # fmt: skip
    assert registry.get("sentinel").manifest.title == "Microsoft Sentinel"
    with pytest.raises(NotFound) as caught:
        registry.get("sentinal")
    assert caught.value.hint == "Did you mean 'sentinel'?"


def test_six_fields_are_required_and_three_are_secret() -> None:
    assert [field.name for field in MANIFEST.fields if field.required] == REQUIRED
    assert [field.name for field in MANIFEST.fields if field.secret] == SECRET


@pytest.mark.parametrize("name", REQUIRED)
@pytest.mark.parametrize("value", [None, "", "   "])
def test_a_required_field_that_is_missing_is_named(name: str, value: object) -> None:
    assert problems(**{name: value}) == {name: "is required"}


@pytest.mark.req("D-027")
@pytest.mark.parametrize("name", ["tenant_id", "client_id", "subscription_id"])
@pytest.mark.parametrize(
    "value",
    [
        "not-a-uuid",
        "abaaaaaa-bbbb-cccc-dddd-eeeeeeeeeee",
        "aaaaaaaabbbbccccddddeeeeeeeeeeee",
        "{aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee}",
        "gaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
        "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee;x",
    ],
)
def test_a_malformed_uuid_is_refused_and_the_message_names_the_field(name: str, value: str) -> None:
    with pytest.raises(InvalidFields, match=f"{name} must be a UUID such as") as caught:
        MANIFEST.check({**VALUES, name: value})
    assert caught.value.target == name
    assert (value in str(caught.value)) is not MANIFEST.field(name).secret


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("resource_group_name", "a/b", "resource group"),
        ("resource_group_name", "ends.", "resource group"),
        ("resource_group_name", "x" * 91, "at most 90"),
        ("workspace_name", "has space", "workspace"),
        ("workspace_name", "-x", "workspace"),
        ("workspace_name", "x?y=z", "workspace"),
        ("client_secret", "line\nbreak", "one line"),
        ("client_secret", "x" * 1025, "at most 1024"),
        ("client_secret", 5, "must be text"),
        ("client_secret_expires_on", "31.12.2026", "must be a date"),
        ("client_secret_expires_on", "2026-02-30", "must be a date"),
        ("cloud", "AzurePublik", "did you mean AzurePublic?"),
        ("api_version", "latest", "must be an api-version"),
        ("api_version", "2024-09-01&x=y", "must be an api-version"),
        ("workspce_name", "x", "is not a field of Microsoft Sentinel; did you mean workspace_name?"),
    ],
)
def test_what_is_not_right_is_named(name: str, value: object, words: str) -> None:
    found = problems(**{name: value})
    assert list(found) == [name]
    assert words in found[name]
    if name == "client_secret":
        assert str(value) not in found[name]


def test_all_of_it_is_told_at_once() -> None:
    assert set(problems(tenant_id="x", workspace_name="", nothing="y")) == {"tenant_id", "workspace_name", "nothing"}


@pytest.mark.req("D-025", "D-026")
def test_names_keep_their_case_and_space_around_values_goes() -> None:
    checked = MANIFEST.check({**VALUES, "resource_group_name": " RG-Sec_(1).x ", "workspace_name": "LAW-Sec"})
    assert checked["resource_group_name"] == "RG-Sec_(1).x"
    assert checked["workspace_name"] == "LAW-Sec"


@pytest.mark.req("D-018")
def test_defaults() -> None:
    checked = MANIFEST.check(VALUES)
    assert checked["api_version"] == "2022-07-01-preview"
    assert checked["cloud"] == "AzurePublic"
    assert "client_secret_expires_on" not in checked


def test_kept_secrets_need_not_be_given() -> None:
    partial = {name: value for name, value in VALUES.items() if name not in SECRET}
    assert set(MANIFEST.check(partial, kept=SECRET)) == {*REQUIRED, "cloud", "api_version"} - set(SECRET)
    with pytest.raises(InvalidFields):
        MANIFEST.check({**partial, "tenant_id": "wrong"}, kept=["tenant_id"])


def test_the_form() -> None:
    described = MANIFEST.to_dict()
    assert (described["kind"], described["displayName"]) == ("sentinel", "Microsoft Sentinel")
    assert described["permissions"][0]["name"] == "Microsoft Sentinel Responder"
    fields = {field["name"]: field for field in described["fields"]}
    assert list(fields) == [field.name for field in MANIFEST.fields]
    assert fields["client_secret"]["type"] == "secret"
    assert fields["tenant_id"]["type"] == "secret"
    assert fields["subscription_id"]["type"] == "guid"
    assert fields["cloud"]["options"][0] == {"value": "AzurePublic", "label": "AzurePublic"}
    for field in fields.values():
        assert field["help"]


def test_the_schema_says_what_the_check_does() -> None:
    schema: dict[str, Any] = MANIFEST.schema()
    assert schema["required"] == REQUIRED
    assert schema["additionalProperties"] is False
    properties = schema["properties"]
    assert [name for name, entry in properties.items() if entry.get("writeOnly")] == SECRET
    assert properties["subscription_id"]["format"] == "uuid"
    assert properties["cloud"]["enum"] == ["AzurePublic", "AzureUSGovernment", "AzureChina"]
    for name, entry in properties.items():
        if "pattern" in entry:
            assert re.search(entry["pattern"], str(MANIFEST.check(VALUES)[name]))
            assert not re.search(entry["pattern"], "a/b\n")


@pytest.mark.req("D-023")
def test_the_secret_is_to_be_rotated_every_90_days() -> None:
    assert MANIFEST.field("client_secret").rotate_days == 90
    assert "90 days" in MANIFEST.field("client_secret").about


def test_troubleshooting_has_the_five_rows() -> None:
    assert [row.error for row in MANIFEST.troubleshooting] == [
        "Authentication failed",
        "Forbidden / 403",
        "Resource not found",
        "Tenant not found",
        "Incident not created",
    ]
