"""The description of a delivered incident: what is known of the run, in at most 5,000 characters, as Sentinel takes it."""

from __future__ import annotations

import re
from typing import Final

from vedette.deliver.detection import DetectionRun
from vedette.detect.alerts.alert import Exhaustiveness

MAX_LENGTH: Final = 5000
"""Characters that a description may have (service limits of Microsoft Sentinel), counted in UTF-16 units as .NET does."""

_MAX_NAME: Final = 400
_MAX_ID: Final = 256
_ELLIPSIS: Final = "…"
_BREAK: Final = "\n\n"
_IDENTITY: Final = re.compile(r"^(Detection ID|Run ID): (.*?)\s*$", re.MULTILINE)


def describe(run: DetectionRun) -> str:
    """The description: facts about the run, the detection's own description, the replay link, error messages.

    Where it would be too long, the detection's own words and then error messages lose their ends; facts and the replay
    link always stay.
    """
    known = "\n".join(f"{label}: {value}" for label, value in facts(run))
    replay = f"Replay: {run.replay_link}"
    words = run.description.strip()
    about = f"Description:\n{words}" if words else ""
    errors = "\n".join(["Errors:", *(f"- {one_line(error)}" for error in run.errors)]) if run.errors else ""
    room = MAX_LENGTH - _length(known) - _length(_BREAK) - _length(replay)
    room -= sum(_length(_BREAK) for part in (about, errors) if part)
    # What the rule says can be read in the rule; what went wrong is told here alone, and so gets half at least.
    errors = cut(errors, max(room // 2, room - _length(about)))
    about = cut(about, room - _length(errors))
    return _BREAK.join(part for part in (known, about, replay, errors) if part)


def identity_of(description: str | None) -> tuple[str, str] | None:
    """(detection id, run id) that a description names, or None: whether an incident that is there already is ours."""
    found: dict[str, str] = {}
    for name, value in _IDENTITY.findall(description or ""):
        found.setdefault(name, value)  # the facts come first: nothing below them can pretend to be one
    if "Detection ID" not in found or "Run ID" not in found:
        return None
    return found["Detection ID"], found["Run ID"]


def is_of_run(description: str | None, run: DetectionRun) -> bool:
    """Whether a description is that of this run."""
    return identity_of(description) == (_identifier(run.detection_id), _identifier(run.run_id))


def facts(run: DetectionRun) -> list[tuple[str, str]]:
    """What is known of the run, as labels and values of one line each."""
    partial = run.exhaustiveness is Exhaustiveness.PARTIAL
    found = [
        ("Detection", cut(one_line(run.name), _MAX_NAME)),
        ("Severity", str(run.severity)),
        ("Outcome", str(run.outcome)),
        ("Match count", f"{'at least ' if partial else ''}{run.match_count}"),
        ("Run type", str(run.run_type)),
        (
            "Threshold",
            f"operator {run.threshold.operator.short}, value {run.threshold.value}, "
            f"eagerness {run.threshold.eagerness.value.upper()}",
        ),
        ("Exhaustiveness", str(run.exhaustiveness)),
    ]
    if run.search_id:
        found.append(("Search ID", _identifier(run.search_id)))
    if run.trace_id:
        found.append(("Trace ID", _identifier(run.trace_id)))
    return [*found, ("Detection ID", _identifier(run.detection_id)), ("Run ID", _identifier(run.run_id))]


def one_line(text: str) -> str:
    """The text on one line: what comes out of rules and logs must not be able to write lines of its own."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _identifier(text: str) -> str:
    return cut(one_line(text), _MAX_ID)


def _length(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, room: int) -> str:
    """The text within that many UTF-16 units, with an ellipsis where its end is missing."""
    if _length(text) <= room:
        return text
    if room < 1:
        return ""
    kept, used = [], _length(_ELLIPSIS)
    for character in text:
        used += 2 if ord(character) > 0xFFFF else 1
        if used > room:
            break
        kept.append(character)
    return "".join(kept).rstrip() + _ELLIPSIS
