"""The keys that secrets are encrypted with: 256 random bits each, in a file of their own or in the environment."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final

from vedette.core.errors import InvalidInput, Unavailable
from vedette.core.files import make_private_directory, readable_by_others, write_private

KEY_BYTES: Final = 32
_HEADER: Final = (
    "# Vedette's keys for secrets, one a line; the last one encrypts. Without them no secret is readable.\n"
)


class KeyRing:
    """Keys by their id; the last one encrypts, all of them decrypt. A key's id is derived from the key."""

    def __init__(self, keys: list[bytes]) -> None:
        if not keys:
            raise ValueError("a key ring has at least one key")
        self._keys = {key_id(key): key for key in keys}
        self.current_id = key_id(keys[-1])

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(self._keys)})"

    def __contains__(self, wanted: str) -> bool:
        return wanted in self._keys

    def key(self, wanted: str) -> bytes:
        """The key of that id (KeyError if there is none)."""
        return self._keys[wanted]

    @classmethod
    def from_text(cls, text: str, source: str) -> KeyRing:
        """Keys in base64, one a line or separated by commas; lines with # are comments. `source` is for the message."""
        lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
        words = [word.strip() for line in lines for word in line.split(",")]
        try:
            keys = [base64.b64decode(word, validate=True) for word in words if word]
        except (binascii.Error, ValueError):
            keys = []
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise InvalidInput(
                f"{source} does not hold keys for secrets.",
                code="VDT0520",
                hint=f"Each key is {KEY_BYTES} random bytes in base64 (openssl rand -base64 {KEY_BYTES}).",
            )
        return cls(keys)


class KeyFile:
    """The key file of a data directory."""

    def __init__(self, path: Path, random: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self.path = path
        self._random = random

    def read(self) -> KeyRing | None:
        """The keys, or None if there is no file. `Unavailable` if others than the owner may read it."""
        text = self._read()
        return None if text is None else KeyRing.from_text(text, f"The key file {self.path}")

    def create(self) -> KeyRing:
        """The keys of a new file with one new key, or of the file that somebody else has just made."""
        try:
            make_private_directory(self.path.parent)
            write_private(self.path, f"{_HEADER}{self._new_key()}\n".encode(), exclusive=True)
        except FileExistsError:
            pass
        except OSError as error:
            raise self._refused("written", error) from error
        made = self.read()
        if made is None:
            raise Unavailable(f"The key file {self.path} has disappeared.", code="VDT0521")
        return made

    def add_key(self) -> KeyRing:
        """Add a new key, which encrypts from now on; what the older ones encrypted can still be read."""
        text = self._read()
        if text is None:
            return self.create()
        try:
            write_private(self.path, f"{text.rstrip()}\n{self._new_key()}\n".encode())
        except OSError as error:
            raise self._refused("written", error) from error
        return KeyRing.from_text(self._read() or "", f"The key file {self.path}")

    def _read(self) -> str | None:
        try:
            text = self.path.read_text("ascii")
            if readable_by_others(self.path):
                raise Unavailable(
                    f"The key file {self.path} can be read by other users of this machine.",
                    code="VDT0522",
                    hint=f"chmod 600 {self.path}",
                )
            return text
        except FileNotFoundError:
            return None
        except UnicodeDecodeError:
            return "?"
        except OSError as error:
            raise self._refused("read", error) from error

    def _new_key(self) -> str:
        return base64.b64encode(self._random(KEY_BYTES)).decode()

    def _refused(self, verb: str, error: OSError) -> Unavailable:
        return Unavailable(
            f"The key file {self.path} cannot be {verb}: {error.strerror}.",
            code="VDT0521",
            hint="Name another file with VEDETTE_SECRETS_KEY_FILE, or give the key itself with VEDETTE_SECRETS_KEY.",
        )


def key_id(key: bytes) -> str:
    """The public id of a key: it says which key it is and nothing about it."""
    return hashlib.sha256(b"vedette secrets key id\x00" + key).hexdigest()[:16]
