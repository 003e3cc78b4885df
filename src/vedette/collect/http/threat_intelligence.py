"""The upload API of Microsoft Sentinel for threat intelligence, and the two forms that it had before
(learn.microsoft.com/azure/sentinel/stix-objects-api and upload-indicators-api)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from vedette.collect.http.bodies import in_utf_8, not_json
from vedette.collect.http.door import Answer, Arrived, DoorRequest, Routes, json_answer
from vedette.core.errors import InvalidInput, TooManyRequests, VedetteError
from vedette.core.throttle import RateLimit
from vedette.intel.stix import INDICATOR, InvalidObject

if TYPE_CHECKING:
    from vedette.collect.http.gate import Gate, Grant

MOST_OBJECTS: Final = 100
"""Objects of a request."""
MOST_REQUESTS: Final = 100
_WINDOW: Final = 60.0
"""Requests that a sender may make within so many seconds."""
_TYPES: Final = frozenset({INDICATOR, "attack-pattern", "identity", "relationship", "threat-actor"})
_SOURCES: Final = ("sourcesystem", "sourceSystem", "SourceSystem")
_LISTS: Final = {"stix-objects:upload": "stixobjects", "indicators:upload": "indicators", "upload-indicators": "value"}
"""What a request calls its list, by the end of its address."""


class ThreatIntelligence:
    """Takes objects of STIX for a workspace, by its id or name."""

    name = "threat-intelligence"
    limit = 30 * 1024 * 1024
    limit_unpacked = limit
    routes: Routes = (
        (("POST",), "/workspaces/{workspace}/threat-intelligence-stix-objects:upload"),
        (("POST",), "/workspaces/{workspace}/threatintelligenceindicators:upload"),
        (("POST",), "/{workspace}/threatintelligence:upload-indicators"),
    )

    def __init__(self) -> None:
        self._rate = RateLimit(limit=MOST_REQUESTS, window=_WINDOW, refused=_too_many)

    def admit(self, request: DoorRequest, gate: Gate) -> Grant | Answer:
        """By an API token as bearer, so many requests a minute."""
        grant = gate.by_token(request.bearer("bearer"), request.parts["workspace"])
        self._rate.count(f"{grant.workspace.id}:{grant.sender}", gate.clock)
        return grant

    def facts(self, request: DoorRequest, grant: Grant) -> None:
        """Nothing."""

    def read(self, request: DoorRequest, body: bytes, facts: Any) -> Arrived:
        """The objects, and their source."""
        return Arrived(told=_read(body, _listed(request)))

    def take(self, request: DoorRequest, grant: Grant, arrived: Arrived) -> Answer:
        """Take the objects: 200, with an error for each that was not taken."""
        listed = _listed(request)
        source, given = arrived.told
        only = frozenset({INDICATOR}) if listed != "stixobjects" else _TYPES
        errors: dict[int, list[str]] = {}
        places: list[int] = []
        for place, one in enumerate(given):
            kind = one.get("type") if isinstance(one, dict) else None
            if isinstance(kind, str) and kind and kind not in only:
                errors[place] = [
                    f"Error for Property=type: It is none of {', '.join(sorted(only))}. Actual value: {kind[:200]}."
                ]
            else:
                places.append(place)
        taken = grant.indicators().take([given[place] for place in places], source, "UploadAPI", need_modified=True)
        errors |= {places[place]: refused.messages for place, refused in taken.refused}
        if not errors:
            return Answer(200)
        told = [{"recordIndex": place, "errorMessages": messages} for place, messages in sorted(errors.items())]
        return json_answer(200, {"errors": told})

    def failed(self, request: DoorRequest, error: VedetteError) -> Answer:
        """As Azure's gateway tells errors."""
        message = error.message
        if isinstance(error, InvalidObject):
            message = " ".join(error.messages)
        return json_answer(error.status, {"statusCode": error.status, "message": message})


def _listed(request: DoorRequest) -> str:
    return next(name for end, name in _LISTS.items() if request.path.endswith(end))


def _too_many(sender: str, wait: int) -> TooManyRequests:
    return TooManyRequests(f"Rate limit is exceeded. Try again in {wait} seconds.", retry_after=wait)


def _read(body: bytes, listed: str) -> tuple[str, list[Any]]:
    """The source and the objects of a request."""
    try:
        document = orjson.loads(in_utf_8(body))
    except orjson.JSONDecodeError as error:
        raise not_json(error) from None
    if not isinstance(document, dict):
        raise InvalidInput("The body is not a JSON object.")
    source = next((document[name] for name in _SOURCES if name in document), None)
    if not isinstance(source, str) or not source.strip():
        raise InvalidInput(
            "The body has no 'sourcesystem', which names the source of the objects.", target="sourcesystem"
        )
    if source.strip().casefold() == "microsoft sentinel":
        raise InvalidInput("The 'sourcesystem' may not be 'Microsoft Sentinel'.", target="sourcesystem")
    given = document.get(listed)
    if not isinstance(given, list) or not given:
        raise InvalidInput(f"The body has no list '{listed}' of objects.", target=listed)
    if len(given) > MOST_OBJECTS:
        raise InvalidInput(
            f"There are {len(given)} objects, and {MOST_OBJECTS} are allowed in a request.", target=listed
        )
    return source, given
