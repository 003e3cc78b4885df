"""Destinations besides Microsoft Sentinel, each against a real receiver on this machine."""

from __future__ import annotations

import base64
import email
import email.policy
import json
import queue
import random
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword
from standardwebhooks import Webhook as StandardWebhook

from tests.deliver.conftest import ADMIN, RUN, House
from tests.plugins.secrecy import marked
from vedette.collect.formats import cef
from vedette.core.clock import SystemClock, VirtualClock
from vedette.core.forms import InvalidFields
from vedette.core.outbound import Outbound
from vedette.core.redaction import Secret
from vedette.core.tls import LocalAuthority, ServerCertificate, server_context
from vedette.deliver.contract import DeliveryFailure, Destination, Remedy
from vedette.deliver.detection import DetectionRun, DetectionSeverity
from vedette.deliver.kinds import servicenow, slack, syslog, teams
from vedette.deliver.registry import default_registry

PASSWORD, CLIENT_SECRET, MAIL_PASSWORD = marked("password"), marked("client secret"), marked("mail password")
KEY, OLD_KEY = (f"whsec_{base64.b64encode(marked(name).encode()).decode()}" for name in ("signing", "old signing"))


@dataclass
class Web:
    """A server over TLS: what it was sent, and what it answers next."""

    url: str
    ca_file: Path
    seen: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    answer: Callable[[str, str, bytes, dict[str, str]], tuple[int, dict[str, str], bytes]] = (
        lambda method, path, body, headers: (200, {}, b"ok")
    )

    def posted(self) -> Any:
        """The last document that was posted."""
        return json.loads(next(body for method, _, _, body in reversed(self.seen) if method == "POST"))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[ServerCertificate, Path]:
    """A certificate for this machine, and the file of the authority that signed it."""
    folder = tmp_path_factory.mktemp("tls")
    authority = LocalAuthority.create(SystemClock())
    ca_file = folder / "ca.pem"
    ca_file.write_bytes(authority.pem)
    return authority.issue(folder), ca_file


