"""Faults on demand: what goes wrong, on which requests, how often."""

from __future__ import annotations

import fnmatch
import random
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from vedette.core.errors import InvalidInput, nearest


@dataclass(slots=True)
class Fault:
    """One thing that goes wrong with the requests it fits.

    `method` is a method or `*`; `path` is a glob over the whole path, compared without case. `times` is how many
    requests are hit before the fault is spent (None: no end). `probability` picks among the requests that fit.
    """

    status: int | None = None
    """Answer with this status. None: answer as usual (for a fault that only delays)."""
    method: str = "*"
    path: str = "*"
    code: str | None = None
    """The error code of the answer; None: the usual one for the status."""
    message: str | None = None
    retry_after: str | int | None = None
    """Value of the Retry-After header: seconds or an HTTP date."""
    times: int | None = 1
    probability: float = 1.0
    delay: float = 0.0
    """Seconds (of the real world) before the answer."""
    after: bool = False
    """Do the work first, then wait and answer with the fault: the client cannot know that it was done."""
    broken: bool = False
    """Cut the connection in the middle of the answer."""
    garbage: str | None = None
    """Answer 200 with a body that is none: `truncated` JSON, an `html` page, or an `empty` body."""
    service: str = "*"
    """Only requests to one service: `entra`, `graph`, `arm`, `logs`, `ingestion`, `servicenow`, `office365`, `blobs`."""
    query: str = "*"
    """A glob over the decoded query string, compared without case: `*$skiptoken*` is every page but the first."""
    skip: int = 0
    """How many requests that fit are spared before the first is hit."""
    permission: str | None = None
    """No request fails but those that only this permission would allow: an application permission of Graph
    (`SecurityAlert.Read.All`) or an action of Azure RBAC (`Microsoft.Compute/snapshots/write`), as if it was not granted."""
    hits: int = 0
    id: str = ""
    skipped: int = 0

    @property
    def spent(self) -> bool:
        """Whether the fault has hit as often as it was to."""
        return self.times is not None and self.hits >= self.times

    def fits(self, method: str, path: str, query: str = "", service: str = "") -> bool:
        """Whether a request is one of those that the fault is about."""
        return (
            self.method in ("*", method.upper())
            and self.service in ("*", service)
            and fnmatch.fnmatchcase(path.lower(), self.path.lower())
            and (self.query == "*" or fnmatch.fnmatchcase(query.lower(), self.query.lower()))
        )

    def to_dict(self) -> dict[str, Any]:
        """The fault as JSON, as `fault_from` reads it."""
        return asdict(self)


_TYPES: dict[str, tuple[type, ...]] = {
    "status": (int,),
    "method": (str,),
    "path": (str,),
    "code": (str,),
    "message": (str,),
    "retry_after": (str, int),
    "times": (int,),
    "probability": (int, float),
    "delay": (int, float),
    "after": (bool,),
    "broken": (bool,),
    "garbage": (str,),
    "service": (str,),
    "query": (str,),
    "skip": (int,),
    "permission": (str,),
}
_NULLABLE = {"status", "code", "message", "retry_after", "times", "garbage", "permission"}
_COUNTED = {"hits", "id", "skipped"}
SERVICES = ("*", "entra", "graph", "arm", "logs", "ingestion", "servicenow", "office365", "blobs")
GARBAGE = ("truncated", "html", "empty")


def fault_from(document: Mapping[str, Any]) -> Fault:
    """A fault from JSON. `InvalidInput` names the field that is not right."""
    known = [item.name for item in fields(Fault) if item.name not in _COUNTED]
    for name, value in document.items():
        if name not in known:
            near = nearest(name, known)
            raise InvalidInput(
                f"A fault has no field '{name}'.", target=name, hint=f"Did you mean '{near}'?" if near else None
            )
        wrong_bool = isinstance(value, bool) and bool not in _TYPES[name]
        if not (value is None and name in _NULLABLE) and (wrong_bool or not isinstance(value, _TYPES[name])):
            raise InvalidInput(f"The fault's field '{name}' cannot be {value!r}.", target=name)
    fault = Fault(**document)
    if fault.status is not None and not 400 <= fault.status <= 599:
        raise InvalidInput(f"A fault's status is between 400 and 599, not {fault.status}.", target="status")
    if not 0 <= fault.probability <= 1:
        raise InvalidInput("A fault's probability is between 0 and 1.", target="probability")
    if not 0 <= fault.delay <= 600:
        raise InvalidInput("A fault's delay is between 0 and 600 seconds.", target="delay")
    if fault.service not in SERVICES:
        raise InvalidInput(f"There is no service '{fault.service}'; there are {', '.join(SERVICES)}.", target="service")
    if fault.garbage is not None and fault.garbage not in GARBAGE:
        raise InvalidInput(f"A fault's garbage is one of {', '.join(GARBAGE)}.", target="garbage")
    if fault.skip < 0:
        raise InvalidInput("A fault cannot skip fewer than no requests.", target="skip")
    if fault.after and fault.status is None and not fault.broken:
        raise InvalidInput("A fault after the work needs a status, or is broken.", target="after")
    fault.method = fault.method.upper()
    return fault


class Faults:
    """The faults in force. The first one that fits a request and is not spent hits it."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._faults: list[Fault] = []
        self._count = 0

    def add(self, fault: Fault) -> Fault:
        """Put a fault in force; it is returned, and its `hits` counts from then on."""
        self._count += 1
        fault.id = fault.id or str(self._count)
        self._faults.append(fault)
        return fault

    def remove(self, fault_id: str) -> bool:
        """Take one fault away; whether there was one of that id."""
        before = len(self._faults)
        self._faults = [fault for fault in self._faults if fault.id != fault_id]
        return len(self._faults) < before

    def clear(self) -> None:
        """Everything works again."""
        self._faults.clear()

    def list(self) -> list[Fault]:
        """The faults in force and those that are spent, oldest first."""
        return list(self._faults)

    def pick(self, method: str, path: str, query: str = "", service: str = "") -> Fault | None:
        """The fault that hits this request, counted, or None."""
        for fault in self._faults:
            if fault.spent or fault.permission is not None or not fault.fits(method, path, query, service):
                continue
            if fault.skipped < fault.skip:
                fault.skipped += 1
                continue
            if fault.probability < 1 and self._rng.random() >= fault.probability:
                continue
            fault.hits += 1
            return fault
        return None

    def withheld(self, permissions: Iterable[str]) -> frozenset[str]:
        """Those of the permissions that a fault takes away for now, counted."""
        asked = {name.lower(): name for name in permissions}
        gone = set()
        for fault in self._faults:
            if fault.permission is not None and not fault.spent and fault.permission.lower() in asked:
                fault.hits += 1
                gone.add(asked[fault.permission.lower()])
        return frozenset(gone)
