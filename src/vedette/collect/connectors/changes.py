"""Reading what changed in a collection that lists the newest first, page after page, each object's change once.

A pass goes through all pages of what changed since the mark, and only then moves the mark. It begins some minutes before the mark,
since an object may become visible after a newer one; the cursor knows which objects of those minutes were read already, so that none
comes twice however long the connector was off. Within a pass the link to the next page is the cursor; one that has expired begins
the pass again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from vedette.clients.azure_errors import AzureFailure, FailureKind
from vedette.collect.formats.timestamps import iso

OVERLAP: Final = timedelta(minutes=10)
AGAIN: Final = 3
"""How often a pass begins again because of links that do not work, before it is a failure."""
REMEMBERED: Final = 20_000
"""Objects of the last minutes that a cursor knows; the intake knows the others, for a week."""
AHEAD: Final = timedelta(days=1)
"""A change that lies further in the future than this does not move the mark."""
_EXPIRED: Final = (400, 404, 410)


@dataclass(frozen=True, slots=True)
class Answer:
    """One page as the service gives it."""

    objects: list[dict[str, Any]]
    next_link: str | None
    warning: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """What one page brought: objects that were not read before, with their identities, and where to go on."""

    objects: list[tuple[str, dict[str, Any]]]
    cursor: dict[str, Any]
    more: bool
    warning: str | None


def step(
    cursor: Mapping[str, Any], now: datetime, look_back: timedelta, *, first: Callable[[str], Answer],
    following: Callable[[str], Answer], identify: Callable[[Mapping[str, Any]], str],
    changed: Callable[[Mapping[str, Any]], str], overlap: timedelta = OVERLAP,
) -> Step:  # fmt: skip
    """Reads one page. `first` reads the first one of what changed since a moment, `following` the one at a link.

    `changed` tells when an object changed as text of `iso` ("" if it does not say), `identify` what makes an object's change one.
    The cursor: `mark` (all before it is here) and `seen`; within a pass also `since`, `high`, `next`, `new` and `again`.
    """
    mark = cursor.get("mark")
    since = cursor.get("since") or (_seconds(now - look_back) if mark is None else _seconds(_moment(mark) - overlap))
    seen, new, again = dict(cursor.get("seen") or {}), dict(cursor.get("new") or {}), int(cursor.get("again") or 0)
    latest = iso(now + AHEAD)
    high, link = str(cursor.get("high") or ""), cursor.get("next")
    answer = None
    if link is not None:
        try:
            answer = following(link)
        except AzureFailure as failure:
            if failure.remote_status not in _EXPIRED:
                raise
            again += 1
            if again > AGAIN:
                # what was read is here; the next poll reads the same minutes anew
                known = {"seen": {**seen, **new}, **({} if mark is None else {"mark": mark})}
                return Step(
                    [], known, False, f"links to further pages did not work {AGAIN} times: the next poll begins again"
                )
    if answer is None:
        answer = first(since)
    elif answer.next_link == link:
        raise AzureFailure(FailureKind.UNAVAILABLE, "the link to the next page leads to the same page")
    objects = []
    for one in answer.objects:
        identity, moment = identify(one), changed(one)
        if moment <= latest:  # one mistaken moment must not hide all that comes before it
            high = max(high, moment)
        key = hashlib.blake2b(identity.encode(), digest_size=8).hexdigest()
        if key in seen or key in new:
            continue
        objects.append((identity, one))
        if moment:
            new[key] = int(_moment(moment).timestamp())
    new = _latest(new, high, overlap)
    if answer.next_link is not None:
        going: dict[str, Any] = {"mark": mark, "since": since, "high": high, "next": answer.next_link, "again": again}
        return Step(objects, {**going, "seen": seen, "new": new}, True, answer.warning)
    # nothing new: the mark stays, so that a clock of ours that is ahead loses nothing
    mark = max(high, mark or "") or since
    return Step(objects, {"mark": mark, "seen": _latest({**seen, **new}, mark, overlap)}, False, answer.warning)


def change_of(*names: str) -> Callable[[Mapping[str, Any]], str]:
    """When an object changed: the first of its properties (a path with dots) that is a moment, as text that sorts."""

    def changed(one: Mapping[str, Any]) -> str:
        for name in names:
            value: Any = one
            for part in name.split("."):
                value = value.get(part) if isinstance(value, Mapping) else None
            try:
                moment = datetime.fromisoformat(str(value))
                return iso(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
            except (ValueError, OverflowError):
                continue
        return ""

    return changed


def _latest(known: dict[str, int], high: str, overlap: timedelta) -> dict[str, int]:
    """Those objects that a pass after this one may meet again."""
    if not high:
        return known
    oldest = (_moment(high) - overlap).timestamp() - 1
    kept = {key: at for key, at in known.items() if at >= oldest}
    if len(kept) > REMEMBERED:
        kept = dict(sorted(kept.items(), key=lambda item: item[1], reverse=True)[:REMEMBERED])
    return kept


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _seconds(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def snapshot(
    cursor: Mapping[str, Any], *, first: Callable[[], Answer], following: Callable[[str], Answer],
    identify: Callable[[Mapping[str, Any]], str],
) -> Step:  # fmt: skip
    """The same for a service that lists everything each time: what was not in the list before, or is there in another state.

    The cursor: `known` (the states of the last list); within a pass also `listed` (those of this one) and `next`.
    """
    known, listed = set(cursor.get("known") or ()), list(cursor.get("listed") or ())
    link = cursor.get("next")
    answer = None
    if link is not None:
        try:
            answer = following(link)
        except AzureFailure as failure:
            if failure.remote_status not in _EXPIRED:
                raise
            # the rest of the list comes with the next poll; what was listed is not told again
            return Step([], {"known": sorted(known | set(listed))}, False, "a link to a further page has expired")
    answer = answer or first()
    if link is not None and answer.next_link == link:
        raise AzureFailure(FailureKind.UNAVAILABLE, "the link to the next page leads to the same page")
    here = set(listed)
    objects = []
    for one in answer.objects:
        identity = identify(one)
        key = hashlib.blake2b(identity.encode(), digest_size=8).hexdigest()
        if key not in known and key not in here:
            objects.append((identity, one))
        if key not in here:
            here.add(key)
            listed.append(key)
    if answer.next_link is not None:
        return Step(objects, {"known": sorted(known), "listed": listed, "next": answer.next_link}, True, answer.warning)
    return Step(objects, {"known": listed}, False, answer.warning)
