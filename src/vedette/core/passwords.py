"""Passwords of users: kept as Argon2id (RFC 9106), compared in the same time whether there is such a user or not."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from vedette.core.errors import InvalidInput
from vedette.core.redaction import Secret

MIN_LENGTH: Final = 12
MAX_LENGTH: Final = 1024

_LETTERS: Final = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789-_.!+=*#"
"""64 characters, none of which is taken for another one when it is read aloud or copied by hand."""
_GENERATED: Final = 20

if TYPE_CHECKING:
    from collections.abc import Callable

    from argon2 import PasswordHasher


def hash_password(password: str) -> str:
    """The hash to keep. `InvalidInput` if the password is too short or too long; any characters will do."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise InvalidInput(f"A password has {MIN_LENGTH} to {MAX_LENGTH} characters.", target="password")
    return _hasher().hash(password)


def generate_password(random: Callable[[int], bytes]) -> Secret:
    """A password of 20 characters, which is 120 random bits; `random` makes that many random bytes."""
    return Secret("".join(_LETTERS[byte % 64] for byte in random(_GENERATED)))


def verify_password(kept_hash: str | None, password: str) -> bool:
    """Whether it is the password of that hash; with None, False after the time a comparison takes."""
    from argon2.exceptions import InvalidHashError, VerificationError

    if len(password) > MAX_LENGTH:
        return False
    try:
        _hasher().verify(kept_hash or _nobody(), password)
    except (VerificationError, InvalidHashError):
        return False
    return kept_hash is not None


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher  # not loaded by commands that have no use for it

    return PasswordHasher()  # argon2-cffi's defaults are RFC 9106's low-memory choice


@cache
def _nobody() -> str:
    return _hasher().hash("the password of nobody")
