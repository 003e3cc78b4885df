"""Syslog and CEF out: one message to a syslog server for each detection run that matched.

RFC 5424 over UDP (RFC 5426), TCP with octet counting (RFC 6587) or TLS (RFC 5425). Syslog has no receipt: over TCP and TLS
what the operating system took counts as delivered, over UDP what was sent.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

from vedette import __version__
from vedette.clients.outbound_http import CA_FILE
from vedette.core.checks import CheckReport, CheckStep, passed, run_steps, unknown
from vedette.core.clock import Clock
from vedette.core.errors import VedetteError
from vedette.core.forms import FieldType, FormField, TroubleshootingRow
from vedette.core.outbound import Outbound, Place
from vedette.core.redaction import Secret
from vedette.core.tls import client_context
from vedette.deliver.contract import DeliveryFailure, Receipt, Remedy
from vedette.deliver.description import cut, facts, one_line
from vedette.deliver.detection import DetectionRun, DetectionSeverity
from vedette.deliver.manifest import Manifest

TIMEOUT: Final = 10.0
MAX_DATAGRAM: Final = 2048
"""Bytes: what every receiver of RFC 5424 should take (section 6.1)."""
FACILITY: Final = 13
"""Log audit."""

_SYSLOG: Final = {
    DetectionSeverity.CRITICAL: 2,
    DetectionSeverity.HIGH: 3,
    DetectionSeverity.MEDIUM: 4,
    DetectionSeverity.LOW: 5,
    DetectionSeverity.INFORMATIONAL: 6,
}
_CEF: Final = {
    DetectionSeverity.CRITICAL: 10,
    DetectionSeverity.HIGH: 8,
    DetectionSeverity.MEDIUM: 5,
    DetectionSeverity.LOW: 3,
    DetectionSeverity.INFORMATIONAL: 1,
}

MANIFEST: Final = Manifest(
    kind="syslog",
    title="Syslog or CEF",
    about="Sends a syslog message, plain or in the Common Event Format, for each detection run that matched.",
    fields=(
        FormField(
            "host", "Host", FieldType.TEXT, "Name or address of the syslog server.", example="syslog.example.com",
            pattern=r"[A-Za-z0-9._:-]+", rule="be a host name or an address", address=True,
        ),
        FormField(
            "port", "Port", FieldType.TEXT, "Its port; 514 is usual, 6514 with TLS.", default="514", required=False, address=True,
            pattern=r"[1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5]", rule="be a port (1 to 65535)",
        ),
        FormField(
            "transport", "Transport", FieldType.CHOICE, "How messages are carried.", required=False, default="tls",
            choices=("tls", "tcp", "udp"),
        ),
        FormField(
            "format", "Format", FieldType.CHOICE, "What is in a message.", required=False, default="cef",
            choices=("cef", "text"),
        ),
        CA_FILE,
    ),
    permissions=(),
    troubleshooting=(
        TroubleshootingRow(
            "Server not reachable",
            "The name does not resolve, the port is closed, or a firewall is in between.",
            "Check host and port from the machine that runs Vedette.",
        ),
        TroubleshootingRow(
            "Certificate not trusted",
            "The server's certificate was signed by a private authority, or names another host.",
            "Give the authority in ca_file, and use the name that is in the certificate.",
        ),
    ),
    guide="destinations/others.md",
)  # fmt: skip


def cef(run: DetectionRun) -> str:
    """The run as one line of CEF, version 0."""
    header = [
        "CEF:0", "Vedette", "Vedette", __version__, run.detection_id, cut(one_line(run.name), 512), str(_CEF[run.severity])
    ]  # fmt: skip
    extension = {
        "externalId": run.incident_id,
        "start": str(int(run.range_start.timestamp() * 1000)),
        "end": str(int(run.ran_at.timestamp() * 1000)),
        "cnt": str(run.match_count),
        "cat": "Detection",
        "outcome": run.outcome.value,
        "cs1Label": "Replay",
        "cs1": run.replay_link,
        "cs2Label": "RunId",
        "cs2": run.run_id,
        "cs3Label": "Exhaustiveness",
        "cs3": run.exhaustiveness.value,
    }
    if run.incident_number is not None:
        extension |= {"cn1Label": "IncidentNumber", "cn1": str(run.incident_number)}
    if run.description.strip():
        extension["msg"] = cut(run.description.strip(), 900)
    escaped = [re.sub(r"([\\|])", r"\\\1", part) for part in header]
    return "|".join(escaped) + "|" + " ".join(f"{key}={_value(value)}" for key, value in extension.items())


def text(run: DetectionRun) -> str:
    """The run as one line for people."""
    known = "; ".join(f"{label}: {value}" for label, value in facts(run)[1:])
    return f"{one_line(run.name)}; {known}; Replay: {run.replay_link}"


def _value(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("=", "\\=").replace("\r", "\\r").replace("\n", "\\n")
    return "".join(c if c.isprintable() else " " for c in escaped)


def framed(message: str, severity: int, moment: str, host: str) -> bytes:
    """A message of RFC 5424 with the facility log audit. `moment` is in the form of RFC 3339."""
    return f"<{FACILITY * 8 + severity}>1 {moment} {host} vedette - - - {message}".encode()


class Syslog:
    """The kind `syslog`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    @property
    def manifest(self) -> Manifest:
        """What the kind is and which fields it needs."""
        return MANIFEST

    def open(self, values: Mapping[str, str], secrets: Mapping[str, Secret], outbound: Outbound) -> SyslogDestination:
        """A destination with checked values; does no network call."""
        return SyslogDestination(values, self._clock, outbound)


