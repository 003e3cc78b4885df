"""BSD syslog (RFC 3164) as real senders write it: with or without priority, year, host, tag or pid; ISO 8601 times; Cisco's forms.

What the form does not say for certain is left out: a word is a tag only when `:` or `[pid]` ends it, or the counters of a message in
segments follow it (Cisco ISE), and a host only when it follows a time. Everything else is the message, unchanged.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from vedette.collect.formats.timestamps import USUAL_ZONES, ZONES, Moments

TAG: Final = r"(?!\d+:\d)([\w./()%@*+#$~-]{1,128}+)(?:\[([^\]\s]{0,128}+)\]:?|:(?!//)|(?= \d{10} \d{1,3} \d{1,3} ))(?: |$|(?=\S))"
"""A tag and its pid, as an expression; a time of the day is none."""
# What most senders write; whatever is written differently is left to the expressions below.
# A word behind a time is one of the usual zones, or a host; before a colon it may be any zone, and before Cisco's `: %` any name at all.
_ZONES: Final = "|".join(sorted(name for name in USUAL_ZONES if len(name) > 2))
_ANY_ZONE: Final = "|".join(sorted(ZONES, key=len, reverse=True))
_ORIGIN: Final = r"[A-Za-z0-9][\w.-]{0,254}|[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{0,4}){2,7}?(?=: )"
_YEAR: Final = r"(?:19|20)\d\d"
_NO_HOST: Final = f"(?!(?:{_YEAR}|{_ZONES}|last|Message|Forwarded|From) )"
TIME_AND_HOST: Final = rf"([A-Z][a-z]{{2}} [ \d]\d \d\d:\d\d:\d\d) {_NO_HOST}([A-Za-z0-9_][\w.@-]{{0,254}}+) (?!: )"
COMMON: Final = f"{TIME_AND_HOST}(?:{TAG})?"
"""Time, host, tag and pid as most senders write them, as an expression."""
_COMMON: Final = re.compile(COMMON)
# `2204: edge1: *Mar  1 18:46:11.123 UTC: ` is Cisco IOS: a sequence number, an origin, another number, a mark of an unsynchronised
# clock; `2204: edge1 RP/0/RP0/CPU0:Mar  1 …` is IOS XR, with the node; `:Mar 01 10:00:00 UTC: ` is ASA's EMBLEM form, and
# `: 2026 Mar  1 10:00:00 UTC: ` is NX-OS.
# ArubaOS writes the year behind the time, and others a zone, RFC 3164's example both: a word like that is none if it can be the host
# before a tag.
_BSD: Final = re.compile(
    rf" *+:? *+(?:\d{{1,10}}: )?(?:(?!\d+: )({_ORIGIN})(?:: | (?=[A-Z]{{2}}/)| (?=\d{{1,10}}: )))?(?:\d{{1,10}}: )?"
    r"(?:[A-Z]{2}(?:/\w{1,8}){1,4}:)?"
    r"[*.]?(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? )?"
    r"(?:(\d{4}) )?([A-Za-z]{3}) {1,2}(\d{1,2})(?: (\d{4}))? (\d\d:\d\d:\d\d)([.,]\d{1,9})?"
    rf"(?: ({_YEAR})(?= \S))?(?: ((?:{_ANY_ZONE})(?=:)|[A-Z]{{1,8}}(?= ?: %)|(?:{_ZONES})(?= \S*[^\s:] )|[+-]\d\d:?\d\d(?=[: ])))?"
    rf"(?:(?<=[A-Z]) ({_YEAR})(?= \S))?(?=[: ]|$)(?: ?:)?(?: +|$)"
)
# IOS with its time since the start instead: `46: 1w2d: %LINK-3-UPDOWN: …`.
_UPTIME: Final = re.compile(
    rf" *+:? *+(?:\d{{1,10}}: )?(?:(?!\d+: )({_ORIGIN}): )?(?:\d{{1,10}}: )?"
    r"[*.]?(?:\d{1,4}[ywdh]\d{1,2}[wdhms]|\d\d:\d\d:\d\d(?:\.\d{1,6})?): (?=%)"
)
# Also 2026/03/01 10:00:00, and 2026:03:01-10:00:00 as Sophos UTM writes it; a zone may stand apart.
_ISO: Final = re.compile(
    r" *(\d{4}(?:-\d\d-|/\d\d/|:\d\d:)\d\d)(?:[T ]|(?<=:\d\d)-)(\d\d:\d\d:\d\d)([.,]\d{1,9})?"
    rf"(Z(?=[+-]00)|Z|[+-]\d\d(?::?\d\d)?| [+-]\d\d:?\d\d(?= )| (?:{_ZONES})(?= \S*[^\s:] ))?"
    r"(?:[+-]00(?::?00)?)?:?(?: +|$)"
)
_HOST: Final = re.compile(
    r"(?:\[(?=[0-9A-Fa-f.]*:)([0-9A-Fa-f:.]{2,45})\](?= )"
    r"|([0-9A-Fa-f:]{2,45}%[\w.-]{1,32}|(?:[0-9A-Fa-f]{1,4}:){1,7}:(?= )|[\w:][\w.:@-]{0,254}(?<!:)))(?: |$)(?:: )?"
)
# AIX names the host that a message is forwarded for; syslogd says that it leaves out what came again, without a host.
_FORWARDED: Final = re.compile(r"(?:(?:Message f|F)orwarded from|From) ([A-Za-z0-9][\w.:-]{0,254}): ?")
_REPEATED: Final = re.compile(r"last message repeated \d+ times?\b")
_TAG: Final = re.compile(TAG)


class Bsd(NamedTuple):
    """The parts of a message after its priority; None is what is not there. `time` is ISO 8601 text in UTC."""

    time: str | None
    host: str | None
    tag: str | None
    pid: str | None
    message: str


def parse(text: str, moments: Moments, *, tagged: bool = True) -> Bsd:
    """Reads what follows `<priority>`; never fails: what has no form is a message.

    `tagged` says whether a tag is looked for where there is no time (only a priority makes that likely).
    """
    if (common := _COMMON.match(text)) is not None:
        stamp, host, tag, pid = common.groups()
        if (time := moments.stamp(stamp)) is not None:
            return Bsd(time, host, tag, pid, text[common.end() :])
    time = host = None
    found = _BSD.match(text)
    if found is not None:
        host, before, month, day, within, clock, fraction, behind, zone, last = found.groups()
        time = moments.bsd(month, day, before or within or behind or last, clock, fraction, zone)
    else:
        found = _ISO.match(text)
        if found is not None:
            day, clock, fraction, zone = found.groups()
            time = moments.iso(day, clock, fraction, zone and zone.strip())
    if found is None or time is None:
        if (started := _UPTIME.match(text)) is not None and (word := _TAG.match(text, started.end())) is not None:
            return Bsd(None, started[1], word[1], word[2], text[word.end() :])
        if tagged and (word := _TAG.match(text)) is not None:
            return Bsd(None, None, word[1], word[2], text[word.end() :])
        return Bsd(None, None, None, None, text)
    position = found.end()
    if _REPEATED.match(text, position) is not None:
        return Bsd(time, host, None, None, text[position:])
    if (word := _FORWARDED.match(text, position)) is not None:
        host = word[1]
        position = word.end()
    elif host is None and (word := _HOST.match(text, position)) is not None:
        host = word[1] or word[2]
        position = word.end()
    if (word := _TAG.match(text, position)) is not None:
        return Bsd(time, host, word[1], word[2], text[word.end() :])
    return Bsd(time, host, None, None, text[position:])
