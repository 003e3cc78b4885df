"""Where one message ends and the next begins in a stream of syslog (RFC 6587; RFC 5425 has octet counting only).

A connection whose first message begins with its length (`57 <34>…`) counts octets; any other ends its messages with LF (CR LF) or
NUL. One that counts and then sends something else goes on with lines.
"""

from __future__ import annotations

import re
from typing import Final

_COUNT: Final = re.compile(rb"([1-9]\d{0,7}) (?=<|CEF:)")
_MAYBE_COUNT: Final = re.compile(rb"[1-9]\d{0,7}(?: (?:C|CE|CEF)?)?")


class Frames:
    """Cuts a stream into messages. A message longer than `longest` bytes is cut there; the rest of it is skipped and counted."""

    __slots__ = ("_counting", "_held", "_skip", "_skip_line", "cut", "longest")

    def __init__(self, longest: int) -> None:
        self.longest = longest
        self.cut = 0
        self._held = b""
        self._counting: bool | None = None  # not known before the first message
        self._skip = 0  # octets of a counted message that are still to be skipped
        self._skip_line = False

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that end in this piece of the stream, without their framing; none is empty."""
        if self._skip:
            skipped = min(self._skip, len(data))
            self._skip -= skipped
            data = data[skipped:]
        if self._held:
            data = self._held + data
            self._held = b""
        if self._counting is None:
            data = data.lstrip(b"\r\n\0")
            if not data:
                return []
            if _COUNT.match(data):
                self._counting = True
            elif len(data) < 14 and _MAYBE_COUNT.fullmatch(data):
                self._held = data
                return []
            else:
                self._counting = False
        return self._counted(data) if self._counting else self._lines(data)

    def rest(self) -> list[bytes]:
        """What the stream ended in the middle of."""
        held, self._held = self._held, b""
        if self._counting and (count := _COUNT.match(held)):
            held = held[count.end() :]
            self.cut += 1
        held = held.strip(b"\r\n\0")
        return [held[: self.longest]] if held else []

    def _lines(self, data: bytes) -> list[bytes]:
        if b"\0" in data:
            data = data.replace(b"\0", b"\n")
        *lines, held = data.split(b"\n")
        if self._skip_line:
            if not lines:
                return []
            del lines[0]
            self._skip_line = False
        longest = self.longest
        found: list[bytes] = []
        for line in lines:
            if line.endswith(b"\r"):
                line = line[:-1]
            if len(line) > longest:
                self.cut += 1
                line = line[:longest]
            if line:
                found.append(line)
        if len(held) > longest:
            self.cut += 1
            found.append(held[:longest])
            self._skip_line = True
        else:
            self._held = held
        return found

    def _counted(self, data: bytes) -> list[bytes]:
        found: list[bytes] = []
        position, end, longest = 0, len(data), self.longest
        while position < end:
            count = _COUNT.match(data, position)
            if count is None:
                rest = data[position:].lstrip(b"\r\n\0")  # some senders count and end the line as well
                if _COUNT.match(rest) or (rest and not (len(rest) < 14 and _MAYBE_COUNT.fullmatch(rest))):
                    if _COUNT.match(rest):
                        position = end - len(rest)
                        continue
                    self._counting = False
                    return found + self._lines(rest)
                self._held = rest
                return found
            length, start = int(count[1]), count.end()
            if start + length <= end:
                message = data[start : start + length].rstrip(b"\r\n\0")
                if length > longest:
                    self.cut += 1
                    message = message[:longest]
                if message:
                    found.append(message)
                position = start + length
            elif length > longest and end - start >= longest:
                self.cut += 1
                found.append(data[start : start + longest])
                self._skip = start + length - end
                return found
            else:
                self._held = data[position:]
                return found
        return found
