"""Threat intelligence: what there is, what people add by hand, and what they say of the rest."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from vedette.api.routes.incidents import reference
from vedette.api.security import Caller, Services, requires
from vedette.api.services import WorkspaceServices
from vedette.api.wire import Page, Wire, in_utc, wire_model
from vedette.core.errors import InvalidInput, NotFound, nearest
from vedette.core.roles import Permission
from vedette.incidents.vocabulary import ActivityKind
from vedette.intel.entering import content, observable
from vedette.intel.indicators import IntelObject

router = APIRouter(tags=["threat intelligence"], prefix="/workspaces/{ws}")
Reads = Depends(requires(Permission.CONTENT_READ))
Writes = Annotated[Caller, Depends(requires(Permission.CONTENT_WRITE))]
DAYS: Final = 90
"""How long an indicator that somebody adds is in force, unless they say otherwise."""

IndicatorBody = wire_model(
    "IndicatorBody", "An object of threat intelligence, without its content.", IntelObject, omit=frozenset({"content"})
)
IndicatorDetail = wire_model(
    "IndicatorDetail", "An object of threat intelligence; `content` is the object of STIX.", IntelObject
)


class Particulars(Wire):
    """What an indicator that somebody adds says besides its observable. It ends at `validUntil`, or after `days`; 0 days: never."""

    name: str = Field("", max_length=1000)
    description: str = Field("", max_length=10_000)
    confidence: int | None = Field(None, ge=0, le=100)
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    days: float = Field(DAYS, ge=0, le=36_600)
    tags: list[str] = Field(default_factory=list, max_length=100)
    threat_types: list[str] = Field(default_factory=list, max_length=20)
    tlp: str = ""


class NewIndicator(Particulars):
    """An indicator to add: the kind of its observable (ip, domain, url, email, hash, file, ...) and its value."""

    type: str
    value: str


class EntityIndicator(Particulars):
    """An entity of the incident, by its id or name."""

    entity: str


class Tags(Wire):
    """Tags to add and to remove."""

    add: list[str] = Field(default_factory=list, max_length=100)
    remove: list[str] = Field(default_factory=list, max_length=100)


class SourceBody(Wire):
    """A source, and how many of its indicators are in force."""

    source: str
    in_force: int


@router.get("/indicators", dependencies=[Reads], response_model=Page[IndicatorBody])  # type: ignore[valid-type]
def list_(
    services: Services,
    q: Annotated[str, Query(max_length=500, description="Words of the name or the pattern.")] = "",
    source: str | None = None,
    type_: Annotated[str, Query(alias="type", max_length=250, description="A type of STIX, or `all`.")] = "indicator",
    state: Literal["active", "inactive", "all"] = "active",
    top: Annotated[int, Query(ge=1, le=1000)] = 100,
    skip: Annotated[int, Query(ge=0)] = 0,
) -> Page[Wire]:
    """Objects of threat intelligence, the one that changed last first; those in force, unless `state` says otherwise."""
    active = {"active": True, "inactive": False, "all": None}[state]
    kind = None if type_ == "all" else type_
    found, count = services.indicators.find(words=q, source=source, kind=kind, active=active, top=top, skip=skip)
    return Page(value=[IndicatorBody.model_validate(one) for one in found], count=count)


@router.get("/indicator-sources", dependencies=[Reads])
def sources(services: Services) -> Page[SourceBody]:
    """The sources that have indicators in force."""
    found = [SourceBody(source=name, in_force=count) for name, count in sorted(services.indicators.counts().items())]
    return Page(value=found, count=len(found))


@router.post("/indicators", status_code=201, response_model=IndicatorDetail)
def add(services: Services, caller: Writes, body: NewIndicator) -> Wire:
    """Adds an indicator. One of the same observable that was added here before is changed, and is in force again."""
    return IndicatorDetail.model_validate(_put(services, caller, body, body.type, body.value))


@router.post("/incidents/{incident}/indicators", status_code=201, response_model=IndicatorDetail)
def add_entity(services: Services, caller: Writes, incident: str, body: EntityIndicator) -> Wire:
    """Adds an indicator of an incident's entity; the incident's timeline says so."""
    found = services.incidents.get(reference(incident))
    entities = {str(one["id"]): one for one in found["entities"]}
    named = [one for one in entities.values() if body.entity in (one["id"], one["name"])]
    if not named:
        near = nearest(body.entity, [str(one["name"]) for one in entities.values()])
        raise NotFound(
            f"The incident {found['number']} has no entity '{body.entity[:200]}'.", target="entity",
            hint=f"Did you mean '{near}'?" if near else None,
        )  # fmt: skip
    kind, value = _observable_of(named[0])
    body.description = body.description or f"Seen in the incident {found['number']}: {found['title']}"
    with services.application.state.session():
        made = _put(services, caller, body, kind, value, write=False)
        services.incidents.note(
            found["number"], ActivityKind.ACTION, f"{named[0]['name']} was added to threat intelligence", about=made.id,
            principal=caller,
        )  # fmt: skip
    services.indicators.write([made.id])
    return IndicatorDetail.model_validate(made)


@router.get("/indicators/{indicator}", dependencies=[Reads], response_model=IndicatorDetail)
def get(services: Services, indicator: str) -> Wire:
    """An object by its id, its id of STIX, or the `Id` of its rows."""
    return IndicatorDetail.model_validate(services.indicators.get(indicator))


@router.post("/indicators/{indicator}/revoke", response_model=IndicatorDetail)
def revoke(services: Services, caller: Writes, indicator: str) -> Wire:
    """Takes an indicator out of force for good: later versions of its source do not bring it back."""
    return IndicatorDetail.model_validate(services.indicators.withdraw(indicator, caller))


@router.post("/indicators/{indicator}/reinstate", response_model=IndicatorDetail)
def reinstate(services: Services, caller: Writes, indicator: str) -> Wire:
    """Undoes `revoke`."""
    return IndicatorDetail.model_validate(services.indicators.reinstate(indicator, caller))


@router.post("/indicators/{indicator}/tags", response_model=IndicatorDetail)
def tag(services: Services, caller: Writes, indicator: str, body: Tags) -> Wire:
    """Adds and removes tags."""
    return IndicatorDetail.model_validate(services.indicators.tag(indicator, caller, body.add, body.remove))


@router.delete("/indicators/{indicator}", status_code=204)
def delete(services: Services, caller: Writes, indicator: str) -> None:
    """Deletes an object. A later version of its source brings it back."""
    services.indicators.delete(indicator, caller)


def _put(
    services: WorkspaceServices, caller: Caller, body: Particulars, kind: str, value: str, *, write: bool = True
) -> IntelObject:
    now = services.application.clock.now()
    begins = in_utc(body.valid_from, "validFrom") or now
    ends = in_utc(body.valid_until, "validUntil")
    if ends is None and body.days:
        ends = begins + timedelta(days=body.days)
    made = content(
        observable(kind, value), now, name=body.name, description=body.description, confidence=body.confidence, valid_from=begins,
        valid_until=ends, labels=body.tags, types=body.threat_types, tlp=body.tlp, origin=services.workspace.id,
    )  # fmt: skip
    return services.indicators.put(made, caller, write=write)


_OF_ENTITIES: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "IP": (("Address", "ip"),), "DNS": (("DomainName", "domain"),), "URL": (("Url", "url"),), "FileHash": (("Value", "hash"),),
    "File": (("Name", "file"),), "Mailbox": (("MailboxPrimaryAddress", "email"),),
    "MailMessage": (("P2Sender", "email"), ("P1Sender", "email"), ("Sender", "email"), ("SenderIP", "ip")),
    "Account": (("FullName", "account"), ("Name", "account")), "RegistryKey": (("Key", "registry-key"),),
}  # fmt: skip
"""The identifiers of an entity that make an indicator, the most telling first, and the kind of observable that each is."""


def _observable_of(entity: Mapping[str, Any]) -> tuple[str, str]:
    held: Mapping[str, str] = entity["properties"]
    for name, kind in _OF_ENTITIES.get(entity["type"], ()):
        if held.get(name):
            value = held[name]
            if kind == "registry-key" and held.get("Hive") and not value.startswith(held["Hive"]):
                value = f"{held['Hive']}\\{value}"
            return kind, value
    raise InvalidInput(
        f"An entity of the type {entity['type']} makes no indicator.", target="entity",
        hint=f"Those of the types {', '.join(_OF_ENTITIES)} do.",
    )  # fmt: skip
