"""Lines and polygons of fewer corners: vertices and edges snapped to some of the vertices, then straight chains replaced.

What S2 calls snapping to the identity with simplified edge chains, whose switches the library's binding does not have. Of
the vertices some stay as sites, no two nearer than the tolerance. An edge becomes the chain of the sites whose regions
(nearer to them than to another site, and within the tolerance) it passes. A chain of such edges becomes one edge where
that passes every vertex that it stands for within the tolerance and keeps other sites at half of it, on their side.

Source: the documented guarantees of S2Builder (vertex separation, edge separation, deviation).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field
from itertools import pairwise
from typing import TYPE_CHECKING

from vedette.core.deferred import deferred
from vedette.engine.geo.chain_window import ChainWindow, cross, dot, triple
from vedette.engine.geo.geojson import Position
from vedette.engine.geo.shapes import s2_point
from vedette.engine.geo.sphere import Vector, angle, vector
from vedette.kql.node import node

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
else:
    np = deferred("numpy")
    Floats = object

Edge = tuple[Position, Position]
_DEVIATION = 1.1
"""How much farther than a vertex an edge may move."""
_SEPARATION = 0.5
"""The least share of the tolerance between a simplified edge and a site beside it."""
_CLOSE = 1e-15


@node
class _Sites:
    """The vertices that stay, in S2's order of cells."""

    at: list[Position]
    vectors: Floats
    points: list[Vector]
    of: dict[Position, int]
    """The site that each vertex goes to."""
    moved: bool
    """Whether some vertex is no site."""


def _chord(radians: float) -> float:
    return 2 * math.sin(min(radians, math.pi) / 2)


def _sites(vertices: list[Position], radius: float) -> _Sites:
    import s2geometry as s2
    from scipy.spatial import cKDTree

    listed = sorted(dict.fromkeys(vertices), key=lambda at: (s2.S2CellId(s2_point(at)).id(), at))
    vectors = np.array([vector(at) for at in listed])
    tree = cKDTree(vectors)
    covered = np.zeros(len(listed), np.bool_)
    chosen: list[int] = []
    for place in range(len(listed)):
        if not covered[place]:
            chosen.append(place)
            covered[tree.query_ball_point(vectors[place], _chord(radius))] = True
    kept = vectors[chosen]
    nearest = cKDTree(kept).query(vectors)[1].tolist()
    points = [triple(row) for row in kept]
    of = dict(zip(listed, nearest, strict=True))
    return _Sites([listed[place] for place in chosen], kept, points, of, len(chosen) < len(listed))


def _from_edge(points: Floats, a: Vector, b: Vector) -> Floats:
    """The angles between points and an edge."""
    start, end = np.array(a), np.array(b)
    apart = np.minimum(((points - start) ** 2).sum(axis=1), ((points - end) ** 2).sum(axis=1))
    ends: Floats = 2 * np.arcsin(np.minimum(1.0, np.sqrt(apart) / 2))
    normal = cross(a, b)
    length = math.hypot(*normal)
    if length < _CLOSE:
        return ends
    across = np.array(normal) / length
    beside = (points @ np.array(cross(normal, a)) >= 0) & (points @ np.array(cross(normal, b)) <= 0)
    aside: Floats = np.arcsin(np.minimum(1.0, np.abs(points @ across)))
    found: Floats = np.where(beside, aside, ends)
    return found


def _passed(start: Vector, end: Vector, sites: list[int], vectors: Floats, radius: float) -> list[int]:
    """The sites whose regions an edge passes, in its direction."""
    a, b = np.array(start), np.array(end)
    along = b - a * dot(start, end)
    along = along / math.sqrt(float(along @ along))
    length = angle(start, end)
    # the nearness of site k at the angle t is x[k] cos t + y[k] sin t
    x, y = vectors[sites] @ a, vectors[sites] @ along
    now, t, found = int(np.argmax(x)), 0.0, []
    while True:
        dx, dy = x - x[now], y - y[now]
        # where another site becomes the nearer one
        crossing = np.where(dy > 0, np.arctan2(-dx, dy), math.inf)
        crossing[now] = math.inf
        crossing[crossing < t - _CLOSE] = math.inf
        following = int(np.argmin(crossing))
        until = min(length, float(crossing[following]))
        reach = math.hypot(float(x[now]), float(y[now]))
        if reach >= math.cos(radius):
            half, center = math.acos(min(1.0, math.cos(radius) / reach)), math.atan2(float(y[now]), float(x[now]))
            if center - half <= until + _CLOSE and center + half >= t - _CLOSE:
                found.append(sites[now])
        if not crossing[following] < length:
            return found
        now, t = following, max(t, until)


@node
class _Graph:
    """The snapped edges of all layers."""

    layers: list[Counter[tuple[int, int]]]
    numbers: list[dict[tuple[int, int], int]]
    """The first input edge of a layer that became an edge between two sites."""
    neighbours: defaultdict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    near: dict[tuple[int, int], list[int]] = field(default_factory=dict)
    """The sites near an input edge that became the edge between two sites."""

    def add(self, layer: int, number: int, chain: list[int], near: list[int]) -> None:
        """One input edge."""
        for a, b in pairwise(chain):
            self.layers[layer][a, b] += 1
            self.numbers[layer].setdefault((a, b), number)
            self.neighbours[a].add(b)
            self.neighbours[b].add(a)
            for key in ((a, b), (b, a)):
                if key not in self.near or len(near) < len(self.near[key]):
                    self.near[key] = near

    def is_inner(self, site: int) -> bool:
        """Whether every layer goes through a site from one of its two neighbours to the other."""
        around = self.neighbours[site]
        if len(around) != 2:
            return False
        one, other = around
        return all(
            layer[one, site] == layer[site, other] and layer[other, site] == layer[site, one] for layer in self.layers
        )


