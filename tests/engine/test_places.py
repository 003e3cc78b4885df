"""Look-ups of addresses in databases of MaxMind's format, written here byte by byte."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from vedette.core.clock import SystemClock
from vedette.engine import places
from vedette.kql.diagnostics import KqlError
from vedette.store.logstore import LogStore


def _encoded(value: Any) -> bytes:
    """A value of the data section: maps, arrays, texts, doubles and unsigned integers, of 32 bits or (type, number)."""
    if isinstance(value, dict):
        return _control(7, len(value)) + b"".join(_encoded(key) + _encoded(item) for key, item in value.items())
    if isinstance(value, list):
        return _control(11, len(value)) + b"".join(map(_encoded, value))
    if isinstance(value, str):
        return _control(2, len(value.encode())) + value.encode()
    if isinstance(value, float):
        return _control(3, 8) + struct.pack(">d", value)
    kind, number = value if isinstance(value, tuple) else (6, value)
    content = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return _control(kind, len(content)) + content


def _control(kind: int, size: int) -> bytes:
    first, rest = (kind << 5, b"") if kind < 8 else (0, bytes([kind - 7]))
    if size < 29:
        return bytes([first | size]) + rest
    assert size < 29 + 256
    return bytes([first | 29]) + rest + bytes([size - 29])


def database(path: Path, records: dict[str, dict[str, Any]]) -> Path:
    """A database of IPv4 networks."""
    nodes: list[list[Any]] = [[None, None]]
    data = b""
    for network, record in records.items():
        net = ipaddress.ip_network(network)
        bits = f"{int(net.network_address):032b}"[: net.prefixlen]
        at = 0
        for bit in bits[:-1]:
            if nodes[at][int(bit)] is None:
                nodes.append([None, None])
                nodes[at][int(bit)] = len(nodes) - 1
            at = nodes[at][int(bit)]
        nodes[at][int(bits[-1])] = ("data", len(data))
        data += _encoded(record)
    count = len(nodes)

    def pointer(value: Any) -> int:
        return count if value is None else value if isinstance(value, int) else count + 16 + value[1]

    tree = b"".join(pointer(side).to_bytes(3, "big") for node in nodes for side in node)
    meta = {
        "node_count": count, "record_size": (5, 24), "ip_version": (5, 4), "database_type": "Test", "languages": ["en"],
        "binary_format_major_version": (5, 2), "binary_format_minor_version": (5, 0), "build_epoch": (9, 1),
        "description": {"en": "test"},
    }  # fmt: skip
    path.write_bytes(tree + bytes(16) + data + b"\xab\xcd\xefMaxMind.com" + _encoded(meta))
    return path


PLACE = {
    "continent": {"names": {"en": "Europe"}}, "country": {"names": {"en": "Portugal", "de": "Portugal"}},
    "subdivisions": [{"names": {"en": "Lisbon District"}}], "city": {"names": {"en": "Lisbon"}},
    "location": {"latitude": 38.7, "longitude": -9.1},
}  # fmt: skip
NETWORK = {"autonomous_system_number": 64500, "autonomous_system_organization": "Example Net"}


@pytest.fixture
def logs() -> Iterator[LogStore]:
    with LogStore(None, SystemClock()) as held:
        yield held
    for kind in (places.CITY, places.ASN):
        places.supply(kind, None)


@pytest.mark.req("P-072")
def test_an_address_is_looked_up_in_place(logs: LogStore, tmp_path: Path) -> None:
    places.supply(
        places.CITY, database(tmp_path / "city.mmdb", {"192.0.2.0/24": PLACE, "198.51.100.0/25": {"country": {}}})
    )
    places.supply(places.ASN, database(tmp_path / "asn.mmdb", {"192.0.2.0/24": NETWORK}))
    rows = logs.query(
        "datatable(n: int, ip: string)[1, '192.0.2.7', 2, '198.51.100.1', 3, '203.0.113.1', 4, 'nothing', 5, '2001:db8::1'] "
        "| project n, place = geo_info_from_ip_address(ip), net = asn_info_from_ip_address(ip) | sort by n asc"
    ).rows
    whole = {"country": "Portugal", "state": "Lisbon District", "city": "Lisbon", "latitude": 38.7, "longitude": -9.1}
    assert rows == [
        [1, whole, {"asn": 64500, "organization": "Example Net"}], [2, {}, {}], [3, {}, {}], [4, None, None], [5, {}, {}],
    ]  # fmt: skip
    assert logs.query("print geo_info_from_ip_address('192.0.2.1').city").rows == [["Lisbon"]]
    assert places.location_of("192.0.2.7") == {
        "Country": "Portugal", "Region": "Europe", "State": "Lisbon District", "City": "Lisbon", "Latitude": 38.7,
        "Longitude": -9.1,
    }  # fmt: skip


def test_without_a_database_it_is_refused_with_what_to_do(logs: LogStore, tmp_path: Path) -> None:
    for function, variable in (("geo_info", "VEDETTE_GEOIP_CITY"), ("asn_info", "VEDETTE_GEOIP_ASN")):
        with pytest.raises(KqlError, match=f"none is supplied; set {variable} to a file"):
            logs.query(f"print {function}_from_ip_address('192.0.2.1')")
    with pytest.raises(KqlError, match="in transformations alone"):
        logs.query("print geo_location('192.0.2.1')")
    for name, content in (("missing.mmdb", None), ("text.mmdb", "no database")):
        if content is not None:
            (tmp_path / name).write_text(content)
        places.supply(places.CITY, tmp_path / name)
        with pytest.raises(KqlError, match=name):
            logs.query("print geo_info_from_ip_address('192.0.2.1')")
