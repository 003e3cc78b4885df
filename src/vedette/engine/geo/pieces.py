"""What lines and polygons have in common, and their union, as GeoJSON."""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from collections.abc import Iterable
from typing import Any

from vedette.engine.geo.geojson import Line, Position, Rings, line_string, point, polygon
from vedette.engine.geo.shapes import place, s2_point

Edge = tuple[Position, Position]


def polygon_json(shape: Any) -> object:
    """An S2 polygon as a Polygon or MultiPolygon; an empty one is None."""
    return polygon(polygon_rings(shape))


def polygon_rings(shape: Any) -> list[Rings]:
    """The rings of an S2 polygon, part by part, each with the inside on its left."""
    parts: list[Rings] = []
    for index in range(shape.num_loops()):
        loop = shape.loop(index)
        ring = [place(loop.vertex(corner)) for corner in range(loop.num_vertices())]
        if loop.is_hole():
            # S2 keeps the corners of a hole counterclockwise; GeoJSON has it clockwise
            ring.reverse()
            parts[-1].append([*ring, ring[0]])
        else:
            parts.append([[*ring, ring[0]]])
    return parts


def polygon_union(shapes: list[Any]) -> Any:
    """The union of polygons, the two with the fewest corners first, as S2 does."""
    import s2geometry as s2

    queue = [(shape.num_vertices(), number, shape) for number, shape in enumerate(shapes)]
    heapq.heapify(queue)
    number = len(queue)
    while len(queue) > 1:
        first, second = heapq.heappop(queue), heapq.heappop(queue)
        both = s2.S2Polygon()
        both.InitToUnion(first[2], second[2])
        heapq.heappush(queue, (first[0] + second[0], number, both))
        number += 1
    return queue[0][2]


def collected(points: list[Position], lines: list[Line], area: object = None) -> object:
    """The geometry of some points, lines and an area; a GeometryCollection of several kinds or of none."""
    parts: list[object] = []
    if len(points) == 1:
        parts.append(point(points[0]))
    elif points:
        parts.append({"type": "MultiPoint", "coordinates": [list(at) for at in points]})
    if lines:
        parts.append(line_string(lines))
    if area is not None:
        parts.append(area)
    return parts[0] if len(parts) == 1 else {"type": "GeometryCollection", "geometries": parts}


def edges_of(parts: Iterable[Any]) -> list[Edge]:
    """The edges of S2 polylines, in degrees."""
    found = []
    for part in parts:
        corners = [place(part.vertex(index)) for index in range(part.num_vertices())]
        found += list(itertools.pairwise(corners))
    return found


def _key(edge: Edge) -> Edge:
    return edge if edge[0] <= edge[1] else (edge[1], edge[0])


def chains(edges: list[Edge]) -> list[Line]:
    """Edges joined to lines wherever exactly two meet, in their order."""
    degree = Counter(end for edge in edges for end in edge)
    starting = {a: place for place, (a, _) in enumerate(edges) if degree[a] == 2}
    following = [starting.get(b) for _, b in edges]
    heads = sorted(set(range(len(edges))) - set(following))
    found: dict[int, Line] = {}
    used: set[int] = set()
    # what no head leads to are rings
    for head in (*heads, *range(len(edges))):
        if head in used:
            continue
        line, place = [edges[head][0]], head
        while place is not None and place not in used:
            used.add(place)
            line.append(edges[place][1])
            place = following[place]
        found[head] = line
    return [found[head] for head in sorted(found)]


def closed(edges: list[Edge]) -> list[Line]:
    """The simple loops that directed edges make, without the repeated corner; each starts after its last edge.

    Where loops meet in a corner each turns as far to the left as it can, so that they do not cross.
    """
    import s2geometry as s2

    leaving: dict[Position, list[int]] = {}
    for number, (a, _) in enumerate(edges):
        leaving.setdefault(a, []).append(number)

    def onward(before: Position, at: Position) -> int:
        best, *others = leaving[at]
        for other in others:
            # between the way back and the best so far, counterclockwise from the best
            ends = (edges[best][1], edges[other][1], before, at)
            if other != best and s2.OrderedCCW(*(s2_point(end) for end in (ends[2], ends[0], ends[1], ends[3]))):
                best = other
        leaving[at].remove(best)
        return best

    found: list[tuple[int, Line]] = []
    for first in range(len(edges)):
        if first not in leaving[edges[first][0]]:
            continue
        leaving[edges[first][0]].remove(first)
        path, starts = [first], {edges[first][0]: 0}
        while path:
            before, at = edges[path[-1]]
            if at in starts:
                loop, path = path[starts[at] :], path[: starts[at]]
                for number in loop:
                    del starts[edges[number][0]]
                last = loop.index(max(loop))
                found.append((min(loop), [edges[number][0] for number in loop[last + 1 :] + loop[: last + 1]]))
            elif leaving.get(at):
                starts[at] = len(path)
                path.append(onward(before, at))
            else:
                break
    return [line for _, line in sorted(found)]