class Simplifier:
    """Simplifies the edges of several layers together, so that what they share stays shared; the radius is an angle."""

    def __init__(self, radius: float) -> None:
        self._radius = radius

    def simplify(self, layers: Sequence[Sequence[Edge]]) -> list[list[Edge]]:
        """The edges that each layer has in the end, in the order of those given; an edge of one site is none."""
        everything = [edge for layer in layers for edge in layer]
        if not everything or self._radius <= 0:
            return [list(layer) for layer in layers]
        sites = _sites([end for edge in everything for end in edge], self._radius)
        near = self._near(everything, sites)
        least = _SEPARATION * self._radius
        if not sites.moved and not any(
            far < least and site not in (sites.of[a], sites.of[b])
            for (a, b), beside in near.items()
            for site, far in beside.items()
        ):
            # all is as far apart already as the result would have to be
            return [list(layer) for layer in layers]
        graph = _Graph([Counter() for _ in layers], [{} for _ in layers])
        for layer, edges in enumerate(layers):
            for number, (a, b) in enumerate(edges):
                beside = near[a, b]
                candidates = [site for site, far in beside.items() if far <= self._radius]
                chain = _passed(vector(a), vector(b), candidates, sites.vectors, self._radius)
                graph.add(layer, number, chain, list(beside))
        standing: defaultdict[int, list[Position]] = defaultdict(list)
        for at, site in sites.of.items():
            standing[site].append(at)
        made: list[list[tuple[int, int, int]]] = [[] for _ in layers]
        for chain in self._chains(graph, sites, standing):
            for way in (chain, chain[::-1]):
                for layer, counts in enumerate(graph.layers):
                    pairs = list(pairwise(way))
                    if counts[pairs[0]]:
                        number = min(graph.numbers[layer][pair] for pair in pairs)
                        made[layer] += [(number, way[0], way[-1])] * counts[pairs[0]]
        return [[(sites.at[a], sites.at[b]) for _, a, b in sorted(edges)] for edges in made]

    def _near(self, edges: Iterable[Edge], sites: _Sites) -> dict[Edge, dict[int, float]]:
        """The sites that a simplified edge might come too near to, and how far they are, for each edge."""
        from scipy.spatial import cKDTree

        tree = cKDTree(sites.vectors)
        reach = (_DEVIATION + _SEPARATION) * self._radius
        found: dict[Edge, dict[int, float]] = {}
        for edge in dict.fromkeys(edges):
            a, b = vector(edge[0]), vector(edge[1])
            middle = np.array(a) + np.array(b)
            middle = middle / math.sqrt(float(middle @ middle))
            around = sorted(tree.query_ball_point(middle, _chord(angle(a, b) / 2 + reach) + _CLOSE))
            distances = _from_edge(sites.vectors[around], a, b).tolist()
            found[edge] = {site: far for site, far in zip(around, distances, strict=True) if far <= reach}
        return found

    def _chains(self, graph: _Graph, sites: _Sites, standing: dict[int, list[Position]]) -> Iterator[list[int]]:
        """The sites of the chains that become one edge each; every edge of the graph is in one."""
        inner = {site for site in graph.neighbours if graph.is_inner(site)}
        used: set[tuple[int, int]] = set()
        order = sorted({pair for layer in graph.layers for edge in layer for pair in (edge, edge[::-1])})
        for loops in (False, True):
            for a, b in order:
                if (a, b) in used or (a in inner and not loops):
                    continue
                for chain in self._chain(a, b, graph, sites, standing, inner):
                    for pair in pairwise(chain):
                        used |= {pair, (pair[1], pair[0])}
                    yield chain

    def _chain(
        self, before: int, at: int, graph: _Graph, sites: _Sites, standing: dict[int, list[Position]], inner: set[int]
    ) -> Iterator[list[int]]:
        """From one edge on through inner sites, in pieces that may be one edge."""
        start, done, points = before, False, sites.points
        while not done:
            chain, seen = [before], {before}
            window = ChainWindow(points[before])
            may = self._keeps_off(window, chain[0], before, at, graph, points, seen)
            while True:
                chain.append(at)
                seen.add(at)
                done = at not in inner or at == start
                if done:
                    break
                following = next(site for site in graph.neighbours[at] if site != before)
                before, at = at, following
                if not (
                    may
                    and all(window.target(vector(one), self._radius) for one in standing[before])
                    and self._keeps_off(window, chain[0], before, at, graph, points, seen)
                    and window.allows(points[at])
                ):
                    break
            yield chain

    def _keeps_off(
        self, window: ChainWindow, start: int, before: int, at: int, graph: _Graph, points: list[Vector], seen: set[int]
    ) -> bool:
        """Narrows the directions to those that pass the sites beside an edge on the side on which the chain does."""
        near, far = angle(points[start], points[before]), angle(points[start], points[at])
        # the chain must lead away from its start, and its edge be short enough not to stray
        if far < near or far >= 2 * math.acos(math.sin(self._radius) / math.sin(min(_DEVIATION * self._radius, 1.5))):
            return False
        for site in graph.near[before, at]:
            if angle(points[start], points[site]) >= far or site in seen:
                continue
            seen.add(site)
            left = _is_left(points[start], points[before], points[at], points[site])
            if not window.avoid(points[site], _SEPARATION * self._radius, left=left):
                return False
        return True


def _is_left(start: Vector, before: Vector, at: Vector, point: Vector) -> bool:
    """Whether a point is to the left of the way from the start over one vertex to the next."""
    import s2geometry as s2

    if before == start:
        return dot(cross(before, at), point) > 0
    return bool(s2.OrderedCCW(*(s2.S2Point_FromRaw(*one) for one in (start, at, point, before))))
