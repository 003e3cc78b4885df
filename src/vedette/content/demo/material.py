"""What a demo is made of: files of log rows, rules, and the time as of which the rules are run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from vedette.core.errors import InvalidInput
from vedette.detect.attack import stage
from vedette.detect.reading.files import ReadRule, read_rules
from vedette.detect.reading.problems import ProblemSeverity, RuleProblem

CAMPAIGN: Final = Path(__file__).with_name("campaign")
"""The shipped campaign: a folder for each table."""
RULES: Final = Path(__file__).with_name("rules")
"""The shipped rules."""


@dataclass(frozen=True, slots=True)
class Material:
    """One demo. With `at` None its rows are moved in time, so that they end `margin` before now."""

    name: str
    files: tuple[Path, ...]
    rules: tuple[ReadRule, ...]
    period: timedelta
    """How far back the rules look, so that they see the whole campaign."""
    at: datetime | None = None
    margin: timedelta = timedelta(minutes=3)


def shipped() -> Material:
    """The campaign and the rules that ship with the product, the rules in the order of the kill chain."""
    files = tuple(sorted(CAMPAIGN.glob("*/*.jsonl.gz")))
    rules, problems = read_rules([RULES])
    refuse(problems)
    ordered = tuple(sorted(rules, key=lambda read: (min(map(stage, read.rule.tactics)), read.rule.name)))
    return Material("the campaign that ships with Vedette", files, ordered, timedelta(days=2))


def refuse(problems: list[RuleProblem]) -> None:
    """Raises `InvalidInput` for the first error among the findings."""
    for problem in problems:
        if problem.severity is ProblemSeverity.ERROR:
            message = problem.message[:1].upper() + problem.message[1:]
            raise InvalidInput(message, hint=problem.hint, file=problem.file, line=problem.line)
