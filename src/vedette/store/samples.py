"""The sample tables of Kusto's documentation, so that its examples can be checked as they stand.

They are known to the binder alone: they hold no rows, and a table of the same name that is loaded takes their place.
Source: the KQL pages "Tutorial: Learn common operators" and "Tutorial: Join data from multiple tables".
"""

from __future__ import annotations

from typing import Final

from vedette.kql.types import TYPE_NAMES, Type

_COLUMNS: Final = {
    "StormEvents": (
        "StartTime:datetime EndTime:datetime EpisodeId:int EventId:int State:string EventType:string InjuriesDirect:int "
        "InjuriesIndirect:int DeathsDirect:int DeathsIndirect:int DamageProperty:int DamageCrops:int Source:string "
        "BeginLocation:string EndLocation:string BeginLat:real BeginLon:real EndLat:real EndLon:real "
        "EpisodeNarrative:string EventNarrative:string StormSummary:dynamic"
    ),
    "PopulationData": "State:string Population:long",
}


def sample(table: str) -> tuple[tuple[str, Type], ...] | None:
    """The columns of a sample table with their types; None for any other table."""
    described = _COLUMNS.get(table)
    if described is None:
        return None
    pairs = (column.split(":") for column in described.split())
    return tuple((name, TYPE_NAMES[type_]) for name, type_ in pairs)
