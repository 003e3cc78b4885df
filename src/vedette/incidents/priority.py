"""An incident's priority: a number from 0 to 100, and the parts that it is the sum of, each with its reason.

The parts are what an analyst would look at first: how severe the rule says it is, how far along the kill chain, what the
entities are worth (watchlists), how seldom this happens, what became of the rule's past incidents, and whether other rules
have something about the same entities. Nothing in it is hidden: what counted, and how much, is in the parts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

MOST: Final[Mapping[str, int]] = {
    "severity": 18,
    "stage": 10,
    "entities": 18,
    "rarity": 22,
    "verdicts": 12,
    "company": 20,
}
"""The most points that each part gives; together 100."""

LEAST: Final = -30
"""What the verdicts take away from an incident whose rule was always wrong: its severity then says little."""

_FOLLOWING: Final = 0.25
"""What an incident that came right after another of its rule counts of one that came by itself, for how rare the rule is."""

_SEVERITIES: Final = {"High": 18.0, "Medium": 11.0, "Low": 4.0, "Informational": 1.0}

STAGES: Final = (
    "PreAttack",
    "Reconnaissance",
    "ResourceDevelopment",
    "InitialAccess",
    "Execution",
    "Persistence",
    "PrivilegeEscalation",
    "DefenseEvasion",
    "CredentialAccess",
    "Discovery",
    "LateralMovement",
    "Collection",
    "CommandAndControl",
    "Exfiltration",
    "ImpairProcessControl",
    "InhibitResponseFunction",
    "Impact",
)
"""The tactics in the order of the kill chain (ATT&CK, with the two of industrial control systems)."""


@dataclass(frozen=True, slots=True)
class Verdicts:
    """How the past incidents of a rule were closed."""

    true: int = 0
    benign: int = 0
    false: int = 0

    @property
    def total(self) -> int:
        """Closed with a verdict."""
        return self.true + self.benign + self.false


@dataclass(frozen=True, slots=True)
class Company:
    """Another rule with an incident about the same entity: what makes it more than chance that both are there."""

    tactics: Sequence[str]
    share: float
    """The part of the latest incidents that the rule made."""
    entity_incidents: int
    """Incidents that the rarest entity which both share is in, without this one."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known when an incident is weighed."""

    severity: str
    tactics: Sequence[str]
    valued: Sequence[tuple[str, str, int]] = ()
    """Entities on watchlists: name, the watchlist's alias, points."""
    rule_incidents: int = 1
    """Incidents of its commonest rule among the latest, itself included."""
    rule_following: int = 0
    """Those of them that came right after another of the rule, as those of one run do."""
    latest_incidents: int = 1
    """How many incidents are 'the latest'."""
    entity_incidents: int | None = None
    """Other incidents among the latest that the commonest of its accounts and hosts (or else of its entities) is in; None
    where it has no entity."""
    verdicts: Verdicts = Verdicts()
    other_rules: Mapping[str, Company] = field(default_factory=dict)
    """Other rules with incidents about the same entities in the same days."""
    shared: Sequence[str] = ()
    """The names of those entities."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the number: its points, the most that it could be, and why."""

    name: str
    points: float
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """As it is kept and shown."""
        return {"name": self.name, "points": round(self.points, 1), "of": MOST[self.name], "reason": self.reason}


def weigh(facts: Facts) -> tuple[int, list[Part]]:
    """The priority and its parts, in their order. The same for the same facts."""
    parts = [_severity(facts), _stage(facts), _entities(facts), _rarity(facts), _verdicts(facts), _company(facts)]
    return max(0, round(sum(part.points for part in parts))), parts


def _severity(facts: Facts) -> Part:
    return Part("severity", _SEVERITIES.get(facts.severity, 1.0), f"Its severity is {facts.severity}.")


