"""The certificates that the server's ports show: those that were given, or new ones of the authority in the data directory.

Whoever connects to a port without a certificate of yours trusts `tls/ca.pem` of the data directory.
"""

from __future__ import annotations

import socket
import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from vedette.api.application import Application
from vedette.core.errors import InvalidInput
from vedette.core.tls import LOOPBACK, LocalAuthority, ServerCertificate, server_context

_EVERYWHERE = ("", "0.0.0.0", "::")  # noqa: S104 - addresses that no certificate names


@dataclass(frozen=True, slots=True)
class PortCertificate:
    """The context of a port, and its certificate with the chain (PEM), by which those on this machine know it."""

    context: ssl.SSLContext
    chain: str


def port_certificate(
    application: Application, certificate: Path | None, key: Path | None, *, host: str, what: str, setting: str
) -> PortCertificate:
    """The given certificate, or one of the authority in the data directory that names this machine and the host.

    `what` and `setting` name the port in errors. Raises `InvalidInput` for files that cannot be used.
    """
    if (certificate is None) != (key is None):
        options = " (--tls-certificate and --tls-key)" if setting == "tls" else ""
        raise InvalidInput(
            f"{what} over TLS needs both a certificate and its key.", code="VDT0641", target=f"{setting}_certificate",
            hint=f"Set VEDETTE_{setting.upper()}_CERTIFICATE and VEDETTE_{setting.upper()}_KEY{options}, or neither.",
        )  # fmt: skip
    try:
        if certificate is not None and key is not None:
            for path in (certificate, key):
                _readable(path, setting)
            given = ServerCertificate(certificate, key, certificate)
            return PortCertificate(server_context(given), certificate.read_text("ascii"))
        authority = LocalAuthority.open(application.directory.path / "tls", application.clock)
        public = urlsplit(application.settings.public_url or "").hostname
        names = list(dict.fromkeys([*LOOPBACK, socket.gethostname(), host, public or ""]))
        with tempfile.TemporaryDirectory(prefix="vedette-tls-") as folder:
            issued = authority.issue(Path(folder), [name for name in names if name not in _EVERYWHERE])
            return PortCertificate(server_context(issued), issued.chain_file.read_text("ascii"))
    except (OSError, UnicodeDecodeError) as error:  # ssl.SSLError is an OSError
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        if isinstance(error, ssl.SSLError | UnicodeDecodeError):
            reason = "they are no certificate and its key in PEM, or do not belong together"
        raise InvalidInput(
            f"The certificate files for {what[0].lower()}{what[1:]} over TLS cannot be used: {reason}.", code="VDT0641",
            target=f"{setting}_certificate", hint="They are PEM files; the key belongs to the certificate.",
        ) from None  # fmt: skip


def _readable(path: Path, setting: str) -> None:
    """Raises `InvalidInput` that names the file which cannot be read; what OpenSSL says does not name it."""
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InvalidInput(
            f"The certificate or key {path} cannot be read: {reason}.", code="VDT0641", target=f"{setting}_certificate",
            hint="Name a PEM file that the account which runs the server may read.",
        ) from None  # fmt: skip
