"""Faults on demand: what goes wrong, on which requests, how often."""

from __future__ import annotations

import fnmatch
import random
from collections.abc import Mapping
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
    hits: int = 0

    @property
    def spent(self) -> bool:
        """Whether the fault has hit as often as it was to."""
        return self.times is not None and self.hits >= self.times

    def fits(self, method: str, path: str) -> bool:
        """Whether a request is one of those that the fault is about."""
        return self.method in ("*", method.upper()) and fnmatch.fnmatchcase(path.lower(), self.path.lower())

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
}
_NULLABLE = {"status", "code", "message", "retry_after", "times"}


def fault_from(document: Mapping[str, Any]) -> Fault:
    """A fault from JSON. `InvalidInput` names the field that is not right."""
    known = [item.name for item in fields(Fault) if item.name != "hits"]
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
    if fault.after and fault.status is None and not fault.broken:
        raise InvalidInput("A fault after the work needs a status, or is broken.", target="after")
    fault.method = fault.method.upper()
    return fault


class Faults:
    """The faults in force. The first one that fits a request and is not spent hits it."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> Fault:
        """Put a fault in force; it is returned, and its `hits` counts from then on."""
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Everything works again."""
        self._faults.clear()

    def list(self) -> list[Fault]:
        """The faults in force and those that are spent, oldest first."""
        return list(self._faults)

    def pick(self, method: str, path: str) -> Fault | None:
        """The fault that hits this request, counted, or None."""
        for fault in self._faults:
            if fault.spent or not fault.fits(method, path):
                continue
            if fault.probability < 1 and self._rng.random() >= fault.probability:
                continue
            fault.hits += 1
            return fault
        return None