def _stage(facts: Facts) -> Part:
    known = sorted({tactic for tactic in facts.tactics if tactic in STAGES}, key=STAGES.index)
    if not known:
        return Part("stage", 2.0, "Its rules name no tactic.")
    furthest = known[-1]
    points = 2.0 + 5.0 * STAGES.index(furthest) / (len(STAGES) - 1) + min(3.0, 1.5 * (len(known) - 1))
    more = f", over {len(known)} tactics" if len(known) > 1 else ""
    return Part("stage", points, f"It reaches {furthest}, stage {STAGES.index(furthest) + 1} of {len(STAGES)}{more}.")


def _entities(facts: Facts) -> Part:
    if not facts.valued:
        return Part("entities", 0.0, "None of its entities is on a watchlist that tells their value.")
    ranked = sorted(facts.valued, key=lambda one: (-one[2], one[0], one[1]))
    points = min(float(MOST["entities"]), ranked[0][2] + 1.5 * (len({name for name, _, _ in ranked}) - 1))
    shown = "; ".join(f"{name} is on {alias}" for name, alias, _ in ranked[:3])
    more = f"; and {len(ranked) - 3} more" if len(ranked) > 3 else ""
    return Part("entities", points, f"{shown}{more}.")


def _rarity(facts: Facts) -> Part:
    # What is found on several hosts at once is hardly less rare than what is found on one; an incident for each of a hundred is.
    times = facts.rule_incidents - (1.0 - _FOLLOWING) * facts.rule_following
    share = times / max(1, facts.latest_incidents)
    # A rule that makes five of a thousand incidents gives half of its points; among few incidents nothing is rare yet.
    rule = 13.0 / (1.0 + share / 0.005) if facts.latest_incidents >= 100 else 6.5
    reason = f"Its rule made {facts.rule_incidents} of the latest {facts.latest_incidents} incidents"
    if facts.rule_following:
        reason += f", {facts.rule_following} of them right after another"
    if facts.entity_incidents is None:
        return Part("rarity", rule + 1.0, f"{reason}.")
    entity = 9.0 / (1.0 + facts.entity_incidents / 2.0)
    few = {0: "no other incident", 1: "one other incident"}
    said = few.get(facts.entity_incidents, f"{facts.entity_incidents} other incidents")
    return Part("rarity", rule + entity, f"{reason}; the commonest of its accounts and hosts is in {said}.")


def _verdicts(facts: Facts) -> Part:
    found = facts.verdicts
    if not found.total:
        reason = "None of its rules' incidents has been closed with a verdict."
        return Part("verdicts", MOST["verdicts"] / 2, reason)
    share = found.true / found.total
    # Few verdicts move it little: it goes from the middle towards what the share says, half of the way after three.
    said, middle = LEAST + (MOST["verdicts"] - LEAST) * min(1.0, 2.0 * share), MOST["verdicts"] / 2
    points = middle + (said - middle) * found.total / (found.total + 3.0)
    reason = f"Of {found.total} closed incidents of its rules, {found.true} were true positives"
    return Part("verdicts", points, f"{reason}, {found.benign} benign, {found.false} false.")


def _company(facts: Facts) -> Part:
    if not facts.other_rules:
        return Part("company", 0.0, "No other rule has an incident about its entities in these days.")
    points = 0.0
    for other in facts.other_rules.values():
        # A rule that is everywhere, or an entity that is, meets others by chance.
        further = 1.0 if set(other.tactics) - set(facts.tactics) else 0.0
        points += (10.0 + 2.0 * further) / (1.0 + other.share / 0.005) / (1.0 + (other.entity_incidents - 1) / 2.0)
    points = min(float(MOST["company"]), points)
    tactics = {tactic for other in facts.other_rules.values() for tactic in other.tactics} - set(facts.tactics)
    rules = len(facts.other_rules)
    named = ", ".join(list(facts.shared)[:2])
    about = f" about {named}" if named else ""
    stages = f", with {len(tactics)} other tactics" if tactics else ""
    return Part("company", points, f"{rules} other rule{'s have' if rules > 1 else ' has'} incidents{about}{stages}.")
