"""The story of a campaign: where it started, its stages and what leads from one to the next, and what it reached.

As a title, as plain text, and as fields. The same signals always tell the same story.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from vedette.detect.correlation.linking import Linked, Thing
from vedette.detect.correlation.signals import KILL_CHAIN, Signal
from vedette.detect.correlation.stages import Chain
from vedette.detect.rule import Severity

TITLE: Final = "Possible multistage attack activities detected by Fusion"
SIGNALS_TOLD: Final = 150
"""Signals of which more is told than their ids: as many as an incident has alerts."""
_IDS: Final = 2_000
_RESOURCES: Final = ("AzureResource", "Host", "Mailbox", "CloudApplication", "IoTDevice", "SecurityGroup", "Account")
"""Types of what an attack has an impact on, in the order in which they are told; the others are its means."""
_NAMES_TOLD: Final = 5


def titled(chain: Chain) -> str:
    """Sentinel's title, and what leads to what."""
    first, last = chain[0][1].title, chain[-1][1].title
    return f"{TITLE}: {_cut(first)} leading to {_cut(last)}"


def told(linked: Linked, places: Sequence[int], chain: Chain) -> dict[str, Any]:
    """The story as fields."""
    signals = [linked.signals[place] for place in places]
    staged = [place for place in places if linked.signals[place].stages]
    shown = _shown(signals, chain)
    start = staged[0]
    counted = Counter("context" if not one.stages else one.kind.casefold() for one in signals)
    return {
        "id": linked.signals[start].id,
        "firstActivityTimeUtc": signals[0].first,
        "lastActivityTimeUtc": max(signal.last for signal in signals),
        "alerts": counted["alert"],
        "contextualSignals": len(signals) - counted["alert"],
        "severities": _by_severity(signals),
        "products": sorted({signal.product for signal in signals if signal.product}),
        "start": _event(linked, start) | {"tactics": list(linked.signals[start].tactics)},
        "stages": _stages(linked, staged, chain),
        "impact": _impact(linked, staged, chain),
        "signals": [_signal(signal) for signal in shown],
        "signalIds": list(dict.fromkeys(signal.id for signal in [*shown, *signals]))[:_IDS],
    }


def _shown(signals: Sequence[Signal], chain: Chain) -> list[Signal]:
    """At most so many signals, those that show the stages for certain, in their order."""
    sure = {signal.id for _, signal in chain}
    most = SIGNALS_TOLD - len(sure)
    rest = {signal.id for signal in [one for one in signals if one.id not in sure][:most]}
    return [signal for signal in signals if signal.id in sure or signal.id in rest]


def _signal(signal: Signal) -> dict[str, Any]:
    return {
        "id": signal.id, "kind": signal.kind, "title": signal.title, "product": signal.product,
        "severity": signal.severity.value, "tactics": list(signal.tactics), "techniques": list(signal.techniques),
        "firstActivityTimeUtc": signal.first, "lastActivityTimeUtc": signal.last,
    }  # fmt: skip


def _event(linked: Linked, place: int) -> dict[str, Any]:
    signal = linked.signals[place]
    return {
        "signalId": signal.id, "title": signal.title, "product": signal.product, "severity": signal.severity.value,
        "timeUtc": signal.first, "entities": _names(linked.things_of(place)),
    }  # fmt: skip


def _names(things: Iterable[Thing]) -> list[dict[str, str]]:
    return [{"type": thing.type, "name": thing.name} for thing in things]


def _stages(linked: Linked, staged: Sequence[int], chain: Chain) -> list[dict[str, Any]]:
    """Each stage in the order of the kill chain: its first signal, the number of them, and what links it to the signal before."""
    sure = {signal.id: stage for stage, signal in chain}
    by_stage: dict[int, list[int]] = {}
    for place in staged:
        signal = linked.signals[place]
        by_stage.setdefault(sure.get(signal.id, min(signal.stages)), []).append(place)
    stages = []
    for stage in sorted(by_stage):
        # the signal of the chain stands for its stage
        first = next((one for one in by_stage[stage] if linked.signals[one].id in sure), by_stage[stage][0])
        entry: dict[str, Any] = {"tactic": KILL_CHAIN[stage], **_event(linked, first), "signals": len(by_stage[stage])}
        before = _before(linked, staged, first)
        if before is not None:
            entry["linkedTo"] = linked.signals[before].id
            entry["linkedToTitle"] = linked.signals[before].title
            entry["linkedBy"] = _names(linked.shared(first, [before]))
        stages.append(entry)
    return stages


def _before(linked: Linked, staged: Sequence[int], place: int) -> int | None:
    """The signal that one follows from: the latest before it with something in common that links; else the next after it.

    The first of all follows from none.
    """
    if place == staged[0]:
        return None
    at = staged.index(place)
    for other in [*reversed(staged[:at]), *staged[at + 1 :]]:
        if linked.shared(place, [other]):
            return other
    return None


