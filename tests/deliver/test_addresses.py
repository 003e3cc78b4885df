"""Where destinations may be, and that no secret goes to another machine than it was entered for."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.deliver.conftest import ADMIN, RUN, House
from vedette.core.audit import Audit
from vedette.core.errors import Forbidden
from vedette.core.forms import InvalidFields
from vedette.core.outbound import Outbound
from vedette.core.roles import Principal, Role
from vedette.deliver.opening import Openings
from vedette.deliver.service import Destinations

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Listener:
    """A server on this machine that keeps what it is asked."""

    def __init__(self) -> None:
        asked: list[tuple[str, str | None, str | None]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                asked.append((self.command, self.headers["Host"], self.headers["Authorization"]))
                self.rfile.read(int(self.headers["Content-Length"] or 0))
                self.send_response(200)
                self.end_headers()

            do_GET = do_POST = do_HEAD

            def log_message(self, *_: Any) -> None: ...

        self.asked = asked
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.server.shutdown()
    made.server.server_close()


def contributor(house: House) -> Principal:
    return Principal("c" * 36, "user", "con", "Con", {house.workspace: frozenset({Role.CONTRIBUTOR})})


def resolving_here(house: House) -> tuple[Destinations, Openings]:
    """What is wired of a network in which every name leads to this machine."""

    def resolve(_host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    outbound = Outbound(resolve=resolve)
    return (
        Destinations(house.state, house.secrets, house.registry, house.clock, outbound=outbound),
        Openings(house.state, house.secrets, house.registry, outbound),
    )


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("webhook", {"url": "https://169.254.169.254/latest", "signing_key": KEY}),
        ("webhook", {"url": "http://localhost:9/", "signing_key": KEY}),
        ("slack", {"webhook_url": "https://10.0.0.1/x"}),
        ("teams", {"webhook_url": "https://[::1]/x"}),
        ("servicenow", {"instance_url": "https://192.168.1.1", "username": "u", "password": "secret-value"}),
        ("syslog", {"host": "127.0.0.1"}),
        ("email", {"host": "::1", "sender": "a@b.example", "recipients": "c@d.example"}),
    ],
)
def test_who_does_not_administer_the_installation_enters_no_internal_address(
    house: House, kind: str, values: dict[str, object]
) -> None:
    with pytest.raises(Forbidden, match="may not connect to"):
        house.destinations.create(contributor(house), house.workspace, kind, "x", values)
    assert house.destinations.list(ADMIN, house.workspace) == []
    assert house.secrets.list(house.workspace) == []


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("webhook", {"url": "https://hooks.example.com/x", "signing_key": KEY}),
        ("slack", {"webhook_url": "https://hooks.example.com/x"}),
        ("teams", {"webhook_url": "https://hooks.example.com/x"}),
        ("servicenow", {"instance_url": "https://hooks.example.com", "username": "u", "password": "secret-value"}),
        ("syslog", {"host": "hooks.example.com", "transport": "tcp"}),
        ("syslog", {"host": "hooks.example.com", "transport": "udp"}),
        ("email", {"host": "hooks.example.com", "sender": "a@b.example", "recipients": "c@d.example"}),
        (
            "email",
            {"host": "hooks.example.com", "sender": "a@b.example", "recipients": "c@d.example", "security": "tls"},
        ),
    ],
)
def test_a_name_that_leads_inside_is_refused_when_it_is_connected_to(
    house: House, kind: str, values: dict[str, object]
) -> None:
    destinations, openings = resolving_here(house)
    view = destinations.create(contributor(house), house.workspace, kind, "x", values)
    (step,) = destinations.test(contributor(house), house.workspace, view.id).steps
    assert (step.ok, step.code) == (False, "VDT0540")
    assert "hooks.example.com: its address (127.0.0.1) is an internal one" in step.message
    with openings, pytest.raises(Forbidden):
        openings.get(view.id).deliver(RUN)


def test_an_administrators_address_stays_allowed_until_somebody_else_changes_it(
    house: House, listener: Listener
) -> None:
    destinations, openings = resolving_here(house)
    values = {"url": f"http://127.0.0.1:{listener.port}/x", "signing_key": KEY}
    view = destinations.create(ADMIN, house.workspace, "webhook", "x", values)
    other = contributor(house)
    assert destinations.test(other, house.workspace, view.id).ok
    destinations.update(other, house.workspace, view.id, name="renamed", values={"signing_key": KEY})
    with openings:
        openings.get(view.id).deliver(RUN)
    assert [one[:2] for one in listener.asked] == [(m, f"127.0.0.1:{listener.port}") for m in ("HEAD", "POST")]
    with pytest.raises(Forbidden):
        destinations.update(other, house.workspace, view.id, values=values)
    report = destinations.test_values(other, house.workspace, "webhook", values, destination_id=view.id)
    assert report.steps[0].code == "VDT0540"
    assert len(listener.asked) == 2


def test_the_name_is_what_the_other_side_is_asked_by(house: House, listener: Listener) -> None:
    destinations, _ = resolving_here(house)
    values = {"instance_url": "https://sn.example.com", "username": "u", "password": "secret-value"}
    report = destinations.test_values(ADMIN, house.workspace, "servicenow", values)
    assert not report.ok, "nobody listens on port 443 of this machine"
    assert "sn.example.com" in report.steps[0].message


def test_a_secret_goes_to_no_other_machine_than_it_was_entered_for(house: House, listener: Listener) -> None:
    elsewhere = f"http://127.0.0.1:{listener.port}"
    values = {"instance_url": "https://sn.example.com", "username": "u", "password": "secret-value"}
    view = house.destinations.create(ADMIN, house.workspace, "servicenow", "x", values)
    for moved in ({"instance_url": elsewhere}, {"instance_url": elsewhere, "password": None}):
        with pytest.raises(InvalidFields, match="password has to be entered again: instance_url is another"):
            house.destinations.update(ADMIN, house.workspace, view.id, values=moved)
    with pytest.raises(InvalidFields, match="password has to be entered again"):
        house.destinations.test_values(
            ADMIN, house.workspace, None, {"instance_url": elsewhere}, destination_id=view.id
        )
    assert listener.asked == []
    house.destinations.update(ADMIN, house.workspace, view.id, values={"instance_url": "https://sn.example.com"})
    house.destinations.update(
        ADMIN, house.workspace, view.id, values={"instance_url": elsewhere, "password": "another-value"}
    )
    house.destinations.test(ADMIN, house.workspace, view.id)
    assert listener.asked[0][2] is not None


@pytest.mark.parametrize("changed", [{"host": "evil.example"}, {"port": "2525"}])
def test_a_mail_password_stays_with_its_server(house: House, changed: dict[str, object]) -> None:
    values = {
        "host": "mail.example.com", "username": "u", "password": "secret-value", "sender": "a@b.example",
        "recipients": "c@d.example",
    }  # fmt: skip
    view = house.destinations.create(ADMIN, house.workspace, "email", "x", values)
    with pytest.raises(InvalidFields, match="password has to be entered again"):
        house.destinations.update(ADMIN, house.workspace, view.id, values=changed)
    house.destinations.update(ADMIN, house.workspace, view.id, values={"port": "587", "sender": "d@b.example"})
    view = house.destinations.update(
        ADMIN, house.workspace, view.id, values={**changed, "username": "", "password": ""}
    )
    assert dict(view.secrets) == {}, "an empty text takes an optional secret away"
    assert house.secrets.list(house.workspace) == []


def test_the_audit_trail_says_with_what_a_test_was_made(house: House) -> None:
    values = {"host": "127.0.0.1", "port": "9", "transport": "tcp"}
    house.destinations.test_values(ADMIN, house.workspace, "syslog", values)
    (entry,) = Audit(house.state, house.clock).entries(action="destinations/test", limit=9)
    assert entry.detail["fields"] == ["host", "port", "transport"]
