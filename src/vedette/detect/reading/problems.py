"""What is wrong with a rule file: one clear sentence with file, line and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ProblemSeverity(StrEnum):
    """An error keeps the rule out; a warning comes with a rule that was read."""

    ERROR = "Error"
    WARNING = "Warning"


@dataclass(frozen=True, slots=True)
class RuleProblem:
    """One finding in one file. `line` is 1-based; `rule` is the rule's name or id where it is known."""

    file: str
    line: int | None
    message: str
    hint: str | None = None
    rule: str | None = None
    severity: ProblemSeverity = ProblemSeverity.ERROR
    code: str | None = None
    """The code of `vedette rules lint` where it has one of its own for this."""

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.message}{f' {self.hint}' if self.hint else ''}"

    def to_dict(self) -> dict[str, object]:
        """The finding as JSON, without what is not known."""
        known: dict[str, object | None] = {
            "severity": self.severity.value,
            "file": self.file,
            "line": self.line,
            "rule": self.rule,
            "message": self.message,
            "hint": self.hint,
            "code": self.code,
        }
        return {name: value for name, value in known.items() if value is not None}


class UnreadableDocument(Exception):
    """A document that cannot be read at all; carries the line and the sentence for its `RuleProblem`."""

    def __init__(self, message: str, line: int | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.hint = hint
