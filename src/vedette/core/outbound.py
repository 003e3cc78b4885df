"""Which addresses the server connects to where people enter addresses: the public internet, and what an administrator allows.

A name is resolved once, and the connection goes to the addresses that were looked at: a name that leads elsewhere when it is
asked again (DNS rebinding) leads nowhere new. Kinds of addresses: RFC 6890 and IANA's registries of special-purpose addresses.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from vedette.core.errors import Forbidden, InvalidInput

SETTING: Final = "VEDETTE_OUTBOUND_ALLOW"
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve = Callable[..., Sequence[tuple[Any, ...]]]
"""`socket.getaddrinfo`, or what stands for it."""

_METADATA: Final = frozenset(
    ipaddress.ip_address(one) for one in ("168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::254")
)
"""Where clouds answer their machines, beside the link-local address that most have it at."""
_INSIDE_TOO: Final = ipaddress.ip_network("100.64.0.0/10")
_TRANSLATED: Final = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Place:
    """An address that a connection may go to."""

    family: socket.AddressFamily
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class Outbound:
    """What may be reached. `networks` and `names` are allowed by the setting; `inside`: so are private networks and this machine."""

    networks: tuple[Network, ...] = ()
    names: tuple[str, ...] = ()
    inside: bool = False
    resolve: Resolve = socket.getaddrinfo

    @classmethod
    def of(cls, setting: str) -> Outbound:
        """What VEDETTE_OUTBOUND_ALLOW says: networks, addresses and names, with commas. Raises `InvalidInput`."""
        networks: list[Network] = []
        names: list[str] = []
        for one in (part.strip() for part in setting.split(",")):
            if not one:
                continue
            try:
                networks.append(ipaddress.ip_network(one, strict=False))
            except ValueError:
                if "/" in one or one.replace(".", "").isdigit():
                    raise InvalidInput(f"{SETTING}: '{one[:80]}' is neither a network nor an address.") from None
                names.append(one.rstrip(".").lower())
        return cls(tuple(networks), tuple(names))

    def also_inside(self, inside: bool) -> Outbound:
        """The same, with private networks and this machine, or without."""
        return replace(self, inside=inside)

    def check_name(self, host: str) -> None:
        """Refuses an address, or a name of this machine, that may not be reached; no name is resolved. Raises `Forbidden`."""
        plain = host.strip("[]").rstrip(".").lower()
        if self._named(plain):
            return
        if plain == "localhost" or plain.endswith(".localhost"):
            self._check(plain, ipaddress.ip_address("127.0.0.1"))
            return
        try:
            address = ipaddress.ip_address(plain)
        except ValueError:
            return
        self._check(plain, address)

    def places(self, host: str, port: int, kind: socket.SocketKind = socket.SOCK_STREAM) -> list[Place]:
        """The addresses of a host. Raises `Forbidden` if one of them may not be reached, `OSError` if there are none."""
        plain = host.strip("[]")
        self.check_name(plain)
        found: list[Place] = []
        for family, _, _, _, address in self.resolve(plain, port, type=kind):
            place = Place(family, str(address[0]), int(address[1]))
            if not self._named(plain.rstrip(".").lower()):
                self._check(plain, ipaddress.ip_address(place.address))
            if place not in found:
                found.append(place)
        if not found:
            raise OSError(f"{plain} has no address")
        return found

    def connect(self, host: str, port: int, timeout: float) -> socket.socket:
        """A TCP connection. Raises `Forbidden` as `places` does, and `OSError` where nobody answers."""
        failure: OSError | None = None
        for place in self.places(host, port):
            try:
                return socket.create_connection((place.address, place.port), timeout=timeout)
            except OSError as error:
                failure = error
        assert failure is not None
        raise failure

    def _named(self, host: str) -> bool:
        return any(host == name or (name.startswith("*.") and host.endswith(name[1:])) for name in self.names)

    def _check(self, host: str, address: Address) -> None:
        address = _plain(address)
        if any(address.version == network.version and address in network for network in self.networks):
            return
        what = _special(address)
        if what is not None:
            raise _refused(host, address, what, f"An administrator allows it with {SETTING}.")
        if not self.inside and _is_inside(address):
            raise _refused(
                host, address, "an internal one",
                f"An administrator of the installation may enter it, or allow it with {SETTING}.",
            )  # fmt: skip


def _refused(host: str, address: Address, what: str, hint: str) -> Forbidden:
    resolved = "" if host == str(address) else f" ({address})"
    return Forbidden(
        f"The server may not connect to {host}: its address{resolved} is {what}.", code="VDT0540", hint=hint
    )


def _plain(address: Address) -> Address:
    """The IPv4 address that one of IPv6 stands for, if it does."""
    if isinstance(address, ipaddress.IPv6Address):
        if address in _TRANSLATED:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        teredo = address.teredo
        return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None) or address
    return address


def _special(address: Address) -> str | None:
    """What an address is that nobody enters who means well."""
    if address.is_link_local or address in _METADATA:
        return "where a cloud tells its machines their secrets"
    if address.is_unspecified or address.is_multicast or address == ipaddress.IPv4Address("255.255.255.255"):
        return "not that of one machine"
    return None


def _is_inside(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv4Address) and address in _INSIDE_TOO:
        return True
    return not address.is_global
