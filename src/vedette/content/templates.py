"""The analytics rules that ship, as templates: whoever wants one adds it to a workspace, and it is a rule like any other then.

`rules/` has those for every workspace, `demo/rules/` those of the demo's campaign; each has its tests in the same file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from vedette.core.errors import not_found
from vedette.detect.reading.files import ReadRule, read_rules

RULES: Final = Path(__file__).with_name("rules")
_DEMO: Final = Path(__file__).with_name("demo") / "rules"


@dataclass(frozen=True, slots=True)
class RuleTemplate:
    """One rule that ships, and its file as text."""

    read: ReadRule
    text: str

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables that it asks."""
        return tuple(dict.fromkeys(name for one in self.read.rule.required_data_connectors for name in one.data_types))

    def to_dict(self) -> dict[str, Any]:
        """What a list shows of it."""
        rule = self.read.rule
        return {
            "id": rule.id, "name": rule.name, "kind": rule.kind.value, "severity": rule.severity.value,
            "description": " ".join(rule.description.split()), "tactics": list(rule.tactics),
            "techniques": [*rule.techniques, *rule.sub_techniques], "tables": list(self.tables), "version": rule.version,
            "tags": list(rule.tags), "file": Path(str(self.read.source.file)).name,
        }  # fmt: skip


@cache
def templates() -> Sequence[RuleTemplate]:
    """Every template, by name."""
    read, _ = read_rules([RULES, _DEMO])
    found = (RuleTemplate(one, Path(str(one.source.file)).read_text(encoding="utf-8")) for one in read)
    return tuple(sorted(found, key=lambda one: one.read.rule.name.casefold()))


def template(id_or_name: str) -> RuleTemplate:
    """The template of that id, or of that name in any case; `NotFound` names the nearest."""
    wanted = id_or_name.strip().casefold()
    for one in templates():
        if wanted in (one.read.rule.id.casefold(), one.read.rule.name.casefold()):
            return one
    raise not_found("rule template", id_or_name, [one.read.rule.name for one in templates()])
