"""Bearer tokens: `vdt_<id>_<secret>`, where the id is public and of the secret only a hash is kept.

The secret has 256 random bits, so a plain SHA-256 cannot be turned back and a slow hash would protect nothing more
(OWASP: slow hashes are for what people choose). Other prefixes: `vds_` one-time sign-ins, `vdc_` session cookies.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from vedette.core.redaction import Secret

_FORM: Final = re.compile(r"(vd[a-z])_([0-9a-f]{16})_([0-9a-f]{64})")
_MAX_LENGTH: Final = 128

RandomBytes = Callable[[int], bytes]
"""Makes that many random bytes; `secrets.token_bytes` outside of tests."""


class TokenKind(StrEnum):
    """What a token is for; one kind is never taken for another."""

    API = "vdt"
    SIGN_IN = "vds"
    SESSION = "vdc"


@dataclass(frozen=True, slots=True)
class MintedToken:
    """A new token: its text, which is shown once, and what is kept of it."""

    text: Secret
    id: str
    hash: str


@dataclass(frozen=True, slots=True)
class PresentedToken:
    """A token as somebody presents it: the id to look it up by, and the hash to compare."""

    id: str
    hash: str
    secret: Secret

    def matches(self, kept_hash: str) -> bool:
        """Whether it is the token of that hash; takes the same time either way."""
        return hmac.compare_digest(self.hash, kept_hash)


def mint(kind: TokenKind, random: RandomBytes = secrets.token_bytes) -> MintedToken:
    """A new random token."""
    token_id, secret = random(8).hex(), random(32).hex()
    return MintedToken(Secret(f"{kind}_{token_id}_{secret}"), token_id, _hash(secret))


def read(kind: TokenKind, text: str) -> PresentedToken | None:
    """The token that the text is, or None if it has not the form of one of that kind."""
    found = _FORM.fullmatch(text) if len(text) <= _MAX_LENGTH else None
    if found is None or found[1] != kind:
        return None
    return PresentedToken(found[2], _hash(found[3]), Secret(found[3]))


def derived(token: PresentedToken, purpose: str) -> str:
    """A second secret that only the holder of the token, and whoever it is presented to, can know (HMAC-SHA256)."""
    return hmac.new(bytes.fromhex(token.secret.reveal()), purpose.encode(), hashlib.sha256).hexdigest()


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
