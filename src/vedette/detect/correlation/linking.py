"""What links signals: things that they name, each for as long as it is rare enough to mean something.

Two signals that name the same thing belong together if they are near enough in time. How near depends on how common the thing is: one in
few findings links over a quarter of the look-back; the more there are, the less far (in the same proportion); one in `_COMMON` findings or
more links nothing. A finding is what one detection says of the same entities within an hour, so that a flood of one alert does not make its
entities common, and a scanner or a service account, which is in the alerts of every day and every target, is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from vedette.detect.correlation.signals import Signal
from vedette.detect.entities.clusters import Record, clusters_of
from vedette.detect.entities.entity import Entity, is_generic_account, resolved

_KINDS: Final = frozenset(
    {
        "Account", "Host", "IP", "Process", "FileHash", "Mailbox", "CloudApplication", "AzureResource", "URL", "DNS", "MailMessage",
        "MailCluster", "SubmissionMail", "SecurityGroup", "IoTDevice",
    }
)  # fmt: skip
"""Entities that are one thing. A file's path, a malware's name and a registry key are the same on many machines."""
_FEW: Final = 5
_COMMON: Final = 100


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that signals name, under whatever identifiers. `reach`: the longest time between two signals that it links."""

    number: int
    type: str
    name: str
    reach: timedelta
    signals: tuple[int, ...]
    """Places of the signals that name it, in their order."""


class Linked:
    """Signals, the things that they name, and which of them belong together."""

    def __init__(self, signals: Sequence[Signal], lookback: timedelta) -> None:
        """`signals` in their order. Those without a stage are context: they make nothing common, and link no others."""
        self.signals = signals
        named, entities = _named(signals)
        self._named = named
        self.things = _things(signals, named, entities, lookback)
        """By number."""

    def things_of(self, place: int) -> list[Thing]:
        """The things that a signal names, in the order in which it does."""
        return [self.things[number] for number in self._named[place]]

    def shared(self, place: int, others: Iterable[int]) -> list[Thing]:
        """The things that a signal has in common with any of some others, and that link."""
        theirs = {number for other in others for number in self._named[other]}
        return [thing for thing in self.things_of(place) if thing.number in theirs and thing.reach]

    def campaigns(self) -> list[list[int]]:
        """The places of signals that belong together, in their order; those without a stage are with the nearest."""
        home = list(range(len(self.signals)))

        def root(place: int) -> int:
            while home[place] != place:
                home[place] = home[home[place]]
                place = home[place]
            return place

        for thing in self.things:
            for one, other in self._pairs(thing):
                first, second = sorted((root(one), root(other)))
                home[second] = first
        together: dict[int, list[int]] = defaultdict(list)
        for place, signal in enumerate(self.signals):
            if signal.stages:
                together[root(place)].append(place)
        found = [places for places in together.values() if len(places) > 1]
        for place, at in self._context({place: index for index, places in enumerate(found) for place in places}):
            found[at].append(place)
        return [sorted(places) for places in found]

    def _pairs(self, thing: Thing) -> Iterator[tuple[int, int]]:
        """Neighbours in time among the signals that name a thing, where it reaches from one to the next."""
        last, until = -1, None
        for place in thing.signals:
            signal = self.signals[place]
            if not signal.stages:
                continue
            if until is not None and thing.reach and signal.start - until <= thing.reach:
                yield last, place
            last, until = place, signal.end if until is None else max(until, signal.end)

    def _context(self, found: dict[int, int]) -> list[tuple[int, int]]:
        """Signals without a stage, each with the number of the campaign that it is nearest to in time."""
        near = []
        for place, signal in enumerate(self.signals):
            if signal.stages:
                continue
            best: tuple[timedelta, int] | None = None
            for thing in self.things_of(place):
                for other in thing.signals if thing.reach else ():
                    if other in found:
                        gap = _gap(signal, self.signals[other])
                        if gap <= thing.reach and (best is None or (gap, found[other]) < best):
                            best = gap, found[other]
            if best is not None:
                near.append((place, best[1]))
        return near