class SyslogDestination:
    """One syslog server."""

    def __init__(self, values: Mapping[str, str], clock: Clock, outbound: Outbound) -> None:
        self._values, self._clock, self._outbound = values, clock, outbound
        self._where = (values["host"], int(values["port"]))

    def close(self) -> None:
        """Close connections: none is kept open."""

    def deliver(self, run: DetectionRun) -> Receipt:
        """Send the message. Raises `DeliveryFailure`."""
        line = cef(run) if self._values["format"] == "cef" else text(run)
        self._send(self._frame(line, _SYSLOG[run.severity]))
        return Receipt(run.incident_id)

    def check(self, *, write: bool = False) -> CheckReport:
        """Connect, where the transport has connections; with `write`, send a test message."""
        plan = [("Reach the server", self._check_reaching)]
        if write:
            plan.append(("Send a test message", self._check_writing))
        return run_steps(self._clock, plan)

    def _check_reaching(self) -> CheckStep:
        if self._values["transport"] == "udp":
            self._addresses()
            return unknown("The name resolves; nobody answers over UDP, so only the receiver's log tells the rest.")
        with closing(self._connect()):
            return passed("The server takes connections.")

    def _check_writing(self) -> CheckStep:
        self._send(self._frame("This is a test of a Vedette destination.", 6))
        return passed("The test message was sent; look for it in the receiver's log.")

    def _frame(self, message: str, severity: int) -> bytes:
        moment = self._clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        host = re.sub(r"[^!-~]", "-", socket.gethostname())[:255] or "-"
        return framed(message, severity, moment, host)

    def _addresses(self) -> list[Place]:
        try:
            return self._outbound.places(*self._where, socket.SOCK_DGRAM)
        except OSError as error:
            raise self._unreachable(error) from error

    def _connect(self) -> socket.socket:
        context = None
        if self._values["transport"] == "tls":
            ca_file = self._values.get("ca_file")
            try:
                context = client_context(Path(ca_file) if ca_file else None)
            except VedetteError as error:
                raise DeliveryFailure(str(error), Remedy.CONFIGURATION, code="VDT6126", target="ca_file") from error
        try:
            connection = self._outbound.connect(*self._where, TIMEOUT)
            try:
                return context.wrap_socket(connection, server_hostname=self._where[0]) if context else connection
            except BaseException:
                connection.close()
                raise
        except ssl.SSLCertVerificationError as error:
            raise DeliveryFailure(
                f"The certificate of {self._where[0]} is not trusted.", Remedy.CONFIGURATION, code="VDT6126",
                target="ca_file", cause=error.verify_message,
                hint="Give the authority that signed it in ca_file, and use the name that is in the certificate.",
            ) from error  # fmt: skip
        except OSError as error:
            raise self._unreachable(error) from error

    def _send(self, message: bytes) -> None:
        if self._values["transport"] == "udp":
            place = self._addresses()[0]
            with socket.socket(place.family, socket.SOCK_DGRAM) as sender:
                try:
                    sender.sendto(_datagram(message), (place.address, place.port))
                except OSError as error:
                    raise self._unreachable(error) from error
            return
        with closing(self._connect()) as connection:
            try:
                connection.sendall(f"{len(message)} ".encode() + message)
                if isinstance(connection, ssl.SSLSocket):
                    connection.unwrap().close()
                else:
                    connection.shutdown(socket.SHUT_WR)
            except ssl.SSLError:
                return  # the message went out; the receiver only closed without a farewell
            except OSError as error:
                raise self._unreachable(error) from error

    def _unreachable(self, error: OSError) -> DeliveryFailure:
        host, port = self._where
        reason = "it did not answer in time" if isinstance(error, TimeoutError) else (error.strerror or str(error))
        return DeliveryFailure(
            f"The syslog server {host}, port {port}, cannot be reached: {reason}.", Remedy.WAITING, code="VDT6120",
            hint="Check host and port; the delivery is repeated.",
        )  # fmt: skip


def _datagram(message: bytes) -> bytes:
    """What fits into one datagram, without half a character at its end."""
    return message[:MAX_DATAGRAM].decode("utf-8", "ignore").encode() if len(message) > MAX_DATAGRAM else message
