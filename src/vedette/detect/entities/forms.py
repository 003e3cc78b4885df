"""The one form of identifiers that are written in several ways: addresses, URLs, files, registry keys.

Source: RFC 5952 (addresses), RFC 3986 section 6 (URLs), and learn.microsoft.com/azure/sentinel/entities-reference.
"""

from __future__ import annotations

import ipaddress
import re
from string import ascii_letters, digits, whitespace
from typing import Final
from unicodedata import normalize

from vedette.kql import ticks

_WITH_PORT: Final = re.compile(r"(\d+\.\d+\.\d+\.\d+):\d{1,5}|\[([0-9A-Fa-f:.]+)\](?::\d{1,5})?")
"""As OfficeActivity and proxies write an address: with the port that it came from."""
_URL: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#\\]*)(.*)", re.DOTALL)
_NAMES_A_HOST: Final = re.compile(r"[^/?#\s]+\.[^/?#\s]+")
_PORTS: Final = {"http": "80", "https": "443", "ftp": "21", "ws": "80", "wss": "443"}
_WINDOWS_PATH: Final = re.compile(r"[A-Za-z]:($|[\\/])|.*\\")
_DRIVE: Final = re.compile(r"[A-Za-z]:($|[\\/])")
_HIVES: Final = {
    "HKLM": "HKEY_LOCAL_MACHINE", "HKCU": "HKEY_CURRENT_USER", "HKCR": "HKEY_CLASSES_ROOT", "HKU": "HKEY_USERS",
    "HKCC": "HKEY_CURRENT_CONFIG", "REGISTRY\\MACHINE": "HKEY_LOCAL_MACHINE", "REGISTRY\\USER": "HKEY_USERS",
}  # fmt: skip
_HIVE: Final = re.compile(
    r"(?:Computer\\|(?:Microsoft\.PowerShell\.Core\\)?Registry::)?"  # as the editor and PowerShell write it
    r"\\?(HKEY_[A-Z_]+|HKLM|HKCU|HKCR|HKU|HKCC|REGISTRY\\(?:MACHINE|USER)):?(?:\\|$)",
    re.IGNORECASE,
)


def address_form(text: str) -> str:
    """An address as RFC 5952 writes it, one of IPv4 within IPv6 as IPv4, without a port; other text as it is."""
    ported = _WITH_PORT.fullmatch(text)
    try:
        address = ipaddress.ip_address(text if ported is None else ported[1] or ported[2])
    except ValueError:
        return text
    if getattr(address, "scope_id", None) and not address.is_link_local:
        address = ipaddress.ip_address(int(address))  # the interface that it came by is no part of it
    return str(getattr(address, "ipv4_mapped", None) or address)


_LABEL: Final = 63
"""Characters of a name's part at most: what is longer is no name."""
_DOTS: Final = str.maketrans(dict.fromkeys("\u3002\uff0e\uff61", "."))


def dns_form(text: str) -> str:
    """A name of DNS without the dot of the root, and as DNS has it (punycode) where it has letters beyond ASCII."""
    name = text.rstrip(".") or text
    if name.isascii():
        return name
    labels = normalize("NFKC", name.translate(_DOTS).lower()).rstrip(".").split(".")
    return ".".join(
        one if one.isascii() or len(one) > _LABEL else "xn--" + one.encode("punycode").decode("ascii") for one in labels
    )


def _escapes(text: str) -> str:
    """Escapes of a URL in upper case, and what need not be escaped as it is."""
    if "%" not in text or _ESCAPED.fullmatch(text) is None:
        return text

    def plain(match: re.Match[str]) -> str:
        letter = chr(int(match[1], 16))
        return letter if letter in _UNRESERVED else match[0].upper()

    return _ESCAPE.sub(plain, text)


_ESCAPE: Final = re.compile(r"%([0-9A-Fa-f]{2})")
_ESCAPED: Final = re.compile(r"[^%]*(?:%[0-9A-Fa-f]{2}[^%]*)*")
_UNRESERVED: Final = frozenset(ascii_letters + digits + "-._~")


def url_form(text: str) -> str:
    """A URL with its scheme and host in lower case, without the scheme's own port, and with the path that it always has.

    The host is as DNS has it, and nothing is escaped that need not be.
    """
    match = _URL.fullmatch(text)
    if match is None:
        return text
    scheme, rest = match[1].lower(), match[3]
    user, at, host = match[2].rpartition("@")
    host = re.sub(rf"(:{_PORTS.get(scheme, '')})+$", "", host.lower())
    name, colon, port = host.rpartition(":")
    host = f"{dns_form(name)}:{port}" if colon and port.isdecimal() else dns_form(host)
    rest = _escapes(rest)
    if scheme in _PORTS and not rest.startswith("/"):
        rest = f"/{rest}"
    return f"{scheme}://{user}{at}{host}{rest}"


