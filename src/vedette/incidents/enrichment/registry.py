"""The enrichments, by id: queries are the YAML files of `units`, the others have a line here."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib import resources

from vedette.core.errors import InvalidInput, nearest
from vedette.incidents.enrichment.contract import Enrichment
from vedette.incidents.enrichment.queries import QueryEnrichment, read
from vedette.incidents.enrichment.units.earlier_incidents import EarlierIncidents
from vedette.incidents.enrichment.units.recommendations import Recommendations
from vedette.incidents.enrichment.units.watchlists import WatchlistItems


@cache
def queries() -> tuple[QueryEnrichment, ...]:
    """Those that are queries."""
    place = resources.files(__package__) / "units"
    found = [read(file.read_text(encoding="utf-8")) for file in place.iterdir() if file.name.endswith(".yaml")]
    return tuple(sorted(found, key=lambda one: one.id))


def enrichments(off: Iterable[str] = ()) -> tuple[Enrichment, ...]:
    """Every enrichment but those that are switched off, in the order in which they are shown; `all` switches off every one.

    `InvalidInput` for a name that no enrichment has.
    """
    every: tuple[Enrichment, ...] = (WatchlistItems(), EarlierIncidents(), *queries(), Recommendations())
    unwanted = {name for one in off if (name := one.strip().casefold())}
    known = {one.id for one in every}
    for name in sorted(unwanted - known - {"all"}):
        near = nearest(name, known)
        raise InvalidInput(
            f"There is no enrichment '{name}'.", target="enrichments_off",
            hint=f"Did you mean '{near}'?" if near else f"There are {', '.join(sorted(known))}, and all.",
        )  # fmt: skip
    return tuple(one for one in every if one.id not in unwanted and "all" not in unwanted)
