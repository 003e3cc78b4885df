"""Names of MITRE ATT&CK as Microsoft Sentinel's rules and alerts spell them."""

from __future__ import annotations

import re
from collections.abc import Iterable

TACTICS = (
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
    "Impact",
    "PreAttack",
    "ImpairProcessControl",
    "InhibitResponseFunction",
)
"""In the order of the kill chain, the three older or industrial ones last (SecurityInsights, AttackTactic)."""

_BY_FOLDED = {tactic.casefold(): tactic for tactic in TACTICS}
_TECHNIQUE = re.compile(r"T\d{4}(\.\d{3})?", re.IGNORECASE)


def tactic_named(text: str) -> str | None:
    """The tactic's proper spelling, or None: ``Initial Access``, ``initial-access``, ``InitialAccess`` are one."""
    return _BY_FOLDED.get(re.sub(r"[\s_-]+", "", text).casefold())


def technique_named(text: str) -> str | None:
    """``T1078`` or ``T1078.004``, upper-cased; None when `text` is not of that form."""
    text = text.strip()
    return text.upper() if _TECHNIQUE.fullmatch(text) else None


def apart(techniques: Iterable[str], sub_techniques: Iterable[str] = ()) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Techniques and sub-techniques, as Microsoft Sentinel keeps them apart: ``T1078.004`` is a sub-technique, and names T1078.
    What is no technique's id stays where it was."""
    named: dict[str, None] = {}
    subs: dict[str, None] = {}
    for one, is_sub in [*((one, False) for one in techniques), *((one, True) for one in sub_techniques)]:
        known = technique_named(one)
        if known is None:
            (subs if is_sub else named)[one] = None
            continue
        named[known.partition(".")[0]] = None
        if "." in known:
            subs[known] = None
    return tuple(named), tuple(subs)


def stage(tactic: str) -> int:
    """Position in the kill chain, for sorting; unknown tactics come last."""
    return TACTICS.index(tactic) if tactic in TACTICS else len(TACTICS)