def is_absolute(url: str) -> bool:
    """Whether a URL names a host: a path alone is that of any."""
    return _URL.fullmatch(url) is not None or _NAMES_A_HOST.match(url.removeprefix("//")) is not None


def is_windows_path(text: str) -> bool:
    """Whether a path is one of Windows, where case does not count."""
    return _WINDOWS_PATH.match(text) is not None


def file_form(found: dict[str, str]) -> None:
    """A file's directory without its name at the end and without a separator after it; from a name with a path, both."""
    directory, name = found.get("Directory", ""), found.get("Name", "")
    if not directory and (name.startswith("/") or is_windows_path(name)):
        at = max(name.rfind("/"), name.rfind("\\") if is_windows_path(name) else -1)
        directory, name = name[: at + 1], name[at + 1 :]
        if not name:
            return
    if not directory:
        return
    same = str.casefold if is_windows_path(directory) else str
    separators = "\\/" if is_windows_path(directory) else "/"
    if _DRIVE.match(directory):
        directory = directory.replace("/", "\\")
    bare = directory.rstrip(separators + whitespace)
    while name and same(bare).endswith(same(name)) and bare[: -len(name)].endswith(tuple(separators)):
        bare = bare[: -len(name)].rstrip(separators + whitespace)
    found["Directory"] = directory[: len(bare) + 1] if not bare or bare.endswith(":") else bare
    if name.strip():
        found["Name"] = name.strip()


def registry_form(found: dict[str, str]) -> None:
    """A key's hive by its full name, apart from the key where both stand together."""
    key, hive = found.get("Key", ""), found.get("Hive", "")
    while (match := _HIVE.match(key)) is not None:
        hive, key = hive or match[1], key[match.end() :]
    if hive:
        found["Hive"] = full_hive(hive)
    if key:
        found["Key"] = _path(key).strip("\\" + whitespace)


def full_hive(text: str) -> str:
    """A hive's full name."""
    name = text.strip("\\:" + whitespace).upper()
    return _HIVES.get(name, name)


def registry_path(text: str) -> str:
    """A key's path that begins with its hive's full name."""
    match = _HIVE.match(text)
    if match is None:
        return _path(text).rstrip("\\" + whitespace)
    path = _path(text[match.end() :]).lstrip("\\")
    return f"{full_hive(match[1])}\\{path}".rstrip("\\" + whitespace)


def _path(text: str) -> str:
    """A key's path with one separator between names: none is empty."""
    return re.sub(r"\\{2,}", r"\\", text)


def moment_form(text: str) -> str:
    """A time as logs have it, however it is written; other text as it is."""
    moment = ticks.parse_datetime(text)
    return text if moment is None else ticks.format_datetime(moment)


def process_id_form(text: str) -> str:
    """A process id in decimal: Windows' own events have it in hexadecimal."""
    return str(int(text, 16)) if re.fullmatch(r"0[xX][0-9A-Fa-f]{1,16}", text) else text


def spellings(type_name: str, value: str) -> tuple[str, ...]:
    """How logs write an address, a URL or a name of DNS, beside its one form, which comes first; of the latter two in any case."""
    found = [value]
    if type_name == "IP":
        try:
            address = ipaddress.ip_address(value.partition("%")[0])
        except ValueError:
            return (value,)
        found.append(f"::ffff:{value}" if address.version == 4 else address.exploded)
        found += [one.upper() for one in found]
    elif type_name == "DNS":
        found += [f"{value}.", _unicode(value)]
    elif type_name == "URL":
        match = _URL.fullmatch(value)
        if match is not None:
            found.append(f"{match[1]}://{_unicode(match[2])}{match[3]}")
        found += [one.removesuffix("/") for one in found if one.count("/") == _SLASHES]
    return tuple(dict.fromkeys(found))


_SLASHES: Final = 3
"""Of a URL that is no more than its host."""


def _unicode(name: str) -> str:
    """A name of DNS in the letters that punycode stands for."""
    labels = []
    for label in name.split("."):
        try:
            labels.append(label[4:].encode("ascii").decode("punycode") if label.startswith("xn--") else label)
        except UnicodeError:
            labels.append(label)
    return ".".join(labels)
