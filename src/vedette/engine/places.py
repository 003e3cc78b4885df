"""Where IP addresses are, and whose: databases in MaxMind's format, which the operator supplies.

The format is that of maxmind.github.io/MaxMind-DB; a city database has what GeoLite2-City has, an ASN database what GeoLite2-ASN has.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vedette.core.deferred import deferred
from vedette.core.errors import InvalidInput

if TYPE_CHECKING:
    import ipaddress

    from maxminddb import Reader
else:
    ipaddress = deferred("ipaddress")

CITY: Final = "city"
ASN: Final = "asn"
VARIABLES: Final = {CITY: "VEDETTE_GEOIP_CITY", ASN: "VEDETTE_GEOIP_ASN"}
"""The settings that name the files."""
_EXAMPLES: Final = {CITY: "GeoLite2-City.mmdb", ASN: "GeoLite2-ASN.mmdb"}

_guard = threading.Lock()
_paths: dict[str, Path] = {}
_readers: dict[str, Reader] = {}


def supply(kind: str, path: Path | None) -> None:
    """Say where the database of a kind is; None: there is none. It is opened when it is first asked."""
    with _guard:
        _readers.pop(kind, None)
        if path is None:
            _paths.pop(kind, None)
        else:
            _paths[kind] = path


def supplied(kind: str) -> bool:
    """Whether there is a database of a kind."""
    return kind in _paths


def how_to_supply(kind: str) -> str:
    """What to do where there is none."""
    return f"set {VARIABLES[kind]} to a file in MaxMind's format, like {_EXAMPLES[kind]}"


def open_database(kind: str) -> Reader:
    """The database of a kind. Raises `InvalidInput` for a file that is missing or of another form."""
    with _guard:
        reader = _readers.get(kind)
        if reader is None:
            import maxminddb

            path = _paths[kind]
            try:
                reader = _readers[kind] = maxminddb.open_database(path)
            except OSError as error:
                reason = (error.strerror or str(error)).lower()
                raise InvalidInput(f"The database {path} cannot be read: {reason}.", file=str(path)) from None
            except maxminddb.InvalidDatabaseError:
                raise InvalidInput(f"{path} is not in MaxMind's format.", file=str(path)) from None
        return reader


def _record(kind: str, ip: str) -> dict[str, Any]:
    try:
        address = ipaddress.ip_address(ip.strip())
    except ValueError:
        return {}
    reader = open_database(kind)
    if address.version == 6 and reader.metadata().ip_version == 4:
        return {}
    found = reader.get(address)
    return found if isinstance(found, dict) else {}


def _name(record: dict[str, Any], *path: str | int) -> str:
    value: Any = record
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return ""
    names = value.get("names") if isinstance(value, dict) else None
    return str(names.get("en", "")) if isinstance(names, dict) else ""


def place_of(ip: str) -> dict[str, object] | None:
    """Country, state, city, latitude and longitude of an address, with the keys that Kusto gives; None where it is no address,
    and {} where the database does not know it."""
    try:
        ipaddress.ip_address(ip.strip())
    except ValueError:
        return None
    record = _record(CITY, ip)
    found: dict[str, object] = {
        "country": _name(record, "country"), "state": _name(record, "subdivisions", 0), "city": _name(record, "city"),
    }  # fmt: skip
    location = record.get("location")
    if isinstance(location, dict):
        found |= {key: float(location[key]) for key in ("latitude", "longitude") if key in location}
    return {key: value for key, value in found.items() if value != ""}


def location_of(ip: str) -> dict[str, object] | None:
    """The same with the keys that `geo_location()` of Azure's transformations gives."""
    place = place_of(ip)
    if place is None:
        return None
    region = _name(_record(CITY, ip), "continent")
    named = {"Country": place.get("country"), "Region": region or None, "State": place.get("state")}
    named |= {"City": place.get("city"), "Latitude": place.get("latitude"), "Longitude": place.get("longitude")}
    return {key: value for key, value in named.items() if value is not None}


def network_of(ip: str) -> dict[str, object] | None:
    """Number (`asn`) and name (`organization`) of the autonomous system that an address belongs to; None where it is no address."""
    try:
        ipaddress.ip_address(ip.strip())
    except ValueError:
        return None
    record = _record(ASN, ip)
    found = {
        "asn": record.get("autonomous_system_number"), "organization": record.get("autonomous_system_organization"),
    }  # fmt: skip
    return {key: value for key, value in found.items() if value is not None}
