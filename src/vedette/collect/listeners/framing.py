"""Where one message ends and the next begins in a stream of syslog (RFC 6587; RFC 5425 has octet counting only).

A message that begins with its length (`57 <34>…`) counts octets; any other ends with LF (CR LF) or NUL. A relay may send both on one
connection, so that each message tells for itself.
"""

from __future__ import annotations

import re
from typing import Final

from vedette.collect.formats.lines import cut_line

_COUNT: Final = re.compile(rb"([1-9]\d{0,7}) (?=<|CEF:)")
_AT_SIGN: Final = re.compile(rb"[\n\0]")
_AT_ONCE: Final = 200
"""Lines that are cut off at once: who changes the framing with every message must not make each of them cost the whole rest."""
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
        found: list[bytes] = []
        while data:
            data = self._counted(data, found) if self._counting else self._lines(data, found)
        return found

    def rest(self, *, cut: bool = False) -> list[bytes]:
        """What the stream ended in the middle of; `cut`: it did not end by itself, so that a line without its end is not whole."""
        held, self._held = self._held, b""
        cut = cut and bool(held.strip(b"\r\n\0"))
        self.cut += cut
        if self._counting and (count := _COUNT.match(held)):
            held = held[count.end() :]
            self.cut += not cut
            cut = True
        held = held.strip(b"\r\n\0")
        return [cut_line(held, self.longest) if cut or len(held) > self.longest else held] if held else []

    def _lines(self, data: bytes, found: list[bytes]) -> bytes:
        """Takes messages that a sign ends; what is left where one follows that counts its octets."""
        *lines, held = data.split(b"\n", _AT_ONCE) if b"\0" not in data else _AT_SIGN.split(data, _AT_ONCE)
        more = len(lines) == _AT_ONCE
        if self._skip_line:
            if not lines:
                return b""
            del lines[0]
            self._skip_line = False
        longest = self.longest
        for place, line in enumerate(lines):
            if not line:
                continue
            if 48 < line[0] < 58 and _COUNT.match(line):
                self._counting = True
                return b"\n".join([*lines[place:], held])
            if line.endswith(b"\r"):
                line = line[:-1]
            if len(line) > longest:
                self.cut += 1
                line = cut_line(line, longest)
            if line:
                found.append(line)
        if more:
            return held
        if held and 48 < held[0] < 58 and _COUNT.match(held):
            self._counting = True
            return held
        if len(held) > longest:
            self.cut += 1
            found.append(cut_line(held, longest))
            self._skip_line = True
        else:
            self._held = held
        return b""

    def _counted(self, data: bytes, found: list[bytes]) -> bytes:
        """Takes messages that count their octets; what is left where one follows that does not."""
        position, end, longest = 0, len(data), self.longest
        while position < end:
            count = _COUNT.match(data, position)
            if count is None:
                rest = data[position:].lstrip(b"\r\n\0")  # some senders count and end the line as well
                if _COUNT.match(rest):
                    position = end - len(rest)
                    continue
                if rest and not (len(rest) < 14 and _MAYBE_COUNT.fullmatch(rest)):
                    self._counting = False
                    return rest
                self._held = rest
                return b""
            length, start = int(count[1]), count.end()
            if start + length <= end:
                message = data[start : start + length].rstrip(b"\r\n\0")
                if length > longest:
                    self.cut += 1
                    message = cut_line(message, longest)
                if message:
                    found.append(message)
                position = start + length
            elif length > longest and end - start >= longest:
                self.cut += 1
                found.append(cut_line(data[start:], longest))
                self._skip = start + length - end
                return b""
            else:
                self._held = data[position:]
                return b""
        return b""