def _gap(one: Signal, other: Signal) -> timedelta:
    return max(one.start - other.end, other.start - one.end, timedelta(0))


def _named(signals: Sequence[Signal]) -> tuple[list[tuple[int, ...]], list[Entity]]:
    """The numbers of the things that each signal names, and of each thing the entity that tells most of it."""
    records: dict[str, Record] = {}
    texts: dict[
        Entity, list[str]
    ] = {}  # the records that an entity is known by, its own first; none if it names nothing
    for signal in signals:
        for entity in signal.entities:
            if entity not in texts:
                telling = entity.type in _KINDS and not is_generic_account(entity)
                known = [Record(one.type, resolved(one)) for one in ((entity, *_also(entity)) if telling else ())]
                texts[entity] = [record.text for record in known]
                records |= zip(texts[entity], known)
    clusters = clusters_of(records.values())
    text_of = {id(record): text for text, record in records.items()}
    of = {text_of[id(record)]: number for number, cluster in enumerate(clusters) for record in cluster}
    same = {number: number for number in range(len(clusters))}

    def root(number: int) -> int:
        while same[number] != number:
            number = same[number]
        return number

    for names in filter(None, texts.values()):
        first = root(of[names[0]])
        for text in names[1:]:
            second = root(of[text])
            first, second = min(first, second), max(first, second)
            same[second] = first
    numbers = {old: new for new, old in enumerate(sorted({root(number) for number in same}))}
    thing = {text: numbers[root(number)] for text, number in of.items()}
    told: dict[int, Record] = {}
    for text in sorted(records, key=lambda one: (-len(records[one].identifiers), one)):
        told.setdefault(thing[text], records[text])
    entities = [Entity.of(told[number].type, told[number].identifiers) for number in range(len(numbers))]
    named = [tuple(dict.fromkeys(thing[texts[one][0]] for one in signal.entities if texts[one])) for signal in signals]
    return named, entities


def _also(entity: Entity) -> Iterator[Entity]:
    """What an entity is by another name: a mailbox is its account's, and a virtual machine a host."""
    found = dict(entity.identifiers)
    if entity.type == "Mailbox":
        address = found.get("Upn") or found.get("MailboxPrimaryAddress", "")
        if "@" in address:
            yield Entity.of("Account", {"FullName": address})
    if entity.type == "AzureResource" and "/virtualmachines/" in found.get("ResourceId", "").casefold():
        yield Entity.of("Host", {"AzureID": resolved(entity)["ResourceId"]})


def _things(
    signals: Sequence[Signal], named: Sequence[tuple[int, ...]], entities: Sequence[Entity], lookback: timedelta
) -> list[Thing]:
    places: list[list[int]] = [[] for _ in entities]
    findings: list[set[tuple[str, frozenset[int], datetime]]] = [set() for _ in entities]
    for place, signal in enumerate(signals):
        everything = frozenset(named[place])
        hour = signal.start.replace(minute=0, second=0, microsecond=0)
        for number in named[place]:
            places[number].append(place)
            if signal.stages:
                findings[number].add((signal.detection, everything, hour))
    accounts = {number for number, entity in enumerate(entities) if entity.type == "Account"}
    return [
        Thing(
            number, entity.type, entity.title,
            timedelta(0) if _is_everybodys(entity, places[number], named, accounts) else _reach(len(findings[number]), lookback),
            tuple(places[number]),
        )
        for number, entity in enumerate(entities)
    ]  # fmt: skip


def _reach(findings: int, lookback: timedelta) -> timedelta:
    if findings >= _COMMON:
        return timedelta(0)
    return lookback / 4 * min(1.0, _FEW / max(findings, 1))


def _is_everybodys(entity: Entity, places: Sequence[int], named: Sequence[tuple[int, ...]], accounts: set[int]) -> bool:
    """Whether it says nothing that two signals name this: an application that several accounts use, a subscription or group."""
    if entity.type == "CloudApplication":
        return len({number for place in places for number in named[place] if number in accounts}) > 1
    if entity.type == "AzureResource":
        return "/providers/" not in dict(entity.identifiers).get("ResourceId", "").casefold()
    return False
