"""Where the connector stands: a place for each blob that may still grow, and the listing that it goes through.

Every pass lists all blobs. A blob that has not changed for a day is forgotten: from when it was made it is known later that it has been
read. The service's clock is the only one that counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from vedette.clients.blob_storage import Blob
from vedette.collect.connectors.storage_account.lines import digest

KEPT: Final = timedelta(days=1)
"""How long a blob's place is remembered after its last change."""
KNOWN: Final = timedelta(days=6)
"""For how long the intake surely knows what was read: a blob of that age may be read a second time."""
_OVERLAP: Final = timedelta(hours=1)
_HOUR: Final = re.compile(r"/y=(\d{4})/m=(\d\d)/d=(\d\d)/h=(\d\d)/", re.IGNORECASE)


@dataclass(slots=True)
class Place:
    """How far a blob was read: bytes of an append blob, or records of another one and the digest of those."""

    read: int
    modified: int
    created: int
    etag: str = ""
    """That of the state which was read to its end; empty while there is more."""
    digest: str = ""
    appended: bool = True

    def to_list(self) -> list[Any]:
        """The place in the cursor."""
        return [self.read, self.modified, self.created, self.etag, self.digest, self.appended]


class Cursor:
    """The cursor as it is changed by a step."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.since = _moment(document.get("since"))
        """Blobs of hours before it are not read: where the first look back ended."""
        self.mark = _moment(document.get("mark"))
        """When the last pass that came to its end had begun."""
        self.began = _moment(document.get("began"))
        self.containers: list[str] | None = document.get("containers")
        """Those that this pass has still to list, the first one from `marker` on; None between passes."""
        self.marker: str | None = document.get("marker")
        self._places: dict[str, list[Any]] = dict(document.get("blobs") or {})

    def to_dict(self) -> dict[str, Any]:
        """The cursor as it is kept."""
        document: dict[str, Any] = {"blobs": self._places}
        for name, moment in (("since", self.since), ("mark", self.mark), ("began", self.began)):
            if moment is not None:
                document[name] = moment.isoformat()
        if self.containers is not None:
            document |= {"containers": self.containers, "marker": self.marker}
        return document

    def begin(self, containers: list[str]) -> None:
        """A pass begins."""
        self.containers, self.marker, self.began = containers, None, None

    def listed(self, at: datetime, look_back: timedelta) -> None:
        """The service has answered; the first answer of a pass is when it began."""
        self.began = self.began or at
        self.since = self.since or at - look_back

    def advance(self, marker: str | None) -> bool:
        """Goes on to the next page or container; False if that was the last one and the pass is over."""
        assert self.containers is not None
        self.marker = marker
        if marker is None:
            self.containers = self.containers[1:]
        if self.containers:
            return True
        self.containers = None
        if self.began is not None:
            oldest = (self.began - KEPT).timestamp()
            self._places = {key: place for key, place in self._places.items() if place[1] >= oldest}
            self.mark, self.began = self.began, None
        return False

    def place(self, container: str, blob: Blob) -> Place:
        """Where reading a blob goes on."""
        kept = self._places.get(_key(container, blob))
        created = int((blob.created or blob.modified).timestamp())
        modified = int(blob.modified.timestamp())
        if kept is not None:
            place = Place(*kept)
            same = place.appended == blob.appended and (not blob.appended or place.created == created)
            if same and (not blob.appended or place.read <= blob.size):
                place.modified, place.created = modified, created
                return place
        return Place(0, modified, created, appended=blob.appended)

    def put(self, container: str, blob: Blob, place: Place) -> None:
        """Remembers how far a blob was read."""
        self._places[_key(container, blob)] = place.to_list()

    def wanted(self, container: str, blob: Blob) -> bool | None:
        """Whether there is something to read in a blob. None: it has changed so late that what was read of it is not known any more."""
        kept = self._places.get(_key(container, blob))
        if kept is not None:
            return bool(Place(*kept).etag != blob.etag)
        hour = hour_of(blob)
        assert self.since is not None
        if hour + timedelta(hours=1) <= self.since:
            return False
        if self.mark is None or (blob.created or blob.modified) >= self.mark - _OVERLAP:
            return True
        if blob.modified < self.mark - KEPT:
            return False
        return True if hour >= self.mark - KNOWN else None


def hour_of(blob: Blob) -> datetime:
    """The hour that a blob is of, as its name tells; otherwise when it was made."""
    found = _HOUR.search(blob.name)
    if found is not None:
        year, month, day, hour = map(int, found.groups())
        try:
            return datetime(year, month, day, hour, tzinfo=UTC)
        except ValueError:
            pass
    return blob.created or blob.modified


def _key(container: str, blob: Blob) -> str:
    return digest(container.encode(), b"/", blob.name.encode())


def _moment(text: Any) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None
