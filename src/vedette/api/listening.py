"""The syslog listeners that the settings ask for, on the default workspace."""

from __future__ import annotations

import socket
import ssl
from zoneinfo import ZoneInfo

from vedette.api.application import Application
from vedette.api.certificates import port_certificate
from vedette.collect.listeners.networks import AllowList
from vedette.collect.listeners.options import ListenerLimits, ListenerOptions
from vedette.collect.listeners.server import SyslogListeners
from vedette.core.errors import InvalidInput


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
        zone=zone, collector=socket.gethostname(), limits=ListenerLimits(line=settings.syslog_line),
    )  # fmt: skip
    return SyslogListeners(options, application.services(application.workspaces.default()).intake, application.clock)


def _context(application: Application) -> ssl.SSLContext:
    settings = application.settings
    context = port_certificate(
        application, settings.syslog_tls_certificate, settings.syslog_tls_key, host=settings.syslog_host,
        what="syslog", setting="syslog_tls",
    ).context  # fmt: skip
    if settings.syslog_tls_client_ca is not None:
        try:
            context.load_verify_locations(cafile=settings.syslog_tls_client_ca)
        except OSError as error:  # ssl.SSLError is one
            raise InvalidInput(
                f"The certificate files for syslog over TLS cannot be used: {error.strerror or error}.", code="VDT0641",
                target="syslog_tls_client_ca", hint="The authority of client certificates is a PEM file.",
            ) from None  # fmt: skip
        context.verify_mode = ssl.CERT_REQUIRED
    return context
