"""Which addresses the server connects to where people enter addresses."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Any

import pytest

from vedette.core.errors import Forbidden, InvalidInput
from vedette.core.outbound import Outbound, Resolve


def resolving(*answers: Sequence[str]) -> Resolve:
    """A resolver that gives these answers, one after the other."""
    left = list(answers)

    def resolve(host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        found = left.pop(0)
        return [
            (socket.AF_INET6 if ":" in one else socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in found
        ]

    return resolve


INSIDE = [
    "127.0.0.1", "127.9.9.9", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "::1", "fd12::1", "::ffff:10.0.0.1",
    "64:ff9b::7f00:1", "2002:a00:1::", "198.18.0.1", "240.0.0.1",
]  # fmt: skip
NEVER = [
    "169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "168.63.129.16", "100.100.100.200", "fd00:ec2::254", "0.0.0.0",
    "::", "224.0.0.1", "ff02::1", "64:ff9b::a9fe:a9fe", "255.255.255.255",
]  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_private_networks_are_for_what_an_administrator_entered(address: str) -> None:
    for host, resolve in ((address, resolving([address])), ("x.example", resolving([address]))):
        with pytest.raises(Forbidden, match="an internal one") as caught:
            Outbound(resolve=resolve).places(host, 443)
        assert caught.value.hint is not None
        assert "VEDETTE_OUTBOUND_ALLOW" in caught.value.hint
    assert Outbound(inside=True, resolve=resolving([address])).places("x.example", 443)[0].address == address


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("address", NEVER)
def test_what_nobody_means_well_with_is_refused_to_everybody(address: str, inside: bool) -> None:
    for host in (address, f"[{address}]", "x.example"):
        with pytest.raises(Forbidden):
            Outbound(inside=inside, resolve=resolving([address])).places(host, 80)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "a.localhost", "127.0.0.1", "[::1]"])
def test_names_of_this_machine_are_known_without_asking(host: str) -> None:
    with pytest.raises(Forbidden):
        Outbound().check_name(host)
    Outbound(inside=True).check_name(host)


def test_the_public_internet_is_open_and_one_bad_address_closes_a_name() -> None:
    public = ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"]
    found = Outbound(resolve=resolving([*public, public[0]])).places("x.example", 443)
    assert [one.address for one in found] == public
    with pytest.raises(Forbidden, match=r"x\.example: its address \(10\.0\.0\.1\)"):
        Outbound(resolve=resolving(["93.184.216.34", "10.0.0.1"])).places("x.example", 443)


def test_what_the_setting_allows() -> None:
    allowed = Outbound.of(" 10.1.0.0/16, fd00::/8,127.0.0.1 , mail.corp.example, *.lab.example,169.254.7.7")
    allowed.check_name("10.1.255.1")
    allowed.check_name("fd12::1")
    allowed.check_name("127.0.0.1")
    allowed.check_name("169.254.7.7")
    for refused in ("10.2.0.1", "127.0.0.2", "169.254.169.254"):
        with pytest.raises(Forbidden):
            allowed.check_name(refused)
    for name, goes in (
        ("Mail.corp.example.", True),
        ("a.lab.example", True),
        ("lab.example", False),
        ("x.example", False),
    ):
        one = Outbound(allowed.networks, allowed.names, resolve=resolving(["192.168.0.9"]))
        if goes:
            assert one.places(name, 25)[0].address == "192.168.0.9"
        else:
            with pytest.raises(Forbidden):
                one.places(name, 25)


@pytest.mark.parametrize("setting", ["10.0.0.0/99", "10.0.0", "a/b"])
def test_a_setting_that_is_none_is_told(setting: str) -> None:
    with pytest.raises(InvalidInput, match="VEDETTE_OUTBOUND_ALLOW"):
        Outbound.of(setting)


def test_the_connection_goes_to_the_address_that_was_looked_at() -> None:
    """A name that leads elsewhere when it is asked again leads nowhere new: it is not asked again."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        outbound = Outbound(inside=True, resolve=resolving(["127.0.0.1"]))  # a second question would fail
        with outbound.connect("rebinding.example", port, 10) as connection:
            assert connection.getpeername()[0] == "127.0.0.1"
        with pytest.raises(Forbidden):
            Outbound(resolve=resolving(["127.0.0.1"])).connect("rebinding.example", port, 10)
