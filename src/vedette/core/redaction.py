"""Keeping secrets out of sight: a wrapper that never shows its value, and the removal of secrets from text and data."""

from __future__ import annotations

import hmac
import json
import re
import weakref
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import Enum
from typing import Final, NoReturn

MARK: Final = "[redacted]"
"""What stands where a secret was."""

_MINIMUM: Final = 6  # a shorter value is found all over the place by chance
_MAX_DEPTH: Final = 16


class Secret:
    """A secret text. Only `reveal()` gives it away; printing, formatting, logging, JSON and pickling do not.

    While it lives, `redact` removes its value from any text.
    """

    __slots__ = ("__weakref__", "_value")

    def __init__(self, value: str) -> None:
        self._value = value
        if len(value) >= _MINIMUM:
            _LIVE[id(self)] = self

    def reveal(self) -> str:
        """The secret itself: for the one call that needs it."""
        return self._value

    def __repr__(self) -> str:
        return MARK

    def __str__(self) -> str:
        return MARK

    def __format__(self, spec: str) -> str:
        return format(MARK, spec)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled")


_LIVE: Final[weakref.WeakValueDictionary[int, Secret]] = weakref.WeakValueDictionary()

_SECRET_NAMES: Final = (
    "accesskey", "accountkey", "apikey", "assertion", "authorization", "clientsecret", "connectionstring", "cookie",
    "credential", "credentials", "passphrase", "passwd", "password", "privatekey", "pwd", "secret", "secretkey",
    "sharedaccesskey", "sharedkey", "signature", "token",
)  # fmt: skip

_WORDS: Final = (
    r"access[_-]?key|account[_-]?key|api[_-]?key|assertion|client[_-]?secret|passphrase|passwd|password|private[_-]?key|"
    r"pwd|secret|shared[_-]?(?:access[_-]?)?key|sig|token"
)

_PATTERNS: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S), MARK),
    (re.compile(r"\bvd[a-z]_[0-9a-z]{4,}_[0-9A-Za-z_-]+"), MARK),  # our own tokens
    (re.compile(r"\beyJ[0-9A-Za-z_-]{5,}\.[0-9A-Za-z_-]+\.[0-9A-Za-z_-]*"), MARK),  # JSON web tokens
    (re.compile(r"\b(Bearer|Basic|SharedKey|Negotiate)(\s+)[0-9A-Za-z._~+/=:-]{6,}", re.I), rf"\1\2{MARK}"),
    (re.compile(r"(://[^\s/:@]*:)[^\s/@]+@"), rf"\1{MARK}@"),  # a password in a URL
    (
        re.compile(
            rf"((?:\b|_)(?:{_WORDS})[\"']?\s*[:=]\s*[\"']?)(?!\[redacted\]|(?:Bearer|Basic)\s)[^\s\"'&,;}}]+", re.I
        ),
        rf"\1{MARK}",
    ),
)


def redact(text: str) -> str:
    """The text without anything that is known to be, or looks like, a secret."""
    for value in sorted({form for secret in list(_LIVE.values()) for form in _forms(secret)}, key=len, reverse=True):
        if value in text:
            text = text.replace(value, MARK)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def redact_data(value: object) -> object:
    """The value as plain JSON data without its secrets: those by type, by the name of their key, and those in texts."""
    return _redact_data(value, 0)


def is_secret_name(name: str) -> bool:
    """Whether a key of that name holds a secret: `client_secret` does, `secret_name` and `token_count` do not."""
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    return plain.endswith(_SECRET_NAMES)


def _forms(secret: Secret) -> Iterable[str]:
    """How the value may be written: as it is, and inside JSON."""
    value = secret.reveal()
    return (value, json.dumps(value)[1:-1])


def _redact_data(value: object, depth: int) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Secret | bytes | bytearray) or depth > _MAX_DEPTH:
        return MARK
    if isinstance(value, Enum):
        return _redact_data(value.value, depth)
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {
            redact(str(key)): MARK if is_secret_name(str(key)) and item is not None else _redact_data(item, depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, Iterable):
        return [_redact_data(item, depth + 1) for item in value]
    return redact(str(value))
