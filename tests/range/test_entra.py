"""The token service: tokens for the right credentials, Entra's own errors for the wrong ones."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest

from tests.plugins.fake_tenant import ABSENT, CLIENT, SECRET, TENANT, Door
from vedette.range.state import ClientSecret

FORM = {
    "grant_type": "client_credentials",
    "client_id": CLIENT,
    "client_secret": SECRET,
    "scope": "https://management.azure.com/.default",
}
TOKEN = f"/{TENANT}/oauth2/v2.0/token"


def claims(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=="))
    return found


@pytest.mark.req("D-020")
def test_a_token_has_the_claims_that_a_resource_checks(door: Door) -> None:
    answer = door.http.post(TOKEN, data=FORM)
    assert answer.status_code == 200
    body = answer.json()
    assert (body["token_type"], body["expires_in"], body["ext_expires_in"]) == ("Bearer", 3599, 3599)
    told = claims(body["access_token"])
    assert told["aud"] == "https://management.azure.com"
    assert told["iss"] == f"https://sts.windows.net/{TENANT}/"
    assert (told["tid"], told["appid"]) == (TENANT, CLIENT)
    assert told["exp"] - told["iat"] == 3599
    assert answer.headers["cache-control"] == "no-store"


def test_the_signature_can_be_checked_with_the_published_keys(door: Door) -> None:
    configuration = door.http.get(f"/{TENANT}/v2.0/.well-known/openid-configuration").json()
    keys = jwt.PyJWKSet.from_dict(door.http.get(configuration["jwks_uri"]).json())
    token = door.token()
    options: Any = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
    key = keys[jwt.get_unverified_header(token)["kid"]]
    assert jwt.decode(token, key, audience="https://management.azure.com", options=options)["tid"] == TENANT


def test_the_domain_stands_for_the_tenant(door: Door) -> None:
    answer = door.http.post("/CONTOSO.example/oauth2/v2.0/token", data=FORM)
    assert answer.status_code == 200
    assert claims(answer.json()["access_token"])["tid"] == TENANT


def test_discovery_names_endpoints_of_this_server(door: Door, shared: Path) -> None:
    body = door.http.get(f"/{TENANT}/v2.0/.well-known/openid-configuration").json()
    recorded = json.loads((shared / "contracts" / "oauth_openid_configuration.json").read_text())
    assert set(body) == set(recorded)
    assert body["token_endpoint"] == f"{door.server.url}/{TENANT}/oauth2/v2.0/token"
    assert body["issuer"] == f"{door.server.url}/{TENANT}/v2.0"


# case, what is changed in the form, HTTP status, error, code
REFUSALS: list[tuple[str, dict[str, str | None], int, str, int]] = [
    ("bad_client_id", {"client_id": ABSENT}, 400, "unauthorized_client", 700016),
    ("bad_secret", {"client_secret": "wrong"}, 401, "invalid_client", 7000215),
    ("no_secret", {"client_secret": None}, 401, "invalid_client", 7000218),
    ("bad_scope", {"scope": "everything"}, 400, "invalid_scope", 70011),
    ("bad_scope", {"scope": "https://management.azure.com/user_impersonation"}, 400, "invalid_scope", 70011),
    (
        "two_resources",
        {"scope": "https://management.azure.com/.default https://graph.microsoft.com/.default"},
        400,
        "invalid_scope",
        700022,
    ),
    ("unknown_resource", {"scope": "https://nothing.example/.default"}, 400, "invalid_resource", 500011),
    ("missing_parameter", {"grant_type": None}, 400, "invalid_request", 900144),
    ("missing_scope", {"scope": None}, 400, "invalid_request", 900144),
    ("other_grant", {"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
]


@pytest.mark.parametrize(("case", "change", "status", "error", "code"), REFUSALS)
def test_refusals(door: Door, case: str, change: dict[str, str | None], status: int, error: str, code: int) -> None:
    form = {name: value for name, value in {**FORM, **change}.items() if value is not None}
    answer = door.http.post(TOKEN, data=form)
    body = answer.json()
    assert (answer.status_code, body["error"], body["error_codes"]) == (status, error, [code]), case
    lines = body["error_description"].split("\r\n")
    assert lines[0].startswith(f"AADSTS{code}: ")
    assert lines[1:] == [
        f"Trace ID: {body['trace_id']}",
        f"Correlation ID: {body['correlation_id']}",
        "Timestamp: 2026-03-04 10:15:30Z",
    ]
    assert body["timestamp"] == "2026-03-04 10:15:30Z"
    assert "Retry-After" not in answer.headers
    assert SECRET not in answer.text


@pytest.mark.parametrize(
    "case",
    ["bad_tenant_token_endpoint", "bad_client_id", "bad_secret", "expired_secret", "bad_scope", "missing_parameter"],
)
def test_refusals_have_the_recorded_shape_and_words(door: Door, shared: Path, case: str) -> None:
    recorded = json.loads((shared / "contracts" / "oauth_errors.json").read_text())[case]
    form, path = dict(FORM), TOKEN
    if case == "bad_tenant_token_endpoint":
        path = "/nope/oauth2/v2.0/token"
    elif case == "bad_client_id":
        form["client_id"] = ABSENT
    elif case == "bad_secret":
        form["client_secret"] = "wrong"
    elif case == "expired_secret":
        door.clock.advance(timedelta(days=91))
    elif case == "bad_scope":
        form["scope"] = "nothing"
    else:
        del form["grant_type"]
    answer = door.http.post(path, data=form)
    body = answer.json()
    assert answer.status_code == recorded["status"]
    assert set(body) == set(recorded["body"])
    for name in ("error", "error_codes", "error_uri"):
        assert body[name] == recorded["body"][name]
    words = recorded["body"]["error_description"].split("\r\n")[0]
    words = words.replace("APPID", form["client_id"])
    assert body["error_description"].split("\r\n")[0].startswith(words)


def test_an_unknown_tenant_has_no_configuration(door: Door, shared: Path) -> None:
    answer = door.http.get("/nope/v2.0/.well-known/openid-configuration")
    recorded = json.loads((shared / "contracts" / "oauth_errors.json").read_text())["bad_tenant_openid_configuration"]
    assert answer.status_code == recorded["status"]
    assert answer.json()["error"] == recorded["body"]["error"]
    assert answer.json()["error_codes"] == recorded["body"]["error_codes"]


def test_a_secret_expires_and_another_one_still_works(door: Door) -> None:
    app = door.server.tenant.directories[0].applications[0]
    app.secrets.append(ClientSecret("second", door.clock.now() + timedelta(days=180)))
    assert door.http.post(TOKEN, data=FORM).status_code == 200
    assert door.http.post(TOKEN, data={**FORM, "client_secret": "second"}).status_code == 200
    door.clock.advance(timedelta(days=90))
    assert door.http.post(TOKEN, data=FORM).json()["error_codes"] == [7000222]
    assert door.http.post(TOKEN, data={**FORM, "client_secret": "second"}).status_code == 200


def test_a_disabled_application_gets_no_token(door: Door) -> None:
    door.server.tenant.directories[0].applications[0].enabled = False
    assert door.http.post(TOKEN, data=FORM).json()["error_codes"] == [7000112]


def test_the_secret_may_come_in_the_authorization_header(door: Door) -> None:
    form = {name: value for name, value in FORM.items() if not name.startswith("client")}
    assert door.http.post(TOKEN, data=form, auth=(CLIENT, SECRET)).status_code == 200
    assert door.http.post(TOKEN, data=form, auth=(CLIENT, "wrong")).json()["error_codes"] == [7000215]


def test_the_older_endpoint_writes_numbers_as_text(door: Door) -> None:
    form = {name: value for name, value in FORM.items() if name != "scope"}
    answer = door.http.post(f"/{TENANT}/oauth2/token", data={**form, "resource": "https://management.azure.com/"})
    body = answer.json()
    start = int(door.clock.now().timestamp())
    assert body["expires_in"] == "3599"
    assert (body["not_before"], body["expires_on"]) == (str(start), str(start + 3599))
    assert door.arm("GET", "incidents", token=body["access_token"]).status_code == 200


def test_the_correlation_id_of_the_client_comes_back(door: Door) -> None:
    answer = door.http.post(TOKEN, data={**FORM, "client_secret": "x"}, headers={"client-request-id": ABSENT})
    assert answer.json()["correlation_id"] == ABSENT


def test_a_form_of_the_size_of_a_book_is_refused(door: Door) -> None:
    assert door.http.post(TOKEN, data={**FORM, "padding": "x" * 70_000}).status_code == 400
