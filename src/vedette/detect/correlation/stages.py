"""Whether signals are stages of one attack: some of them, each of another detection, go along the kill chain in time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from vedette.detect.correlation.signals import Signal

_BEGINNING: Final = datetime(1, 1, 1, tzinfo=UTC)
_WIDTH: Final = 64
"""Chains of one length that are carried on; of those whose last signal names the same tactics at most an eighth."""

Chain = tuple[tuple[int, Signal], ...]
"""Stages with the signal that shows each, in the order of the kill chain."""


@dataclass(frozen=True, slots=True)
class _Begun:
    chain: Chain
    since: datetime
    """When the last to begin of its signals began."""
    taken: frozenset[object]
    """The detections and the sets of tactics of its signals."""

    @property
    def order(self) -> tuple[datetime, tuple[tuple[str, str], ...]]:
        return self.since, tuple(signal.order for _, signal in self.chain)


def longest_chain(signals: Sequence[Signal], most: int) -> Chain:
    """The longest chain of at most so many stages; of several, the one that is through first.

    Each stage is shown by a signal of another detection, which names another set of tactics (two rules that name the same say the
    same of the attack), and none has ended before those of the stages before it began.
    """
    grouped: dict[int, dict[tuple[str, frozenset[int]], list[Signal]]] = defaultdict(lambda: defaultdict(list))
    for signal in signals:
        for stage in signal.stages:
            grouped[stage][signal.detection, signal.stages].append(signal)
    begun: list[list[_Begun]] = [[_Begun((), _BEGINNING, frozenset())], *([] for _ in range(most))]
    for stage in sorted(grouped):
        for length in range(most - 1, -1, -1):
            longer = [further for one in begun[length] for further in _further(one, stage, grouped[stage])]
            if longer:
                begun[length + 1] = _best([*begun[length + 1], *longer])
    return next((found[0].chain for found in reversed(begun) if found), ())


def _further(one: _Begun, stage: int, groups: dict[tuple[str, frozenset[int]], list[Signal]]) -> Iterable[_Begun]:
    """A chain with one more stage, by each detection that it does not have yet: the signal that is soonest through."""
    for (detection, stages), signals in groups.items():
        if detection in one.taken or stages in one.taken:
            continue
        fitting = [signal for signal in signals if signal.end >= one.since]
        if fitting:
            signal = min(fitting, key=lambda each: (max(each.start, one.since), each.order))
            yield _Begun((*one.chain, (stage, signal)), max(one.since, signal.start), one.taken | {detection, stages})


def _best(found: Iterable[_Begun]) -> list[_Begun]:
    kept: list[_Begun] = []
    alike: dict[frozenset[int], int] = defaultdict(int)
    for one in sorted(found, key=lambda each: each.order):
        last = one.chain[-1][1].stages
        if alike[last] < _WIDTH // 8:
            alike[last] += 1
            kept.append(one)
        if len(kept) == _WIDTH:
            break
    return kept
