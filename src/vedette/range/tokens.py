"""Access tokens of the fake tenant: signed JWTs (RS256) with the claims that a resource looks at."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from vedette.range.state import Application, Directory

RESOURCES: Final = {
    "https://management.azure.com": "797f4846-ba00-4fd7-ba43-dac1f8f63013",
    "https://management.core.windows.net": "797f4846-ba00-4fd7-ba43-dac1f8f63013",
    "https://graph.microsoft.com": "00000003-0000-0000-c000-000000000000",
    "https://api.loganalytics.io": "ca7f3f0b-7d91-482c-8e09-c5d840d0eac5",
    "https://api.loganalytics.azure.com": "ca7f3f0b-7d91-482c-8e09-c5d840d0eac5",
    "https://monitor.azure.com": "be74cb24-cd9a-4ca0-b8d8-cd2d9b5f3e5d",
    "https://manage.office.com": "c5393580-f805-4401-95e8-94b7a6ef2fc2",
    "https://storage.azure.com": "e406a681-f3d4-42a8-90b6-c2b029497af1",
    "https://vault.azure.net": "cfa8b339-82a2-471a-a3c9-0fc0be7a4093",
}
"""Resources for which a token may be asked: App ID URI → application id of the service."""

LOG_ANALYTICS: Final = "https://api.loganalytics.io"

MANAGEMENT: Final = (
    "https://management.azure.com",
    "https://management.core.windows.net",
    "797f4846-ba00-4fd7-ba43-dac1f8f63013",
)
"""Audiences that Azure Resource Manager accepts."""


LEEWAY: Final = timedelta(minutes=5)
"""By how much clocks may differ before a token's start, or an assertion's times, are held against it."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a valid token speaks for."""

    tenant_id: str
    client_id: str
    object_id: str
    roles: tuple[str, ...] = ()


class TokenExpired(Exception):
    """The token's time is over; `expiry` says since when."""

    def __init__(self, expiry: datetime) -> None:
        self.expiry = expiry
        super().__init__(f"expired at {expiry:%Y-%m-%d %H:%M:%S}Z")


class TokenTooEarly(Exception):
    """The token's time has not come: the clocks of who made and who checks it differ."""


class TokenInvalid(Exception):
    """The token was not made here, or is no token."""


class WrongAudience(Exception):
    """The token is good, but for another resource."""

    def __init__(self, audience: str) -> None:
        self.audience = audience
        super().__init__(f"token for {audience}")


class TokenIssuer:
    """Signs and checks tokens with a key made at start."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = self._key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.key_id: Final = base64.urlsafe_b64encode(hashlib.sha256(public).digest()[:20]).rstrip(b"=").decode()

    def issue(self, directory: Directory, app: Application, resource: str, now: datetime, lifetime: int) -> str:
        """A token for an application, valid for `lifetime` seconds from `now`."""
        issued = int(now.timestamp())
        claims: dict[str, Any] = {
            "aud": resource,
            "iss": f"https://sts.windows.net/{directory.id}/",
            "iat": issued,
            "nbf": issued,
            "exp": issued + lifetime,
            "appid": app.client_id,
            "appidacr": "1",
            "idtyp": "app",
            "oid": app.object_id,
            "sub": app.object_id,
            "tid": directory.id,
            "ver": "1.0",
        }
        if app.app_roles:
            claims["roles"] = app.app_roles
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": self.key_id})

    def check(self, token: str, audiences: tuple[str, ...], now: datetime) -> Caller:
        """Who the token speaks for. Raises `TokenInvalid`, `TokenExpired`, `TokenTooEarly` or `WrongAudience`."""
        try:
            claims = jwt.decode(
                token,
                self._key.public_key(),
                algorithms=["RS256"],
                # Time is the fake tenant's clock, and the audience has its own error: both are looked at below.
                options={"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False},
            )
        except jwt.InvalidTokenError as error:
            raise TokenInvalid(str(error)) from error
        expiry = datetime.fromtimestamp(claims["exp"], UTC)
        if now >= expiry:
            raise TokenExpired(expiry)
        if now < datetime.fromtimestamp(claims["nbf"], UTC) - LEEWAY:
            raise TokenTooEarly
        if str(claims["aud"]).rstrip("/") not in audiences:
            raise WrongAudience(str(claims["aud"]))
        return Caller(claims["tid"], claims["appid"], claims["oid"], tuple(claims.get("roles", ())))

    def key_set(self) -> dict[str, Any]:
        """The public key as a JSON Web Key Set (RFC 7517)."""
        numbers = self._key.public_key().public_numbers()
        return {
            "keys": [
                {
                    "kty": "RSA",
                    "use": "sig",
                    "alg": "RS256",
                    "kid": self.key_id,
                    "n": _base64url(numbers.n),
                    "e": _base64url(numbers.e),
                }
            ]
        }


def _base64url(number: int) -> str:
    return base64.urlsafe_b64encode(number.to_bytes((number.bit_length() + 7) // 8, "big")).rstrip(b"=").decode()
