"""Cells of the S2 grid (four-sided cells of a cube's faces)."""

from __future__ import annotations

from typing import Any

from vedette.engine.geo.buffers import edge_buffers, polygon_buffer
from vedette.engine.geo.geojson import point, polygon, valid
from vedette.engine.geo.needs import geo_scalar
from vedette.engine.geo.shapes import place, polygon_shape, polylines

_FINEST = 30
_DEFAULT_LEVEL = 11
_MOST_CELLS = 65_536


def _cell(token: str) -> Any:
    import s2geometry as s2

    if not 1 <= len(token) <= 16 or not all(digit in "0123456789abcdefABCDEF" for digit in token):
        return None
    cell = s2.S2CellId.FromToken(token.lower())
    return cell if cell.is_valid() else None


@geo_scalar(
    "s2geometry", "geo_point_to_s2cell(longitude: real, latitude: real, level?: long): string",
    about="The S2 cell of a place, of level 0 to 30 (11 unless told otherwise).",
    page="geo-point-to-s2cell-function",
)  # fmt: skip
def geo_point_to_s2cell(longitude: float, latitude: float, level: int = _DEFAULT_LEVEL) -> object:
    import s2geometry as s2

    if not valid(longitude, latitude) or not 0 <= level <= _FINEST:
        return None
    return str(s2.S2CellId(s2.S2LatLng.FromDegrees(latitude, longitude)).parent(level).ToToken())


@geo_scalar(
    "s2geometry", "geo_s2cell_to_central_point(s2cell: string): dynamic", about="The middle of an S2 cell.",
    page="geo-s2cell-to-central-point-function",
)  # fmt: skip
def geo_s2cell_to_central_point(token: str) -> object:
    cell = _cell(token)
    return None if cell is None else point(place(cell.ToPoint()))


@geo_scalar(
    "s2geometry", "geo_s2cell_to_polygon(s2cell: string): dynamic", about="An S2 cell as a polygon.",
    page="geo-s2cell-to-polygon-function",
)  # fmt: skip
def geo_s2cell_to_polygon(token: str) -> object:
    import s2geometry as s2

    cell = _cell(token)
    if cell is None:
        return None
    shape = s2.S2Cell(cell)
    ring = [place(shape.GetVertex(corner)) for corner in range(4)]
    return polygon([[[*ring, ring[0]]]])


@geo_scalar(
    "s2geometry", "geo_s2cell_neighbors(s2cell: string): dynamic", about="The S2 cells around one, of its level.",
    page="geo-s2cell-neighbors-function",
)  # fmt: skip
def geo_s2cell_neighbors(token: str) -> object:
    cell = _cell(token)
    return None if cell is None else [str(other.ToToken()) for other in cell.GetAllNeighbors(cell.level())]


def _covering(region: Any, level: int) -> object:
    """The cells of a level that cover a region; None where they are too many."""
    import s2geometry as s2

    if not 0 <= level <= _FINEST:
        return None
    # a first look at few cells says how many the level would need
    rough = s2.S2RegionCoverer()
    rough.set_max_cells(64)
    rough.set_max_level(level)
    if sum(4 ** (level - cell.level()) for cell in rough.GetCovering(region)) > 4 * _MOST_CELLS:
        return None
    coverer = s2.S2RegionCoverer()
    coverer.set_fixed_level(level)
    cells = [str(cell.ToToken()) for cell in coverer.GetCovering(region)]
    return cells if len(cells) <= _MOST_CELLS else None


@geo_scalar(
    "s2geometry", "geo_polygon_to_s2cells(polygon: bag, level?: long, radius?: real): dynamic",
    about="The S2 cells that cover a polygon, or all within a radius of it; null where more than 65,536 are needed.",
    page="geo-polygon-to-s2cells-function",
)  # fmt: skip
def geo_polygon_to_s2cells(value: object, level: int = _DEFAULT_LEVEL, radius: float = 0.0) -> object:
    shape = polygon_shape(value)
    if shape is None or not radius >= 0:
        return None
    return _covering(shape, level) if radius == 0 else _covering_around([shape], level, radius)


@geo_scalar(
    "s2geometry", "geo_line_to_s2cells(lineString: bag, level?: long, radius?: real): dynamic",
    about="The S2 cells that cover a line, or all within a radius of it; null where more than 65,536 are needed.",
    page="geo-line-to-s2cells-function",
)  # fmt: skip
def geo_line_to_s2cells(value: object, level: int = _DEFAULT_LEVEL, radius: float = 0.0) -> object:
    shapes = polylines(value)
    if shapes is None or not radius >= 0:
        return None
    return (
        _together([_covering(shape, level) for shape in shapes])
        if radius == 0
        else _covering_around([buffered for shape in shapes for buffered in edge_buffers(shape, radius)], level, 0.0)
    )


def _together(parts: list[object]) -> object:
    cells: dict[str, None] = {}
    for part in parts:
        if not isinstance(part, list):
            return None
        cells.update(dict.fromkeys(part))
    return list(cells) if len(cells) <= _MOST_CELLS else None


def _covering_around(shapes: list[Any], level: int, radius: float) -> object:
    """The cells that cover all within a radius of some polygons."""
    areas = [polygon_buffer(shape, radius) if radius else shape for shape in shapes]
    return _together([None if area is None else _covering(area, level) for area in areas])
