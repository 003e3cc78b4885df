"""What simplifying shapes promises: corners apart, edges near to what they stand for, and nothing left to simplify."""

from __future__ import annotations

import math
import random
from itertools import combinations, pairwise

import pytest

pytest.importorskip("s2geometry", reason="the extra vedette[geo] is not installed")

from vedette.engine.functions import geo_simplify
from vedette.engine.geo.simplify import Edge, Simplifier
from vedette.engine.geo.sphere import EARTH_RADIUS, angle, distance, vector

Place = tuple[float, float]


def coast(seed: int) -> list[Place]:
    """A closed way round an island, uneven at random."""
    draw = random.Random(seed)
    corners, size, rough = draw.choice([8, 40, 150]), draw.choice([0.05, 0.5]), draw.uniform(0, 0.3)
    at = (draw.uniform(-170, 170), draw.uniform(-60, 60))
    ring = []
    for corner in range(corners):
        turn = 2 * math.pi * corner / corners
        far = size * (1 + rough * math.sin(7 * turn) + 0.3 * rough * draw.random())
        ring.append((at[0] + far * math.cos(turn), at[1] + far * math.sin(turn)))
    return [*ring, ring[0]]


def from_edge(point: Place, edge: Edge) -> float:
    """Metres between a place and the nearest of many points of an edge."""
    a, b = edge
    steps = [k / 100 for k in range(101)]
    return min(distance(point, (a[0] + (b[0] - a[0]) * k, a[1] + (b[1] - a[1]) * k)) for k in steps)


@pytest.mark.parametrize("seed", range(10))
def test_corners_stay_apart_and_edges_near(seed: int) -> None:
    ring = coast(seed)
    tolerance = random.Random(-seed).choice([50.0, 300.0, 1500.0])
    (edges,) = Simplifier(tolerance / EARTH_RADIUS).simplify([list(pairwise(ring))])
    corners = {end for edge in edges for end in edge}
    assert corners <= set(ring)
    if len(corners) < len(set(ring)):
        assert all(distance(a, b) >= tolerance * (1 - 1e-9) for a, b in combinations(corners, 2))
    for point in ring[:: max(1, len(ring) // 12)] if edges else []:
        # the points between are found on the map, not on the sphere
        assert min(from_edge(point, edge) for edge in edges) <= 1.1 * tolerance + 5
    assert Simplifier(tolerance / EARTH_RADIUS).simplify([edges]) == [edges]


def test_a_common_border_stays_common() -> None:
    draw = random.Random(7)
    border = [(draw.uniform(-0.001, 0.001), k / 100) for k in range(101)]
    left = [*border, (-1.0, 1.0), (-1.0, 0.0), border[0]]
    right = [*reversed(border), (1.0, 0.0), (1.0, 1.0), border[-1]]
    shapes = [{"type": "Polygon", "coordinates": [[list(at) for at in ring]]} for ring in (left, right)]
    made = geo_simplify._simplified(shapes, 1500.0)
    assert isinstance(made, dict)
    assert made["type"] == "MultiPolygon"
    first, second = ({tuple(at) for at in rings[0]} for rings in made["coordinates"])
    shared = {at for at in first if abs(at[0]) < 0.5}
    assert shared == {at for at in second if abs(at[0]) < 0.5}
    assert 2 <= len(shared) < 50


def test_a_chain_is_not_replaced_where_the_edge_would_pass_on_the_wrong_side() -> None:
    """The dot lies between the bulge of the chain and the straight line."""
    metre = 1 / 111_195
    chain = [(k * 4 * metre, 8 * math.sin(math.pi * k / 50) * metre) for k in range(51)]
    dot = [(100 * metre, 3 * metre), (100 * metre, 40 * metre)]
    edges = list(pairwise(chain))
    alone, together = (
        Simplifier(10 / EARTH_RADIUS).simplify(layers) for layers in ([edges], [edges, [(dot[0], dot[1])]])
    )
    assert len(alone[0]) == 1
    assert len(together[0]) > 1
    assert angle(vector(chain[0]), vector(chain[-1])) > 0