def common_to_lines(first: list[Any], second: list[Any]) -> object:
    """Where two sets of lines meet: crossings and shared corners as points, shared edges as lines."""
    import s2geometry as s2

    left, right = edges_of(first), edges_of(second)
    have = {_key(edge) for edge in right}
    shared = [edge for edge in left if _key(edge) in have]
    on_lines = {end for edge in shared for end in edge}
    corners = {end for edge in right for end in edge}
    points: dict[Position, None] = {}
    for a, b in left:
        pa, pb = s2_point(a), s2_point(b)
        for end in (a, b):
            if end in corners and end not in on_lines:
                points[end] = None
        for c, d in right:
            pc, pd = s2_point(c), s2_point(d)
            if s2.CrossingSign(pa, pb, pc, pd) > 0:
                points[place(s2.GetIntersection(pa, pb, pc, pd))] = None
    return collected(list(points), chains(list({_key(edge): edge for edge in shared}.values())))


def common_to_polygons(first: Any, second: Any) -> object:
    """Where two polygons meet: their common area, and corners and edges in which they only touch."""
    import s2geometry as s2

    area = s2.S2Polygon()
    s2.S2BooleanOperation(s2.S2BooleanOperation.OpType_INTERSECTION, s2.S2PolygonLayer(area)).Build(
        _index(first), _index(second)
    )
    kept = {corner for ring in _rings(area) for corner in ring}
    one, other = _rings(first), _rings(second)
    have = {_key(edge) for ring in other for edge in _ring_edges(ring)}
    touching = [
        edge for ring in one for edge in _ring_edges(ring)
        if _key(edge) in have and not (edge[0] in kept and edge[1] in kept)
    ]  # fmt: skip
    on_lines = {end for edge in touching for end in edge}
    corners = {corner for ring in other for corner in ring}
    points = {
        corner: None for ring in one for corner in ring if corner in corners and corner not in kept | on_lines
    }  # fmt: skip
    return collected(list(points), chains(touching), polygon_json(area))


def _index(shape: Any) -> Any:
    import s2geometry as s2

    index = s2.MutableS2ShapeIndex()
    # the index frees what it is given
    index.Add(shape.Clone())
    return index


def _rings(shape: Any) -> list[Line]:
    return [
        [place(shape.loop(index).vertex(corner)) for corner in range(shape.loop(index).num_vertices())]
        for index in range(shape.num_loops())
    ]


def _ring_edges(ring: Line) -> list[Edge]:
    return list(zip(ring, [*ring[1:], ring[0]], strict=True))


def line_union(parts: list[Any]) -> object:
    """All edges of lines once, split where they cross, joined to lines."""
    return line_string(chains(split_edges(parts)))


def split_edges(parts: list[Any]) -> list[Edge]:
    """All edges of lines once, split where they cross."""
    import s2geometry as s2

    edges = list({_key(edge): edge for edge in edges_of(parts)}.values())
    split: list[Edge] = []
    for place_, (a, b) in enumerate(edges):
        pa, pb = s2_point(a), s2_point(b)
        cuts = []
        for other, (c, d) in enumerate(edges):
            if other != place_:
                pc, pd = s2_point(c), s2_point(d)
                if s2.CrossingSign(pa, pb, pc, pd) > 0:
                    # both edges must get the same point
                    first, second = ((pa, pb), (pc, pd)) if place_ < other else ((pc, pd), (pa, pb))
                    cuts.append(place(s2.GetIntersection(*first, *second)))
        cuts.sort(key=lambda at: float(s2.S1Angle(pa, s2_point(at)).radians()))
        corners = [a, *cuts, b]
        split += list(itertools.pairwise(corners))
    return split
