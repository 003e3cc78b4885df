"""Two answers to one text: whether they agree, and if not, the kind of the difference."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from tests.oracle.microsoft import Answer

_COMMENT = re.compile(r"//[^\n]*")
REVIEWED = Path(__file__).with_name("reviewed.toml")


@dataclass(frozen=True)
class Difference:
    """One difference; `kind` is alike for all that have one cause."""

    kind: str
    detail: str


def compare(theirs: Answer, ours: Answer, text: str) -> Difference | None:
    """The first difference between Microsoft's answer and this side's, or None.

    Faults of syntax hide what a binder would say, so that where there are any only the first of them is compared. Where
    Microsoft reports several codes at one place, one of them has to be this side's first. Two places are one when only
    blanks lie between them: what is missing is reported after the word before or at the word that follows.
    """
    units = text.encode("utf-16-le")

    def same(one: int, other: int) -> bool:
        between = units[2 * min(one, other) : 2 * max(one, other)].decode("utf-16-le", "replace")
        return _COMMENT.sub("", between).strip() == ""

    if theirs.findings and ours.findings:
        first, own = theirs.findings[0], ours.findings[0]
        if same(own.start, first.start) and own.code in {f.code for f in theirs.findings if same(f.start, first.start)}:
            return None
    faults = [finding for finding in theirs.findings if finding.syntax]
    own_faults = [finding for finding in ours.findings if finding.syntax]
    form = "syntax" if faults or own_faults else "binding"
    expected = (faults or []) if form == "syntax" else list(theirs.findings)
    found = own_faults if form == "syntax" else list(ours.findings)
    if not expected and not found:
        # what a faulty text would give is a guess on both sides
        return _columns(theirs, ours)
    if not found:
        first = expected[0]
        return Difference(f"{form}: {first.code} missing", f"{first.start}: {first.message}")
    own = found[0]
    if not expected:
        return Difference(f"{form}: {own.code} unexpected", f"{own.start}: {own.message}")
    first = expected[0]
    where = f"{first.code} at {first.start}, not {own.code} at {own.start}: {own.message}"
    if not same(own.start, first.start):
        return Difference(f"{form}: place of {first.code}, {own.code}", where)
    if own.code not in {finding.code for finding in expected if same(finding.start, first.start)}:
        return Difference(f"{form}: code {first.code}, {own.code}", where)
    return None


def _columns(theirs: Answer, ours: Answer) -> Difference | None:
    expected, found = theirs.columns or (), ours.columns or ()
    if expected == found:
        return None
    if not expected or not found:
        return Difference("columns: " + ("none expected" if found else "none found"), f"{expected[:5]} | {found[:5]}")
    for mine, other in zip(found, expected, strict=False):
        if mine[0] != other[0]:
            return Difference("columns: names", f"{other} | {mine}")
        if mine[1] != other[1]:
            return Difference(f"columns: type {other[1]}, {mine[1]}", f"{other} | {mine}")
    return Difference("columns: count", f"{len(expected)} | {len(found)}")


@dataclass(frozen=True)
class Reviewed:
    """The differences that were looked at and are right, or known."""

    patterns: tuple[tuple[re.Pattern[str], re.Pattern[str], str], ...]
    """What is searched in "kind | detail", what in the text, and the reason."""
    shares: dict[str, float]
    """The share of each material that must agree once these are set aside."""

    def reason(self, difference: Difference, text: str) -> str | None:
        """Why a difference in what is said of a text is accepted, or None."""
        said = f"{difference.kind} | {difference.detail}"
        found = (reason for pattern, within, reason in self.patterns if pattern.search(said) and within.search(text))
        return next(found, None)


def reviewed() -> Reviewed:
    """The reviewed differences of `reviewed.toml`."""
    data = tomllib.loads(REVIEWED.read_text(encoding="utf-8"))
    patterns = tuple(
        (re.compile(entry["pattern"]), re.compile(entry.get("text", "")), str(entry["reason"]))
        for entry in data["difference"]
    )
    return Reviewed(patterns, {name: float(share) for name, share in data["shares"].items()})


@dataclass(frozen=True)
class ReviewedCases:
    """Single cases whose recorded answer is not this side's, and why."""

    entries: tuple[tuple[frozenset[str], re.Pattern[str] | None, str], ...]

    def explains(self, identity: str, what: str) -> str | None:
        """Why the case differs, or None. A pattern looks at what this side says, ids name single cases."""
        for ids, pattern, reason in self.entries:
            if identity in ids or (pattern is not None and pattern.search(what)):
                return reason
        return None

    def reasons(self) -> list[str]:
        """All reasons."""
        return [reason for _, _, reason in self.entries]


def reviewed_cases(material: str) -> ReviewedCases:
    """The reviewed cases of `reviewed.toml`."""
    data = tomllib.loads(REVIEWED.read_text(encoding="utf-8"))
    return ReviewedCases(
        tuple(
            (
                frozenset(entry.get("ids", ())),
                re.compile(entry["pattern"]) if "pattern" in entry else None,
                str(entry["reason"]),
            )
            for entry in data["case"]
            if entry["material"] == material
        )
    )
