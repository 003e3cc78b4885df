"""The networks that a listener hears."""

from __future__ import annotations

import ipaddress
from typing import Final

from vedette.core.errors import InvalidInput

LOOPBACK: Final = "127.0.0.0/8, ::1/128"


class AllowList:
    """Addresses and networks, written with commas: `10.0.0.0/8, 192.0.2.7, 2001:db8::/32`."""

    def __init__(self, text: str = LOOPBACK) -> None:
        """`InvalidInput` names what is no network."""
        self._networks = []
        for word in filter(None, (part.strip() for part in text.split(","))):
            try:
                self._networks.append(ipaddress.ip_network(word))
            except ValueError:
                raise InvalidInput(
                    f"'{word}' is not a network that syslog may come from.", code="VDT0640", target="syslog_allow",
                    hint="Write networks as 10.0.0.0/8 or 2001:db8::/32 (no bits set after the prefix), addresses as they are.",
                ) from None  # fmt: skip
        self._known: dict[str, bool] = {}

    def allows(self, address: str) -> bool:
        """Whether a sender's address (IPv4-mapped IPv6 counts as IPv4) is in one of the networks."""
        known = self._known.get(address)
        if known is None:
            if len(self._known) >= 65_536:
                self._known.clear()
            known = self._known[address] = self._allows(address)
        return known

    def _allows(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(plain_address(address))
        except ValueError:
            return False
        return any(parsed.version == network.version and parsed in network for network in self._networks)


def plain_address(address: str) -> str:
    """An address without its scope, and as IPv4 where it is one in IPv6's dress."""
    address = address.partition("%")[0]
    return address[7:] if address.lower().startswith("::ffff:") and "." in address else address