def _impact(linked: Linked, staged: Sequence[int], chain: Chain) -> dict[str, Any]:
    """How far the attack came, and the resources that its signals name: those of the latest stages first."""
    furthest: dict[int, int] = {}
    count: Counter[int] = Counter()
    for place in staged:
        for thing in linked.things_of(place):
            if thing.type in _RESOURCES:
                count[thing.number] += 1
                furthest[thing.number] = max(furthest.get(thing.number, 0), *linked.signals[place].stages)
    order = sorted(
        furthest,
        key=lambda one: (
            -furthest[one],
            _RESOURCES.index(linked.things[one].type),
            -count[one],
            linked.things[one].name,
        ),
    )
    resources = [
        {**_names([linked.things[one]])[0], "tactic": KILL_CHAIN[furthest[one]], "signals": count[one]} for one in order
    ]
    return {"tactic": KILL_CHAIN[chain[-1][0]], "resources": resources[:SIGNALS_TOLD], "count": len(resources)}


def _by_severity(signals: Sequence[Signal]) -> dict[str, int]:
    counted = Counter(signal.severity for signal in signals)
    return {severity.value: counted[severity] for severity in Severity if counted[severity]}


def described(story: Mapping[str, Any], most: int) -> str:
    """The story as plain text of at most so many characters; stages in the middle are left out before the end is."""
    stages = story["stages"]
    head, tail = _head(story), _tail(story)
    lines = [f"{number}. {_stage(stage)}" for number, stage in enumerate(stages, 1)]
    while True:
        left_out = len(stages) - len(lines)
        more = [f"… {left_out} further stages …"] if left_out else []
        middle = len(lines) // 2 + len(lines) % 2
        text = "\n".join([*head, *lines[:middle], *more, *lines[middle:], "", *tail])
        if len(text) <= most or not lines:
            return text if len(text) <= most else text[: most - 1] + "…"
        del lines[middle - 1]


def _head(story: Mapping[str, Any]) -> list[str]:
    start = story["start"]
    signals = _count(story["alerts"], "alert")
    if story["contextualSignals"]:
        signals += f" and {_count(story['contextualSignals'], 'contextual signal')}"
    severities = ", ".join(f"{number:,} {severity}" for severity, number in story["severities"].items())
    products = f" from {_listed(story['products'])}" if story["products"] else ""
    stages = _count(len(story["stages"]), "stage")
    return [
        f"{signals}{products} ({severities}) are {stages} of the kill chain in one campaign, from "
        f"{_minute(story['firstActivityTimeUtc'])} to {_minute(story['lastActivityTimeUtc'])} UTC.",
        "",
        f"Where it started: {_cut(start['title'])} at {_minute(start['timeUtc'])} UTC{_about(start['entities'])}.",
        "",
        "Stages:",
    ]


def _stage(stage: Mapping[str, Any]) -> str:
    more = f" and {_count(stage['signals'] - 1, 'more signal')}" if stage["signals"] > 1 else ""
    linked = ""
    if stage.get("linkedBy"):
        linked = f"; linked to '{_cut(stage['linkedToTitle'])}' by {_listed(map(_name, stage['linkedBy']))}"
    said = f"{_cut(stage['title'])} ({stage['severity']})"
    return (
        f"{_spaced(stage['tactic'])}, {_minute(stage['timeUtc'])} UTC: {said}{more}{_about(stage['entities'])}{linked}."
    )


def _tail(story: Mapping[str, Any]) -> list[str]:
    impact = story["impact"]
    resources = _listed((_name(one) for one in impact["resources"]), impact["count"])
    return [f"Impact: the attack reached {_spaced(impact['tactic'])}{f', on {resources}' if resources else ''}."]


def _about(entities: Sequence[Mapping[str, str]]) -> str:
    return f", {_listed(map(_name, entities))}" if entities else ""


def _name(entity: Mapping[str, str]) -> str:
    kind = entity["type"] if entity["type"].isupper() else _spaced(entity["type"]).lower().replace("azure", "Azure")
    name = entity["name"]
    if entity["type"] == "AzureResource" and "/providers/" in name.casefold():  # the id has all else, and is long
        name = name.rstrip("/").rpartition("/")[2]
    return f"{kind} {_cut(name)}"


def _listed(names: Iterable[str], count: int | None = None) -> str:
    some = list(names)
    more = (len(some) if count is None else count) - len(some[:_NAMES_TOLD])
    shown = some[:_NAMES_TOLD]
    if more > 0:
        return f"{', '.join(shown)} and {more:,} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _minute(moment: str) -> str:
    return moment[:16].replace("T", " ")


def _cut(text: str) -> str:
    return text if len(text) <= 100 else text[:99] + "…"


def _spaced(words: str) -> str:
    """``InitialAccess`` → ``Initial Access``."""
    return "".join(
        f" {one}" if one.isupper() and at and words[at - 1].islower() else one for at, one in enumerate(words)
    )
