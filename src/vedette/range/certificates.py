"""Certificates of applications."""

from __future__ import annotations

from cryptography import x509

from vedette.core.errors import InvalidInput
from vedette.range.state import Certificate, FakeTenant


def read_certificate(tenant: FakeTenant, pem: str) -> Certificate:
    """An application's certificate from PEM. `InvalidInput` if it is none."""
    try:
        loaded = x509.load_pem_x509_certificate(pem.encode())
    except ValueError as error:
        raise InvalidInput("A certificate of an application is not PEM.") from error
    return Certificate(
        pem=pem,
        expires=loaded.not_valid_after_utc,
        created=tenant.clock.now(),
        description=loaded.subject.rfc4514_string(),
        key_id=tenant.ids(),
    )
