"""The syslog listeners that the settings ask for, on the default workspace."""

from __future__ import annotations

import socket
import ssl
from zoneinfo import ZoneInfo

from vedette.api.application import Application
from vedette.collect.listeners.networks import AllowList
from vedette.collect.listeners.options import ListenerOptions
from vedette.collect.listeners.server import SyslogListeners
from vedette.core.errors import InvalidInput
from vedette.core.tls import LOOPBACK, LocalAuthority, ServerCertificate, server_context


def syslog_listeners(application: Application) -> SyslogListeners | None:
    """Listeners that are not started yet; None if no port is set."""
    settings = application.settings
    if settings.syslog_udp is None and settings.syslog_tcp is None and settings.syslog_tls is None:
        return None
    try:
        zone = ZoneInfo(settings.syslog_timezone)
    except (KeyError, ValueError, OSError):
        raise InvalidInput(
            f"'{settings.syslog_timezone}' is not a time zone.", code="VDT0643", target="syslog_timezone",
            hint="Set VEDETTE_SYSLOG_TIMEZONE to a name like UTC or Europe/Prague.",
        ) from None  # fmt: skip
    options = ListenerOptions(
        host=settings.syslog_host, udp=settings.syslog_udp, tcp=settings.syslog_tcp, tls=settings.syslog_tls,
        tls_context=None if settings.syslog_tls is None else _context(application), allow=AllowList(settings.syslog_allow),
        zone=zone, collector=socket.gethostname(),
    )  # fmt: skip
    return SyslogListeners(options, application.services(application.workspaces.default()).intake, application.clock)


def _context(application: Application) -> ssl.SSLContext:
    """The given certificate, or one of the authority in the data directory (tls/ca.pem is what senders trust)."""
    settings = application.settings
    certificate, key = settings.syslog_tls_certificate, settings.syslog_tls_key
    if (certificate is None) != (key is None):
        raise InvalidInput(
            "Syslog over TLS needs both a certificate and its key.", code="VDT0641", target="syslog_tls_certificate",
            hint="Set VEDETTE_SYSLOG_TLS_CERTIFICATE and VEDETTE_SYSLOG_TLS_KEY, or neither.",
        )  # fmt: skip
    try:
        if certificate is not None and key is not None:
            context = server_context(ServerCertificate(certificate, key, certificate))
        else:
            authority = LocalAuthority.open(application.directory.path / "tls", application.clock)
            names = dict.fromkeys([*LOOPBACK, socket.gethostname(), settings.syslog_host])
            context = authority.server_context([name for name in names if name not in ("", "0.0.0.0", "::")])  # noqa: S104
        if settings.syslog_tls_client_ca is not None:
            context.load_verify_locations(cafile=settings.syslog_tls_client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
    except OSError as error:  # ssl.SSLError is one
        raise InvalidInput(
            f"The certificate files for syslog over TLS cannot be used: {error.strerror or error}.", code="VDT0641",
            target="syslog_tls_certificate", hint="They are PEM files; the key belongs to the certificate.",
        ) from None  # fmt: skip
    return context
