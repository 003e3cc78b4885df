"""E-mail: a message over SMTP for each detection run that matched.

The Message-ID is made of the incident's id: a message that is sent twice, after a crash for instance, is one in mailboxes that
tell messages by it (RFC 5322, 3.6.4).
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Final

from vedette.clients.outbound_http import CA_FILE
from vedette.core.checks import CheckReport, CheckStep, passed, run_steps
from vedette.core.clock import Clock
from vedette.core.errors import VedetteError
from vedette.core.forms import FieldType, FormField, TroubleshootingRow
from vedette.core.outbound import Outbound
from vedette.core.redaction import Secret, redact
from vedette.core.tls import client_context
from vedette.deliver.contract import DeliveryFailure, Receipt, Remedy
from vedette.deliver.description import cut, describe, one_line
from vedette.deliver.detection import DetectionRun
from vedette.deliver.manifest import Manifest

TIMEOUT: Final = 30.0
MAX_SUBJECT: Final = 200
_ADDRESS: Final = r"[^\s@,;<>\"()]+@[A-Za-z0-9.-]+"

MANIFEST: Final = Manifest(
    kind="email",
    title="E-mail",
    about="Sends an e-mail for each detection run that matched.",
    fields=(
        FormField(
            "host", "SMTP server", FieldType.TEXT, "Name of the server that takes outgoing mail.",
            example="smtp.office365.com", pattern=r"[A-Za-z0-9._:-]+", rule="be a host name or an address", address=True,
        ),
        FormField(
            "port", "Port", FieldType.TEXT, "587 is usual with STARTTLS, 465 with TLS from the start.", required=False, address=True,
            default="587", pattern=r"[1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5]",
            rule="be a port (1 to 65535)",
        ),
        FormField(
            "security", "Security", FieldType.CHOICE,
            "How the connection is protected. Without protection no password is sent.", required=False,
            default="starttls", choices=("starttls", "tls", "none"),
        ),
        FormField("username", "User name", FieldType.TEXT, "Who signs in, where the server wants it.", required=False),
        FormField(
            "password", "Password", FieldType.TEXT, "The user's password or app password.", secret=True, required=False,
            max_length=1024, rotate_days=180,
        ),
        FormField(
            "sender", "From", FieldType.TEXT, "The address that messages come from.", example="vedette@example.com",
            pattern=_ADDRESS, rule="be one mail address",
        ),
        FormField(
            "recipients", "To", FieldType.TEXT, "The addresses that messages go to, with commas between them.",
            example="soc@example.com, oncall@example.com", pattern=rf"{_ADDRESS}(\s*,\s*{_ADDRESS})*",
            rule="be mail addresses with commas between them", max_length=2000,
        ),
        CA_FILE,
    ),
    permissions=(),
    troubleshooting=(
        TroubleshootingRow(
            "Server not reachable",
            "The name does not resolve, the port is closed, or security does not fit the port.",
            "Use STARTTLS with port 587, or TLS with port 465.",
        ),
        TroubleshootingRow(
            "Credentials refused",
            "User name or password are wrong, or the server wants an app password.",
            "Enter new credentials.",
        ),
        TroubleshootingRow(
            "Sender or recipients refused",
            "The user may not send as this address, or an address does not exist.",
            "Correct the addresses, or let the user send as the sender.",
        ),
    ),
    guide="destinations/others.md",
)  # fmt: skip


class _Session(smtplib.SMTP):
    """A session whose connection goes where it may."""

    def __init__(self, outbound: Outbound, host: str, port: int) -> None:
        self._outbound = outbound
        super().__init__(host, port, timeout=TIMEOUT)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self._outbound.connect(host, port, timeout)


class _TlsSession(smtplib.SMTP_SSL, _Session):
    """The same, protected from the start."""

    def __init__(self, outbound: Outbound, host: str, port: int, context: ssl.SSLContext) -> None:
        self._outbound = outbound
        smtplib.SMTP_SSL.__init__(self, host, port, timeout=TIMEOUT, context=context)


class Email:
    """The kind `email`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    @property
    def manifest(self) -> Manifest:
        """What the kind is and which fields it needs."""
        return MANIFEST

    def open(self, values: Mapping[str, str], secrets: Mapping[str, Secret], outbound: Outbound) -> EmailDestination:
        """A destination with checked values; does no network call."""
        return EmailDestination(values, secrets.get("password"), self._clock, outbound)


