from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.report.html.scale import Scale, scale_of

LENGTHS = st.floats(min_value=0.1, max_value=1e8, allow_nan=False)


@given(LENGTHS, st.floats(allow_nan=False, allow_infinity=False, min_value=-1e9, max_value=1e9))
def test_every_moment_is_on_the_axis(longest_ms: float, ms: float) -> None:
    place = Scale(longest_ms).at(ms)

    assert 0 <= place.decades <= 100.000001
    assert 0 <= place.even <= 100.000001


@given(LENGTHS)
def test_the_ticks_ascend_from_zero_and_are_few(longest_ms: float) -> None:
    scale = Scale(longest_ms)
    for ticks in (list(scale.decade_ticks()), list(scale.even_ticks())):
        assert ticks[0] == 0
        assert ticks == sorted(set(ticks))
        assert ticks[-1] <= longest_ms * 1.000001
        assert len(ticks) <= 13


def test_later_is_further_right_on_both_scales() -> None:
    scale = Scale(300)
    places = [scale.at(ms) for ms in (0, 0.5, 3, 40, 300)]

    assert [each.decades for each in places] == sorted({each.decades for each in places})
    assert [each.even for each in places] == sorted({each.even for each in places})
    assert (places[0].even, places[-1].even) == (0, 100)


@pytest.mark.parametrize(
    ("longest_ms", "decades", "even"),
    [
        (36.5, [0, 1, 3, 10, 30], [0, 5, 10, 15, 20, 25, 30, 35]),
        (450, [0, 1, 3, 10, 30, 100, 300], [0, 100, 200, 300, 400]),
        (21_000, [0, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000], [0, 5_000, 10_000, 15_000, 20_000]),
    ],
)
def test_the_ticks_are_round(longest_ms: float, decades: list[float], even: list[float]) -> None:
    scale = Scale(longest_ms)

    assert list(scale.decade_ticks()) == pytest.approx(decades)
    assert list(scale.even_ticks()) == pytest.approx(even)


def test_an_axis_of_nothing_and_of_no_number_is_an_axis() -> None:
    assert scale_of([]).longest_ms == 0.1
    assert scale_of([float("inf"), float("nan"), 7.0]).longest_ms == 7.0
