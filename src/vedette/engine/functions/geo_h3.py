"""Cells of the H3 grid (hexagons)."""

from __future__ import annotations

from vedette.engine.geo.geojson import point, polygon, polygons, valid
from vedette.engine.geo.needs import geo_scalar

_FINEST = 15
_MOST_RINGS = 142


def _level(cell: str) -> int | None:
    import h3

    return h3.get_resolution(cell) if h3.is_valid_cell(cell) else None


@geo_scalar(
    "h3", "geo_point_to_h3cell(longitude: real, latitude: real, resolution?: long): string",
    about="The H3 cell of a place, of resolution 0 to 15 (6 unless told otherwise).",
    page="geo-point-to-h3cell-function",
)  # fmt: skip
def geo_point_to_h3cell(longitude: float, latitude: float, resolution: int = 6) -> object:
    import h3

    if not valid(longitude, latitude) or not 0 <= resolution <= _FINEST:
        return None
    return h3.latlng_to_cell(latitude, longitude, resolution)


@geo_scalar(
    "h3", "geo_h3cell_level(h3cell: string): int", about="The resolution of an H3 cell.",
    page="geo-h3cell-level-function",
)  # fmt: skip
def geo_h3cell_level(cell: str) -> object:
    return _level(cell)


@geo_scalar(
    "h3", "geo_h3cell_parent(h3cell: string, resolution?: long): string", page="geo-h3cell-parent-function",
    about="The H3 cell around a cell, one level up or of a given resolution.",
)  # fmt: skip
def geo_h3cell_parent(cell: str, resolution: int | None = None) -> object:
    import h3

    level = _level(cell)
    if level is None:
        return None
    wanted = level - 1 if resolution is None else resolution
    return h3.cell_to_parent(cell, wanted) if 0 <= wanted <= level else None


@geo_scalar(
    "h3", "geo_h3cell_children(h3cell: string, resolution?: long): dynamic", page="geo-h3cell-children-function",
    about="The H3 cells inside a cell, one level down or of a given resolution (at most five levels down).",
)  # fmt: skip
def geo_h3cell_children(cell: str, resolution: int | None = None) -> object:
    import h3

    level = _level(cell)
    if level is None:
        return None
    wanted = level + 1 if resolution is None else resolution
    if not level <= wanted <= min(_FINEST, level + 5):
        return None
    return list(h3.cell_to_children(cell, wanted))


@geo_scalar(
    "h3", "geo_h3cell_neighbors(h3cell: string): dynamic", about="The H3 cells around one.",
    page="geo-h3cell-neighbors-function",
)  # fmt: skip
def geo_h3cell_neighbors(cell: str) -> object:
    import h3

    return None if _level(cell) is None else list(h3.grid_ring(cell, 1))


@geo_scalar(
    "h3", "geo_h3cell_rings(h3cell: string, distance: long): dynamic", page="geo-h3cell-rings-function",
    about="The rings of H3 cells around one, the cell itself first.",
)  # fmt: skip
def geo_h3cell_rings(cell: str, distance: int) -> object:
    import h3

    if _level(cell) is None or not 0 <= distance <= _MOST_RINGS:
        return None
    rings = [list(h3.grid_ring(cell, ring)) for ring in range(distance + 1)]
    return [[*ring[1:], *ring[:1]] for ring in rings]


@geo_scalar(
    "h3", "geo_h3cell_to_central_point(h3cell: string): dynamic", about="The middle of an H3 cell.",
    page="geo-h3cell-to-central-point-function",
)  # fmt: skip
def geo_h3cell_to_central_point(cell: str) -> object:
    import h3

    if _level(cell) is None:
        return None
    latitude, longitude = h3.cell_to_latlng(cell)
    return point((longitude, latitude))


@geo_scalar(
    "h3", "geo_h3cell_to_polygon(h3cell: string): dynamic", about="An H3 cell as a polygon.",
    page="geo-h3cell-to-polygon-function",
)  # fmt: skip
def geo_h3cell_to_polygon(cell: str) -> object:
    import h3

    if _level(cell) is None:
        return None
    ring = [(longitude, latitude) for latitude, longitude in h3.cell_to_boundary(cell)]
    return polygon([[[*ring, ring[0]]]])


@geo_scalar(
    "h3", "geo_polygon_to_h3cells(polygon: bag, resolution?: long): dynamic", page="geo-polygon-to-h3cells-function",
    about="The H3 cells whose middle lies in a polygon.",
)  # fmt: skip
def geo_polygon_to_h3cells(shape: object, resolution: int = 6) -> object:
    import h3

    known = polygons(shape)
    if known is None or not 0 <= resolution <= _FINEST:
        return None
    cells: dict[str, None] = {}
    for rings in known:
        outer, *holes = [[(latitude, longitude) for longitude, latitude in ring[:-1]] for ring in rings]
        cells.update(dict.fromkeys(h3.polygon_to_cells(h3.LatLngPoly(outer, *holes), resolution)))
    return list(cells)