class EmailDestination:
    """Mailboxes that one SMTP server is asked to reach."""

    def __init__(self, values: Mapping[str, str], password: Secret | None, clock: Clock, outbound: Outbound) -> None:
        self._values, self._password, self._clock, self._outbound = values, password, clock, outbound
        self._recipients = [address.strip() for address in values["recipients"].split(",")]

    def close(self) -> None:
        """Close connections: none is kept open."""

    def deliver(self, run: DetectionRun) -> Receipt:
        """Send the message. Raises `DeliveryFailure`."""
        subject = cut(one_line(f"[{run.severity.value}] {run.name}"), MAX_SUBJECT)
        message = self._message(run.incident_id, subject, describe(run))
        with self._session() as session:
            self._submit(session, message)
        return Receipt(str(message["Message-ID"]))

    def check(self, *, write: bool = False) -> CheckReport:
        """Connect and sign in; with `write`, send a test message."""
        plan = [("Connect and sign in", self._check_session)]
        if write:
            plan.append(("Send a test message", self._check_writing))
        return run_steps(self._clock, plan)

    def _check_session(self) -> CheckStep:
        with self._session() as session:
            session.noop()
        return passed("The server takes the connection and the credentials.")

    def _check_writing(self) -> CheckStep:
        name = f"test-{int(self._clock.now().timestamp())}"
        with self._session() as session:
            self._submit(session, self._message(name, "Vedette test message", "A test of a Vedette destination."))
        return passed(f"A message to {', '.join(self._recipients)} was taken.")

    def _message(self, name: str, subject: str, body: str) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._values["sender"]
        message["To"] = ", ".join(self._recipients)
        message["Subject"] = subject
        message["Date"] = format_datetime(self._clock.now())
        message["Message-ID"] = f"<{name}@{self._values['sender'].rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(body)
        return message

    @contextmanager
    def _session(self) -> Iterator[smtplib.SMTP]:
        """A connection that is protected and signed in, with every failure told as `DeliveryFailure`."""
        host, port, security = self._values["host"], int(self._values["port"]), self._values["security"]
        user = self._values.get("username")
        if (user is None) != (self._password is None):
            raise DeliveryFailure(
                "User name and password go together.", Remedy.CONFIGURATION, code="VDT6121",
                target="password" if user else "username",
            )  # fmt: skip
        if user and security == "none":
            raise DeliveryFailure(
                "The password is not sent over a connection without protection.", Remedy.CONFIGURATION, code="VDT6121",
                target="security", hint="Choose starttls or tls.",
            )  # fmt: skip
        ca_file = self._values.get("ca_file")
        try:
            context = client_context(Path(ca_file) if ca_file else None)
        except VedetteError as error:
            raise DeliveryFailure(str(error), Remedy.CONFIGURATION, code="VDT6126", target="ca_file") from error
        try:
            session = (
                _TlsSession(self._outbound, host, port, context)
                if security == "tls"
                else _Session(self._outbound, host, port)
            )
            with session:
                if security == "starttls":
                    session.starttls(context=context)
                if user and self._password is not None:
                    session.login(user, self._password.reveal())
                yield session
        except VedetteError:
            raise
        except ssl.SSLCertVerificationError as error:
            raise DeliveryFailure(
                f"The certificate of {host} is not trusted.", Remedy.CONFIGURATION, code="VDT6126", target="ca_file",
                cause=error.verify_message, hint="Give the authority that signed it in ca_file.",
            ) from error  # fmt: skip
        except smtplib.SMTPException as error:
            raise _told(error) from error
        except OSError as error:
            reason = "it did not answer in time" if isinstance(error, TimeoutError | socket.timeout) else str(error)
            raise DeliveryFailure(
                f"The mail server {host}, port {port}, cannot be reached: {reason}.", Remedy.WAITING, code="VDT6120",
                hint="Check host, port and security; the delivery is repeated.",
            ) from error  # fmt: skip

    def _submit(self, session: smtplib.SMTP, message: EmailMessage) -> None:
        refused = session.send_message(message)
        if refused:
            # The others have it: sending it again would reach them twice.
            names = ", ".join(sorted(refused))
            raise DeliveryFailure(
                f"The mail server takes the message, but not for {names}.", Remedy.NOTHING, code="VDT6125",
                target="recipients", hint="Correct the addresses.",
            )  # fmt: skip


def _told(error: smtplib.SMTPException) -> DeliveryFailure:
    """What a failure of SMTP means: replies of 4xx pass by themselves, those of 5xx do not (RFC 5321, 4.2.1)."""
    if isinstance(error, smtplib.SMTPAuthenticationError) and error.smtp_code >= 500:
        return DeliveryFailure(
            f"The mail server refuses the credentials ({error.smtp_code}).", Remedy.CONFIGURATION, code="VDT6121",
            cause=_said(error.smtp_error), target="password", hint="Enter new credentials.",
        )  # fmt: skip
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        replies = list(error.recipients.values())
        lasting = any(code >= 500 for code, _ in replies)
        return DeliveryFailure(
            f"The mail server refuses every recipient ({replies[0][0]}).",
            Remedy.CONFIGURATION if lasting else Remedy.WAITING, code="VDT6125" if lasting else "VDT6124",
            cause=_said(replies[0][1]), target="recipients", hint="Correct the addresses." if lasting else None,
        )  # fmt: skip
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return DeliveryFailure(
            f"The mail server cannot do what is configured: {error}", Remedy.CONFIGURATION, code="VDT6125",
            target="security", hint="Choose another security or port, or leave the credentials out.",
        )  # fmt: skip
    if isinstance(error, smtplib.SMTPResponseException) and error.smtp_code >= 500:
        return DeliveryFailure(
            f"The mail server refuses the message ({error.smtp_code}).", Remedy.CONFIGURATION, code="VDT6125",
            cause=_said(error.smtp_error), hint="Check sender and recipients.",
        )  # fmt: skip
    code = f" ({error.smtp_code})" if isinstance(error, smtplib.SMTPResponseException) else ""
    return DeliveryFailure(
        f"The mail server cannot take the message now{code}.", Remedy.WAITING, code="VDT6124", cause=_said(str(error))
    )


def _said(text: bytes | str) -> str:
    plain = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return redact(re.sub(r"\s+", " ", plain)[:300])