@pytest.fixture
def web(certificate: tuple[ServerCertificate, Path]) -> Iterator[Web]:
    """A server that takes anything until it is told otherwise."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            held.seen.append((self.command, self.path, headers, body))
            status, extra, content = held.answer(self.command, self.path, body, headers)
            self.send_response(status)
            for name, value in extra.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_GET = do_POST = do_HEAD = do_PATCH = _answer

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = server_context(certificate[0]).wrap_socket(server.socket, server_side=True)
    held = Web(f"https://localhost:{server.server_address[1]}", certificate[1])
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield held
    server.shutdown()
    server.server_close()
    thread.join()


def opened(kind: str, values: dict[str, Any], clock: VirtualClock | None = None) -> Destination:
    """A destination of the values of a form, as the service opens it."""
    found = default_registry(clock or VirtualClock(RUN.ran_at)).get(kind)
    checked = found.manifest.check(values)
    hidden = {one.name for one in found.manifest.fields if one.secret}
    return found.open(
        {name: value for name, value in checked.items() if name not in hidden},
        {name: Secret(value) for name, value in checked.items() if name in hidden},
        Outbound(inside=True),
    )


def failure(destination: Destination, run: DetectionRun = RUN) -> DeliveryFailure:
    with pytest.raises(DeliveryFailure) as caught:
        destination.deliver(run)
    return caught.value


# --- what all kinds over HTTP have in common -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "remedy", "code"),
    [
        (301, Remedy.CONFIGURATION, "VDT6122"),
        (400, Remedy.NOTHING, "VDT6125"),
        (401, Remedy.CONFIGURATION, "VDT6121"),
        (403, Remedy.CONFIGURATION, "VDT6121"),
        (404, Remedy.CONFIGURATION, "VDT6122"),
        (410, Remedy.CONFIGURATION, "VDT6122"),
        (408, Remedy.WAITING, "VDT6124"),
        (429, Remedy.WAITING, "VDT6123"),
        (500, Remedy.WAITING, "VDT6124"),
        (503, Remedy.WAITING, "VDT6124"),
    ],
)
@pytest.mark.parametrize("kind", ["webhook", "slack", "teams"])
def test_a_status_decides_what_helps(web: Web, kind: str, status: int, remedy: Remedy, code: str) -> None:
    web.answer = lambda *_: (status, {"Retry-After": "7", "Location": "https://elsewhere.example/"}, b"because")
    secret = f"{web.url}/services/very-secret-path"
    values = {"url": secret, "signing_key": KEY} if kind == "webhook" else {"webhook_url": secret}
    found = failure(opened(kind, {**values, "ca_file": str(web.ca_file)}))
    assert (found.remedy, found.code) == (remedy, code)
    assert found.retry_after == (7 if remedy is Remedy.WAITING else None)
    assert "very-secret-path" not in json.dumps(found.to_dict())
    assert len(web.seen) == 1


def test_a_certificate_that_is_not_trusted_is_named(web: Web) -> None:
    found = failure(opened("slack", {"webhook_url": web.url}))
    assert (found.remedy, found.code, found.target) == (Remedy.CONFIGURATION, "VDT6126", "ca_file")
    assert web.seen == []


def test_nobody_there(web: Web) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        found = failure(opened("slack", {"webhook_url": f"http://127.0.0.1:{taken.getsockname()[1]}/x"}))
    assert (found.remedy, found.code) == (Remedy.WAITING, "VDT6120")


@pytest.mark.parametrize(
    "url", ["http://example.com/x", "ftp://example.com", "https://user:pw@example.com/", "example.com"]
)
def test_an_address_without_protection_is_refused(url: str) -> None:
    with pytest.raises(InvalidFields) as caught:
        opened("slack", {"webhook_url": url})
    assert "https://" in caught.value.fields["webhook_url"]
    assert url not in str(caught.value)


# --- webhook ---------------------------------------------------------------------------------------------------------


def test_a_webhook_is_signed_for_both_keys_and_repeats_its_id(web: Web) -> None:
    clock = VirtualClock(datetime.now(UTC))  # the library that checks compares with the machine's clock
    values = {
        "url": f"{web.url}/hook",
        "signing_key": KEY,
        "previous_signing_key": OLD_KEY,
        "ca_file": str(web.ca_file),
    }
    destination = opened("webhook", values, clock)
    first = destination.deliver(RUN)
    second = destination.deliver(RUN)
    assert first.remote_id == second.remote_id == RUN.incident_id
    (_, path, headers, body), (_, _, again, _) = web.seen
    assert path == "/hook"
    assert headers["webhook-id"] == again["webhook-id"] == RUN.incident_id
    for key in (KEY, OLD_KEY):
        verified = StandardWebhook(key).verify(body, headers)
        assert verified["type"] == "detection.matched"
        assert verified["data"]["run"]["matchCount"] == RUN.match_count
        assert verified["data"]["replayLink"] == RUN.replay_link
    with pytest.raises(Exception, match="signature"):
        StandardWebhook("whsec_" + "B" * 32).verify(body, headers)


def test_a_webhook_is_tested_without_and_with_a_document(web: Web) -> None:
    destination = opened("webhook", {"url": web.url, "signing_key": KEY, "ca_file": str(web.ca_file)})
    assert destination.check().ok
    assert [method for method, *_ in web.seen] == ["HEAD"]
    assert destination.check(write=True).ok
    assert web.posted()["type"] == "destination.test"
    web.answer = lambda method, *_: (403 if method == "POST" else 405, {}, b"")
    report = destination.check(write=True)
    assert [step.ok for step in report.steps] == [True, False]


# --- Slack and Teams -------------------------------------------------------------------------------------------------


def test_slack_shows_what_a_rule_says_as_text(web: Web) -> None:
    run = replace(RUN, name="A <b> & <!channel>\nsecond", description="see <https://evil.example|here>")
    opened("slack", {"webhook_url": web.url, "ca_file": str(web.ca_file)}).deliver(run)
    sent = web.posted()
    assert sent["text"] == "HIGH: A &lt;b&gt; &amp; &lt;!channel&gt; second"
    assert sent["blocks"][2]["text"]["text"] == "see &lt;https://evil.example|here&gt;"
    assert sent["blocks"][-1]["elements"][0]["url"] == RUN.replay_link
    long = slack.message(replace(RUN, name="x" * 500, description="y" * 9000))
    assert len(long["blocks"][0]["text"]["text"]) <= 150
    assert all(len(block.get("text", {}).get("text", "")) <= 3000 for block in long["blocks"])


def test_teams_gets_an_adaptive_card(web: Web) -> None:
    web.answer = lambda *_: (202, {}, b"")
    run = replace(RUN, name="[click](https://evil.example) *now*")
    opened("teams", {"webhook_url": web.url, "ca_file": str(web.ca_file)}).deliver(run)
    card = web.posted()["attachments"][0]["content"]
    assert card["type"] == "AdaptiveCard"
    assert card["body"][0]["text"] == r"HIGH: \[click\]\(https://evil.example\) \*now\*"
    assert {"title": "Match count", "value": "12"} in card["body"][1]["facts"]
    assert card["actions"][0]["url"] == RUN.replay_link


@pytest.mark.parametrize("kind", ["slack", "teams"])
def test_a_chat_is_tested(web: Web, kind: str) -> None:
    destination = opened(kind, {"webhook_url": web.url, "ca_file": str(web.ca_file)})
    report = destination.check()
    assert report.ok
    assert [step.ok for step in report.steps] == [None]
    assert [method for method, *_ in web.seen] == ["HEAD"]
    assert destination.check(write=True).ok


@pytest.mark.parametrize("severity", DetectionSeverity)
def test_every_severity_has_its_place(severity: DetectionSeverity) -> None:
    run = replace(RUN, severity=severity)
    assert slack.message(run)["text"].startswith(severity.value)
    assert teams.message(run)["attachments"][0]["content"]["body"][0]["color"]
    assert servicenow.record(run, {})["impact"] in {"1", "2", "3"}
    assert syslog.cef(run).split("|")[6].isdigit()


# --- ServiceNow ------------------------------------------------------------------------------------------------------


@dataclass
class Instance:
    """The part of a ServiceNow instance that deliveries use: the Table API over a list of incidents."""

    incidents: list[dict[str, str]] = field(default_factory=list)
    user: str = "Basic " + base64.b64encode(f"vedette:{PASSWORD}".encode()).decode()
    tokens: set[str] = field(default_factory=set)
    loses_answers: int = 0
    ignores_conditions: bool = False

    def __call__(
        self, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        where = urlsplit(path)
        if where.path == "/oauth_token.do":
            form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
            if form.get("client_secret") != CLIENT_SECRET or form.get("password") != PASSWORD:
                return self._json(401, {"error": "invalid_client"})
            token = f"token-{len(self.tokens)}"
            self.tokens.add(token)
            return self._json(200, {"access_token": token, "token_type": "Bearer", "expires_in": 1799})
        given = headers.get("authorization", "")
        if given != self.user and given.removeprefix("Bearer ") not in self.tokens:
            error = {"message": "User Not Authenticated", "detail": "Required to provide Auth information"}
            return self._json(401, {"error": error, "status": "failure"})
        if method == "GET":
            (condition,) = parse_qs(where.query)["sysparm_query"]
            name, _, wanted = condition.partition("=")
            chosen = [one for one in self.incidents if self.ignores_conditions or one.get(name) == wanted]
            return self._json(200, {"result": chosen})
        sent = json.loads(body)
        if method == "PATCH":
            (incident,) = (one for one in self.incidents if one["sys_id"] == where.path.rpartition("/")[2])
            incident |= sent
            return self._json(200, {"result": incident})
        number = len(self.incidents) + 1
        incident = {**sent, "sys_id": f"{number:032x}", "number": f"INC{number:07d}"}
        self.incidents.append(incident)
        if self.loses_answers:
            self.loses_answers -= 1
            return self._json(503, {})
        return self._json(201, {"result": incident})

    @staticmethod
    def _json(status: int, content: object) -> tuple[int, dict[str, str], bytes]:
        return status, {"Content-Type": "application/json"}, json.dumps(content).encode()


def service_now(web: Web, **more: str) -> Destination:
    values = {"instance_url": web.url, "username": "vedette", "password": PASSWORD, "ca_file": str(web.ca_file)}
    return opened("servicenow", {**values, **more})


def test_servicenow_gets_one_incident_however_often(web: Web) -> None:
    web.answer = instance = Instance(loses_answers=1)
    destination = service_now(web, assignment_group="Security Operations", category="security")
    assert failure(destination).remedy is Remedy.WAITING  # it was made, and nobody heard
    receipt = destination.deliver(RUN)
    assert receipt.repeated
    assert receipt.remote_id == "INC0000001"
    assert receipt.remote_url == f"{web.url}/nav_to.do?uri=incident.do?sys_id={1:032x}"
    assert destination.deliver(RUN).repeated
    (incident,) = instance.incidents
    assert incident["correlation_id"] == f"vedette:{RUN.incident_id}"
    assert (incident["impact"], incident["urgency"]) == ("1", "2")
    assert incident["assignment_group"] == "Security Operations"
    assert len(incident["short_description"]) <= 160


def test_servicenow_that_ignores_a_condition_is_not_believed(web: Web) -> None:
    other = {"sys_id": "f" * 32, "number": "INC0009999", "correlation_id": "somebody else's"}
    web.answer = Instance([other], ignores_conditions=True)
    receipt = service_now(web).deliver(RUN)
    assert not receipt.repeated
    assert receipt.remote_id == "INC0000002"


def test_servicenow_with_tokens(web: Web) -> None:
    web.answer = instance = Instance(user="nobody")
    destination = service_now(web, client_id="app", client_secret=CLIENT_SECRET)
    destination.deliver(RUN)
    assert len(instance.tokens) == 1
    instance.tokens.clear()  # revoked before its end
    assert destination.deliver(RUN).repeated
    wrong = failure(service_now(web, client_id="app", client_secret=marked("wrong")))
    assert (wrong.remedy, wrong.code) == (Remedy.CONFIGURATION, "VDT6121")
    half = failure(service_now(web, client_id="app"))
    assert half.target == "client_secret"


def test_servicenow_is_tested_and_leaves_a_cancelled_incident(web: Web) -> None:
    web.answer = instance = Instance()
    destination = service_now(web)
    assert destination.check().ok
    assert instance.incidents == []
    assert destination.check(write=True).ok
    assert [one["state"] for one in instance.incidents] == ["8"]
    refused = service_now(web, password=marked("wrong")).check()
    assert [step.ok for step in refused.steps] == [False]
    assert marked("wrong") not in repr(refused)


def test_a_page_instead_of_json_is_named(web: Web) -> None:
    web.answer = lambda *_: (200, {"Content-Type": "text/html"}, b"<html>Your instance is hibernating</html>")
    found = failure(service_now(web))
    assert (found.code, found.target) == ("VDT6127", "instance_url")


# --- syslog ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def lines() -> Iterator[Callable[[str, ssl.SSLContext | None], tuple[int, queue.Queue[bytes]]]]:
    """Starts receivers of syslog; gives the port, and the messages that arrive."""
    servers: list[socketserver.BaseServer] = []

    def start(transport: str, context: ssl.SSLContext | None) -> tuple[int, queue.Queue[bytes]]:
        arrived: queue.Queue[bytes] = queue.Queue()

        class Stream(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                size = b""
                while (character := self.rfile.read(1)) and character != b" ":
                    size += character
                arrived.put(self.rfile.read(int(size or b"0")))

        class Datagram(socketserver.DatagramRequestHandler):
            def handle(self) -> None:
                arrived.put(self.rfile.read())

        server: socketserver.BaseServer
        if transport == "udp":
            server = socketserver.UDPServer(("127.0.0.1", 0), Datagram)
        else:
            server = stream = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Stream)
            if context is not None:
                stream.socket = context.wrap_socket(stream.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return server.server_address[1], arrived  # type: ignore[return-value]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_cef_arrives_and_is_read_by_our_own_listener(
    transport: str, certificate: tuple[ServerCertificate, Path],
    lines: Callable[[str, ssl.SSLContext | None], tuple[int, queue.Queue[bytes]]],
) -> None:  # fmt: skip
    port, arrived = lines(transport, server_context(certificate[0]) if transport == "tls" else None)
    values = {"host": "localhost" if transport == "tls" else "127.0.0.1", "port": str(port), "transport": transport}
    destination = opened("syslog", {**values, "ca_file": str(certificate[1])})
    assert destination.check().ok
    if transport != "udp":
        arrived.get(timeout=60)
    run = replace(RUN, name="Pipe | and = and \\ and\nline", description="a=b c\\d\nsecond line")
    destination.deliver(run)
    message = arrived.get(timeout=60).decode()
    assert message.startswith("<107>1 2026-03-04T10:00:00.250000Z ")
    event = cef.parse(message, cef.find(message))
    assert isinstance(event, cef.Event)
    assert event.header[4:] == ("Pipe | and = and \\ and line", "8")
    assert event.extension["msg"] == "a=b c\\d\nsecond line"
    assert event.extension["cs1"] == RUN.replay_link
    assert event.extension["cs2"] == RUN.run_id


def test_text_instead_of_cef(lines: Callable[[str, ssl.SSLContext | None], tuple[int, queue.Queue[bytes]]]) -> None:
    port, arrived = lines("udp", None)
    opened("syslog", {"host": "127.0.0.1", "port": str(port), "transport": "udp", "format": "text"}).deliver(
        replace(RUN, name="é" * 3000)
    )
    message = arrived.get(timeout=60)
    assert len(message) <= 2048
    assert message.decode().startswith("<107>1 ")


def test_a_syslog_server_that_is_not_there(certificate: tuple[ServerCertificate, Path]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = str(taken.getsockname()[1])
        found = failure(opened("syslog", {"host": "127.0.0.1", "port": port, "transport": "tcp"}))
    assert (found.remedy, found.code) == (Remedy.WAITING, "VDT6120")


def test_a_syslog_server_whose_certificate_is_not_trusted(
    certificate: tuple[ServerCertificate, Path],
    lines: Callable[[str, ssl.SSLContext | None], tuple[int, queue.Queue[bytes]]],
) -> None:
    port, _ = lines("tls", server_context(certificate[0]))
    found = failure(opened("syslog", {"host": "localhost", "port": str(port)}))
    assert (found.remedy, found.target) == (Remedy.CONFIGURATION, "ca_file")


# --- e-mail ----------------------------------------------------------------------------------------------------------


class Mailbox:
    """Keeps what arrives; refuses one address for good and one for now."""

    def __init__(self) -> None:
        self.messages: list[Envelope] = []

    async def handle_RCPT(
        self, server: SMTP, session: Any, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("gone@"):
            return "550 no such mailbox"
        if address.startswith("busy@"):
            return "451 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Envelope) -> str:
        self.messages.append(envelope)
        return "250 OK"


def authenticate(server: SMTP, session: Any, envelope: Envelope, mechanism: str, data: LoginPassword) -> AuthResult:
    return AuthResult(success=data.password == MAIL_PASSWORD.encode(), handled=False)


@pytest.fixture
def mail(certificate: tuple[ServerCertificate, Path]) -> Iterator[tuple[dict[str, Any], Mailbox]]:
    """A mail server with STARTTLS and a password."""
    box = Mailbox()
    controller = Controller(
        box, hostname="127.0.0.1", port=0, tls_context=server_context(certificate[0]), require_starttls=True,
        authenticator=authenticate, auth_required=True,
    )  # fmt: skip
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        controller.port = probe.getsockname()[1]
    controller.start()
    values = {
        "host": "localhost", "port": str(controller.port), "username": "vedette", "password": MAIL_PASSWORD,
        "sender": "vedette@example.com", "recipients": "soc@example.com, oncall@example.com",
        "ca_file": str(certificate[1]),
    }  # fmt: skip
    yield values, box
    controller.stop()


def test_an_email_arrives_with_an_id_of_its_own(mail: tuple[dict[str, Any], Mailbox]) -> None:
    values, box = mail
    destination = opened("email", values)
    run = replace(RUN, name="Bcc: everybody@example.com\r\nX: y é")
    receipt = destination.deliver(run)
    assert receipt.remote_id == f"<{RUN.incident_id}@example.com>"
    assert destination.deliver(run) == receipt
    envelope = box.messages[0]
    assert envelope.rcpt_tos == ["soc@example.com", "oncall@example.com"]
    assert isinstance(envelope.content, bytes)
    message = email.message_from_bytes(envelope.content, policy=email.policy.default)
    assert message["Subject"] == "[HIGH] Bcc: everybody@example.com X: y é"
    assert message["Bcc"] is None
    body = message.get_body()
    assert body is not None
    assert RUN.replay_link in body.get_content()


def test_a_mail_server_is_tested(mail: tuple[dict[str, Any], Mailbox]) -> None:
    values, box = mail
    assert opened("email", values).check().ok
    assert box.messages == []
    assert opened("email", values).check(write=True).ok
    assert len(box.messages) == 1
    report = opened("email", {**values, "password": marked("wrong")}).check(write=True)
    assert [step.ok for step in report.steps] == [False]
    assert report.steps[0].fields == ("password",)
    assert marked("wrong") not in repr(report)


@pytest.mark.parametrize(
    ("change", "remedy", "target"),
    [
        ({"recipients": "gone@example.com"}, Remedy.CONFIGURATION, "recipients"),
        ({"recipients": "busy@example.com"}, Remedy.WAITING, "recipients"),
        ({"recipients": "soc@example.com, gone@example.com"}, Remedy.NOTHING, "recipients"),
        ({"ca_file": ""}, Remedy.CONFIGURATION, "ca_file"),
        ({"password": ""}, Remedy.CONFIGURATION, "password"),
        ({"security": "none"}, Remedy.CONFIGURATION, "security"),
    ],
)
def test_what_a_mail_server_refuses(
    mail: tuple[dict[str, Any], Mailbox], change: dict[str, str], remedy: Remedy, target: str
) -> None:
    found = failure(opened("email", {**mail[0], **change}))
    assert (found.remedy, found.target) == (remedy, target)


# --- through the service ---------------------------------------------------------------------------------------------


def test_a_run_reaches_every_kind_through_the_outbox(house: House, web: Web) -> None:
    web.answer = instance = Instance()
    house.destinations.create(
        ADMIN, house.workspace, "servicenow", "Tickets",
        {"instance_url": web.url, "username": "vedette", "password": PASSWORD, "ca_file": str(web.ca_file)},
    )  # fmt: skip
    house.add("Sentinel")
    house.enqueue()
    assert house.drain() == 2
    assert len(instance.incidents) == len(house.remote()) == 1


def test_a_hundred_runs_through_an_instance_that_loses_half_of_its_answers(house: House, web: Web) -> None:
    source = random.Random(3)
    instance = Instance()

    def answer(method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        said = instance(method, path, body, headers)
        return (503, {}, b"") if source.random() < 0.5 else said

    web.answer = answer
    house.destinations.create(
        ADMIN, house.workspace, "servicenow", "Tickets",
        {"instance_url": web.url, "username": "vedette", "password": PASSWORD, "ca_file": str(web.ca_file)},
    )  # fmt: skip
    for number in range(100):
        house.enqueue(replace(RUN, run_id=f"run-{number}"))
    house.drain(5000)
    assert len({one["correlation_id"] for one in instance.incidents}) == len(instance.incidents) == 100
