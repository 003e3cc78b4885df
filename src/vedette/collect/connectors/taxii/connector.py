"""Polls a collection of a TAXII server for objects of STIX.

Where it is goes by what the server says: `added_after` is the `X-TAXII-Date-Added-Last` of the last page of a pass. A page that comes
twice changes nothing, since an object is kept once in its newest version.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final, TypeVar

from vedette.clients.taxii import V20, V21, TaxiiClient, TaxiiCollection, TaxiiFailure, taxii_time
from vedette.collect.connectors.contract import ConnectorManifest, Endpoint, Page, PollFailure, Trouble
from vedette.core.checks import CheckReport, CheckStep, passed, run_steps
from vedette.core.clock import Clock
from vedette.core.errors import nearest
from vedette.core.forms import FieldType, FormField, TroubleshootingRow
from vedette.core.outbound import SETTING, Outbound
from vedette.core.redaction import Secret

T = TypeVar("T")
ENDPOINT: Final = "objects"
OVERLAP: Final = timedelta(hours=1)
"""How long before a pass the next one begins, where the server does not say when its objects were added."""
_LOOK_BACK: Final = {"Everything": None, "One year": 365, "One month": 30, "One week": 7, "One day": 1}
_TROUBLE: Final = {
    401: Trouble.UNAUTHORIZED,
    403: Trouble.FORBIDDEN,
    404: Trouble.GONE,
    410: Trouble.GONE,
    429: Trouble.THROTTLED,
}
_EXPIRED: Final = (400, 404, 410)
"""What servers answer for a `next` that they know no more."""

MANIFEST: Final = ConnectorManifest(
    id="taxii", title="Threat intelligence (TAXII)", category="Threat Intelligence",
    about="Collects indicators and other objects of STIX out of a collection of a TAXII 2.1 or 2.0 server.",
    fields=(
        FormField(
            "address", "Address", FieldType.TEXT, "The server's discovery, or one of its API roots.", max_length=1024, address=True,
            example="https://taxii.example.com/taxii2/", pattern=r"https?://[^\s/@?#]+(/[^\s@?#]*)?",
            rule="be an address such as https://taxii.example.com/taxii2/",
        ),
        FormField(
            "collection", "Collection", FieldType.TEXT,
            "Its id, title or alias. Empty: the only one that may be read.", required=False,
            example="91a7b528-80eb-42ed-a74d-c6fbd5a26116",
        ),
        FormField(
            "source", "Source", FieldType.TEXT, "The name of the source, which rows have as SourceSystem.", max_length=200,
            example="Contoso CERT",
        ),
        FormField("user_name", "User name", FieldType.TEXT, "For basic authentication.", required=False, max_length=1024),
        FormField(
            "password", "Password", FieldType.TEXT, "The user's password, or what the server takes for one.", required=False,
            secret=True, max_length=4096, rotate_days=365,
        ),
        FormField(
            "first_look_back", "First look back", FieldType.CHOICE, "How far back the first poll goes, by when objects were added.",
            default="Everything", choices=tuple(_LOOK_BACK),
        ),
        FormField("version", "Version", FieldType.CHOICE, "The version of TAXII that the server speaks.", default=V21, choices=(V21, V20)),
    ),
    permissions=(),
    endpoints=(
        Endpoint(
            ENDPOINT, "Objects", timedelta(hours=1), ("ThreatIntelIndicators", "ThreatIntelObjects", "ThreatIntelligenceIndicator"),
            "to read the collection", "What was added to the collection.",
        ),
    ),
    prerequisites=("An account at the TAXII server, if it asks for one.",),
    source_fields=("address", "collection", "source"),
    vendor_docs="https://docs.oasis-open.org/cti/taxii/v2.1/taxii-v2.1.html",
    troubleshooting=(
        TroubleshootingRow("unauthorized (401)", "User name or password are wrong.", "Enter those of the TAXII server."),
        TroubleshootingRow(
            "forbidden (403)", "The account may not read the collection, or the server may not connect to the address.",
            f"Ask the feed's owner; a server in a private network is allowed with {SETTING}.",
        ),
        TroubleshootingRow("gone (404)", "There is no such API root or collection (any more).", "Test the instance: it lists them."),
        TroubleshootingRow("throttled (429)", "The server asks to wait.", "Raise the interval if it happens often."),
    ),
    guide="connectors/index.md#taxii",
)  # fmt: skip


class Taxii:
    """The connector `taxii`."""

    def __init__(self, clock: Clock, outbound: Outbound | None = None) -> None:
        self._clock, self._outbound = clock, outbound or Outbound()

    @property
    def manifest(self) -> ConnectorManifest:
        """What the connector is and which fields it needs."""
        return MANIFEST

    def open(self, values: Mapping[str, str], secrets: Mapping[str, Secret]) -> TaxiiConnection:
        """A connection with checked values; does no network call."""
        client = TaxiiClient(
            values["address"], values.get("user_name", ""), secrets.get("password"), self._clock, self._outbound,
            version=values["version"],
        )  # fmt: skip
        days = _LOOK_BACK[values["first_look_back"]]
        return TaxiiConnection(client, values.get("collection", ""), values["source"], days, self._clock)


class TaxiiConnection:
    """One collection."""

    def __init__(self, client: TaxiiClient, wanted: str, source: str, days: int | None, clock: Clock) -> None:
        self._client, self._wanted, self._source, self._days, self._clock = client, wanted, source, days, clock
        self._collection: TaxiiCollection | None = None

    def close(self) -> None:
        """Close connections."""
        self._client.close()

    def poll(self, endpoint: str, cursor: Mapping[str, Any]) -> Page:
        """A page. The cursor: `after`, from where on the pass asks (`all`: from the beginning); within one also `next`, `last` (the newest
        that came), whether anything came (`got`), and `began`."""
        now = self._clock.now()
        after: str | None = cursor.get("after")
        if not cursor and self._days is not None:
            after = taxii_time(now - timedelta(days=self._days))
        following: str | None = cursor.get("next")
        began: str = cursor.get("began") or taxii_time(now - OVERLAP)
        try:
            page = self._client.objects(self._found(), after, following)
        except TaxiiFailure as failure:
            if following is None or failure.answered not in _EXPIRED or cursor.get("again"):
                if failure.answered in _EXPIRED:
                    self._collection = None  # it may be elsewhere now
                raise _told(failure) from failure
            state = {"began": began, "again": True, **({} if after is None else {"after": after})}
            return Page([], state, True, warning="the place in a pass has expired; the pass begins anew")
        last = page.last or cursor.get("last")
        got = bool(page.objects) or cursor.get("got") is True
        warning = None
        if page.next is not None and page.next != following:
            state = {"next": page.next, "began": began, "got": got, **({"again": True} if cursor.get("again") else {})}
            state |= {name: value for name, value in (("after", after), ("last", last)) if value is not None}
        elif page.more and page.next is None and last is not None and last != after:
            state = {
                "after": last,
                "began": began,
                "got": got,
            }  # no place to go on at: what was added later is asked for
        else:
            # the server's own clock counts; ours only where it says nothing of when it got what it gave
            end = last or (began if got else after)
            state = {"all": True} if end is None else {"after": end}
            warning = "the server says that there is more, and not where" if page.more else None
        return Page(
            [], state, "began" in state, len(page.objects), warning=warning, stix=tuple(page.objects), source=self._source
        )  # fmt: skip

    def check(self) -> CheckReport:
        """Ask the server what it has, find the collection, and ask for its newest objects."""

        def listing() -> CheckStep:
            found = self._asked(self._client.collections)
            return passed(f"The server has {len(found)} collection{'' if len(found) == 1 else 's'}: {_named(found)}.")

        def reading() -> CheckStep:
            collection = self._found_or_told()
            recent = taxii_time(self._clock.now() - timedelta(hours=1))
            self._asked(lambda: self._client.objects(collection, recent, None))
            return passed(f"The collection {collection.title or collection.id} can be read.")

        return run_steps(self._clock, [("List the collections", listing), ("Read the collection", reading)])

    def _found(self) -> TaxiiCollection:
        if self._collection is None:
            self._collection = self._choose(self._client.collections())
        return self._collection

    def _found_or_told(self) -> TaxiiCollection:
        return self._asked(self._found)

    def _choose(self, listed: list[TaxiiCollection]) -> TaxiiCollection:
        wanted = self._wanted.strip().casefold()
        if wanted:
            found = [one for one in listed if wanted in (one.id.casefold(), one.title.casefold(), one.alias.casefold())]
        else:
            found = [one for one in listed if one.can_read]
        if len(found) == 1:
            if not found[0].can_read:
                raise TaxiiFailure(f"The collection {found[0].title or found[0].id} may not be read.", 403)
            return found[0]
        if not found:
            near = nearest(self._wanted, [name for one in listed for name in (one.id, one.title, one.alias) if name])
            raise TaxiiFailure(
                f"The server has no collection '{self._wanted}'." if wanted else "The server has no collection that may be read.", 404,
                hint=f"Did you mean '{near}'?" if near else f"It has {_named(listed)}." if listed else None,
            )  # fmt: skip
        raise TaxiiFailure(
            f"The server has {len(found)} such collections.", 404, hint=f"Name one by its id: {_named(found)}."
        )

    def _asked(self, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except TaxiiFailure as failure:
            raise _told(failure) from failure


def _told(failure: TaxiiFailure) -> PollFailure:
    trouble = _TROUBLE.get(failure.answered or 0, Trouble.UNAVAILABLE)
    return PollFailure(failure.message, trouble, code=failure.code, hint=failure.hint, retry_after=failure.retry_after)


def _named(collections: list[TaxiiCollection]) -> str:
    shown = [f"{one.title} ({one.id})" if one.title else one.id for one in collections[:20]]
    return ", ".join(shown) + (f" and {len(collections) - 20} more" if len(collections) > 20 else "") or "none"
