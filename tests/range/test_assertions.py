"""Tokens for an application that signs with a certificate."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from tests.plugins.fake_tenant import ABSENT, CLIENT, TENANT, Door
from vedette.range.certificates import read_certificate

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True)
class KeyPair:
    key: rsa.RSAPrivateKey
    certificate: x509.Certificate

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def thumbprint(self) -> bytes:
        return self.certificate.fingerprint(hashes.SHA1())

    @property
    def both(self) -> bytes:
        """Key and certificate in one PEM, as azure-identity reads them."""
        form = serialization.PrivateFormat.PKCS8
        return (
            self.key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()) + self.pem.encode()
        )


def key_pair(now: datetime, days: int = 30) -> KeyPair:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "range test")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
    return KeyPair(key, builder.not_valid_after(now + timedelta(days=days)).sign(key, hashes.SHA256()))


@pytest.fixture(scope="module")
def pair() -> KeyPair:
    return key_pair(datetime.fromisoformat("2026-03-04T00:00:00+00:00"))


def ask(
    door: Door, pair: KeyPair, algorithm: str = "RS256", headers: dict[str, str] | None = None, **claims: Any
) -> Any:
    now = int(door.clock.now().timestamp())
    endpoint = f"{door.server.url}/{TENANT}/oauth2/v2.0/token"
    whole = {"aud": endpoint, "iss": CLIENT, "sub": CLIENT, "nbf": now, "exp": now + 600, "jti": "1", **claims}
    header = headers or {"x5t": base64.urlsafe_b64encode(pair.thumbprint).rstrip(b"=").decode()}
    form = {
        "grant_type": "client_credentials",
        "client_id": CLIENT,
        "client_assertion_type": TYPE,
        "client_assertion": jwt.encode(whole, pair.key, algorithm=algorithm, headers=header),
        "scope": "https://management.azure.com/.default",
    }
    return door.http.post(f"/{TENANT}/oauth2/v2.0/token", data=form)


@pytest.fixture
def certified(door: Door, pair: KeyPair) -> Door:
    app = door.server.tenant.directories[0].applications[0]
    app.certificates = [read_certificate(door.server.tenant, pair.pem)]
    return door


@pytest.mark.parametrize("algorithm", ["RS256", "PS256"])
def test_a_signed_assertion_is_as_good_as_a_secret(certified: Door, pair: KeyPair, algorithm: str) -> None:
    answer = ask(certified, pair, algorithm)
    assert answer.status_code == 200, answer.text
    assert certified.arm("GET", "incidents", token=answer.json()["access_token"]).status_code == 200
    sha256 = base64.urlsafe_b64encode(pair.certificate.fingerprint(hashes.SHA256())).rstrip(b"=").decode()
    assert ask(certified, pair, algorithm, {"x5t#S256": sha256}).status_code == 200


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"aud": "https://elsewhere.example"}, 700023),
        ({"iss": ABSENT}, 700021),
        ({"exp": 1772618130}, 700024),
        ({"nbf": 1804154130}, 700024),
        ({"exp": None}, 700024),
    ],
)
def test_claims_that_do_not_fit(certified: Door, pair: KeyPair, claims: dict[str, Any], code: int) -> None:
    answer = ask(certified, pair, **claims)
    body = answer.json()
    assert (answer.status_code, body["error"], body["error_codes"]) == (401, "invalid_client", [code])


def test_other_certificates_and_other_keys(certified: Door, pair: KeyPair) -> None:
    other = key_pair(certified.clock.now())
    assert ask(certified, other).json()["error_codes"] == [700027]
    header = {"x5t": base64.urlsafe_b64encode(pair.thumbprint).decode()}
    answer = ask(certified, other, headers=header)
    assert (answer.json()["error_codes"], "signature" in answer.json()["error_description"]) == ([700027], True)


def test_a_certificate_expires(certified: Door, pair: KeyPair) -> None:
    certified.clock.advance(timedelta(days=31))
    assert ask(certified, pair).json()["error_codes"] == [1000502]


@pytest.mark.parametrize(
    ("change", "code"), [({"client_assertion": "x.y.z"}, 50027), ({"client_assertion_type": "x"}, 900144)]
)
def test_what_is_no_assertion(certified: Door, change: dict[str, str], code: int) -> None:
    form = {
        "grant_type": "client_credentials",
        "client_id": CLIENT,
        "client_assertion": "x",
        "client_assertion_type": TYPE,
    }
    form |= {"scope": "https://management.azure.com/.default", **change}
    assert certified.http.post(f"/{TENANT}/oauth2/v2.0/token", data=form).json()["error_codes"] == [code]
    del form["client_id"]
    assert certified.http.post(f"/{TENANT}/oauth2/v2.0/token", data=form).status_code in (400, 401)


def test_a_clock_that_is_wrong_lets_assertions_expire(certified: Door, pair: KeyPair) -> None:
    certified.server.tenant.clock.skews["entra"] = 1200
    assert ask(certified, pair).json()["error_codes"] == [700024]
