"""The mathematics of time series."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vedette.engine.series import decompose, fence_scores, find_periods, fit_line, fit_two_lines

SERIES = st.lists(st.floats(-1e6, 1e6).map(lambda value: round(value, 3)), min_size=4, max_size=60).map(np.array)


@given(SERIES, st.integers(-1, 12), st.sampled_from(["avg", "linefit", "none"]), st.integers(0, 5))
def test_parts_add_up(y: np.ndarray, period: int, trend: str, test_points: int) -> None:
    parts = decompose(y, period, trend, test_points, 0.6)
    assert np.allclose(parts.seasonal + parts.trend, parts.baseline)
    assert np.allclose(parts.baseline + parts.residual, y, atol=1e-6)


@given(SERIES)
def test_a_line_leaves_no_trend(y: np.ndarray) -> None:
    rest = y - fit_line(y).fit
    assert fit_line(rest).slope == pytest.approx(0, abs=1e-6)
    # two lines are never worse than one
    assert fit_two_lines(y).rsquare >= fit_line(y).rsquare - 1e-9


@pytest.mark.parametrize(("period", "count"), [(7, 6), (24, 7), (12, 4)])
def test_a_season_in_noise_is_found(period: int, count: int) -> None:
    noise = np.random.default_rng(period)
    size = period * count
    y = 10 * np.sin(np.arange(size) * 2 * np.pi / period) + noise.normal(0, 1, size)
    assert find_periods(y, 0, size, 1)[0][0] == period


def test_a_week_of_days_is_found_before_its_days() -> None:
    hours = np.arange(24 * 7 * 5)
    y = np.where((hours // 24) % 7 >= 5, 5.0, 15.0) - ((hours % 24) // 10) ** 2
    y = y + np.random.default_rng(1).uniform(0, 2, len(y))
    assert find_periods(y, 0, len(y), 1)[0][0] == 168


def test_noise_has_no_season() -> None:
    noise = np.random.default_rng(3)
    found = [find_periods(noise.normal(size=size), 0, size, 1) for size in (21, 30, 60, 168) for _ in range(25)]
    assert not any(periods and periods[0][1] >= 0.6 for periods in found)


def test_two_periods_are_too_few() -> None:
    assert find_periods(np.array([1.0, 3, 5, 2, 4, 6] * 2), 0, 12, 1) == []


@given(SERIES)
@example(np.array([0.0, 0.0, -1.0, -0.0, -0.0, 0.0]))
@example(np.array([0.0, 0.0, 0.0, 1.0, -0.0, -0.0]))
def test_scores_are_zero_inside_the_fence_and_grow_outside(y: np.ndarray) -> None:
    scores = fence_scores(y, "tukey", len(y))
    low, high = np.percentile(y, 25), np.percentile(y, 75)
    assert not scores[(y >= low) & (y <= high)].any()
    assert (scores[y > high] > 0).all()
    assert (scores[y < low] < 0).all()
