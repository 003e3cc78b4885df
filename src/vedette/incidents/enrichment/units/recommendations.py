"""The recommendations of Defender for Cloud that are open for the resources of an incident, as its page "Take action" has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from vedette.core.roles import Permission
from vedette.detect.entities.entity import Entity, resolved
from vedette.engine.query import Limits
from vedette.incidents.enrichment.contract import Fact, Found, Subject, Workbench
from vedette.incidents.investigation import take_action


class Recommendations:
    """The enrichment `recommendations`."""

    id: Final = "recommendations"
    title: Final = "Open recommendations"
    kinds: Final = frozenset({"AzureResource", "Host"})
    right: Final = Permission.QUERY
    rows: Final = 50
    bytes: Final = 32 * 1024

    def look_up(self, subject: Subject, bench: Workbench) -> Found:
        """Asks for those of what is affected, inside of it, and around it."""
        if take_action.TABLE not in bench.tables:
            return Found(reason=f"The workspace has no rows in {take_action.TABLE}.")
        resources = take_action.resources_of(subject.entities.values(), subject.alerts)
        if not resources:
            return Found(reason="Too little is known of its entities.")
        limits = Limits(rows=1000, seconds=min(5.0, bench.seconds))
        result = bench.logs.query(take_action.query(resources), now=bench.clock.now(), limits=limits)
        listed = take_action.recommendations(result, resources)
        facts = [
            Fact(
                _about(subject.entities, one["resource"]["id"]), one["title"],
                {
                    "Severity": one["severity"], "Resource": one["resource"]["name"], "Concerns": one["concerns"],
                    "Since": one["since"], "Link": one["link"],
                },
            )
            for one in listed
        ]  # fmt: skip
        return Found(facts[: self.rows], len(facts) > self.rows or len(result.rows) > len(listed))


def _about(entities: Mapping[str, Entity], resource: str) -> str | None:
    """The entity that a resource is, is inside of, or is around, the nearest first; None where rows of alerts alone name it."""
    wanted = resource.strip("/").casefold()
    best: tuple[int, str] | None = None
    for identity, entity in entities.items():
        known: dict[str, Any] = resolved(entity)
        name = known.get("ResourceId") or known.get("AzureID") or ""
        own = name.strip("/").casefold()
        if own and (own == wanted or wanted.startswith(f"{own}/") or own.startswith(f"{wanted}/")):
            distance = abs(len(own) - len(wanted))
        elif entity.type == "Host" and not own and known.get("HostName", "").casefold() == wanted.rpartition("/")[2]:
            distance = len(wanted)
        else:
            continue
        if best is None or distance < best[0]:
            best = (distance, identity)
    return None if best is None else best[1]
