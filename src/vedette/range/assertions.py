"""Client assertions (RFC 7523): what an application signs with its certificate instead of sending a secret."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any, Final

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

from vedette.range.state import Application, Certificate, Directory
from vedette.range.tokens import LEEWAY

TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")


class AssertionRefused(Exception):
    """The assertion proves nothing; `code` is the AADSTS number."""

    def __init__(self, code: int, text: str) -> None:
        self.code = code
        super().__init__(text)


def audiences(origin: str, directory: Directory, asked: str) -> frozenset[str]:
    """Whom an assertion may be addressed to: the token endpoints, or the issuer, of the directory."""
    names = {directory.id, directory.domain, asked}
    ends = ("/oauth2/v2.0/token", "/oauth2/token", "/v2.0", "/", "")
    return frozenset(f"{origin}/{name}{end}".lower() for name in names for end in ends)


def subject(assertion: str) -> str:
    """The client id that an assertion claims, unchecked."""
    return str(_claims(assertion).get("sub", ""))


def check(assertion: str, app: Application, accepted: frozenset[str], now: datetime) -> None:
    """Whether the application signed it, for us, for now. Raises `AssertionRefused`."""
    claims = _claims(assertion)
    certificate, x509_certificate = _signer(assertion, app)
    public = x509_certificate.public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    try:
        jwt.decode(
            assertion,
            public,
            algorithms=_ALGORITHMS,
            options={"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False},
        )
    except jwt.InvalidTokenError:
        raise AssertionRefused(700027, "Client assertion failed signature validation.") from None
    if certificate.expires <= now or x509_certificate.not_valid_before_utc > now + LEEWAY:
        raise AssertionRefused(
            1000502,
            "The provided certificate is not within its specified validity window. "
            f"Thumbprint: '{thumbprint(x509_certificate).hex().upper()}'.",
        )
    if {str(claims.get("iss")).lower(), str(claims.get("sub")).lower()} != {app.client_id.lower()}:
        raise AssertionRefused(700021, "Client assertion application identifier doesn't match 'client_id' parameter.")
    given = claims.get("aud")
    if str(given).lower() not in accepted:
        raise AssertionRefused(
            700023, f"Client assertion audience claim does not match Realm issuer. Audience: '{given}'."
        )
    start, end = _moment(claims.get("nbf", claims.get("iat"))), _moment(claims.get("exp"))
    if end is None or end + LEEWAY <= now or (start is not None and start - LEEWAY > now):
        raise AssertionRefused(
            700024,
            f"Client assertion is not within its valid time range. Current time: {now:%Y-%m-%dT%H:%M:%S.%fZ}, assertion "
            f"valid from {start:%Y-%m-%dT%H:%M:%S.%fZ}, expiry time of assertion {end:%Y-%m-%dT%H:%M:%S.%fZ}."
            if start and end
            else "Client assertion is not within its valid time range: it has no expiry.",
        )


def thumbprint(certificate: x509.Certificate) -> bytes:
    """SHA-1 of the certificate, by which Entra knows it."""
    return certificate.fingerprint(hashes.SHA1())  # noqa: S303


def _signer(assertion: str, app: Application) -> tuple[Certificate, x509.Certificate]:
    header = jwt.get_unverified_header(assertion)
    told = header.get("x5t#S256") or header.get("x5t") or header.get("kid") or ""
    for certificate in app.certificates:
        loaded = x509.load_pem_x509_certificate(certificate.pem.encode())
        prints = (thumbprint(loaded), loaded.fingerprint(hashes.SHA256()))
        forms = {base64.urlsafe_b64encode(each).rstrip(b"=").decode() for each in prints}
        forms |= {each.hex().upper() for each in prints}
        if told.rstrip("=") in forms or told.upper() in forms:
            return certificate, loaded
    raise AssertionRefused(
        700027,
        "The certificate with identifier used to sign the client assertion is not registered on application. "
        f"[Reason - The key was not found., Thumbprint of key used by client: '{told}'].",
    )


def _claims(assertion: str) -> dict[str, Any]:
    try:
        return dict(jwt.decode(assertion, options={"verify_signature": False}))
    except jwt.InvalidTokenError:
        raise AssertionRefused(50027, "JWT token is invalid or malformed.") from None


def _moment(value: Any) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e11:
        return None
    return datetime.fromtimestamp(value, UTC)
