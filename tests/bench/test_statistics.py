"""What times can say, held against the standard library's and against what must always hold."""

from __future__ import annotations

import math
import random
import statistics
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.bench.statistics import Ratio, interval_of_median, ratio, tail

TIMES = st.lists(st.floats(0.001, 10_000), min_size=1, max_size=200)
SAME_ROUNDS = st.lists(st.tuples(st.floats(0.001, 100), st.floats(0.001, 100)), min_size=1, max_size=60)


def reached(count: int, rank: int) -> Fraction:
    """How often the median lies between the values of a rank from either end: coins that are tossed."""
    beyond = sum(math.comb(count, heads) for heads in range(rank))
    return 1 - Fraction(2 * beyond, 2**count)


@given(st.integers(6, 300))
def test_an_interval_is_the_narrowest_that_is_sure_enough(count: int) -> None:
    interval = interval_of_median(list(range(1, count + 1)))

    assert interval is not None
    rank = int(interval[0])
    assert interval[1] == count + 1 - rank
    assert reached(count, rank) >= Fraction(95, 100)
    assert reached(count, rank + 1) < Fraction(95, 100)


@pytest.mark.parametrize(("count", "rank"), [(6, 1), (10, 2), (20, 6), (100, 40), (1000, 469)])
def test_the_ranks_are_those_of_the_published_tables(count: int, rank: int) -> None:
    assert interval_of_median(list(range(1, count + 1))) == (rank, count + 1 - rank)


def test_an_interval_holds_the_true_median_as_often_as_it_says() -> None:
    source = random.Random(1)
    median = math.log(2)  # of the exponential distribution, which has as long a tail as times have
    samples = ([source.expovariate(1) for _ in range(30)] for _ in range(2_000))
    intervals = filter(None, map(interval_of_median, samples))
    held = sum(low <= median <= high for low, high in intervals)

    assert 0.95 <= held / 2_000 < 0.975  # exactly 0.957 for 30


@given(TIMES)
def test_fewer_than_six_times_have_no_interval_and_others_have_their_median_in_it(times: list[float]) -> None:
    interval = interval_of_median(times)

    if len(times) < 6:
        assert interval is None
    else:
        assert interval is not None
        assert interval[0] <= statistics.median(times) <= interval[1]


@given(TIMES)
def test_so_many_times_are_within_the_tail(times: list[float]) -> None:
    slow = tail(times)

    if len(times) < 20:
        assert slow is None
    else:
        assert slow in times
        assert sum(each <= slow for each in times) >= 0.95 * len(times)
        assert sum(each < slow for each in times) < 0.95 * len(times)


def test_of_a_hundred_times_the_tail_is_the_ninety_fifth() -> None:
    assert tail([float(each) for each in range(1, 101)]) == 95


@given(SAME_ROUNDS)
def test_a_ratio_is_the_median_of_its_rounds(pairs: list[tuple[float, float]]) -> None:
    times = {number: one for number, (one, _) in enumerate(pairs)}
    others = {number: other for number, (_, other) in enumerate(pairs)}

    found = ratio(times, others)

    assert found is not None
    assert found.value == statistics.median(one / other for one, other in pairs)
    assert found.rounds == len(pairs)


@given(st.lists(st.floats(0.01, 100), min_size=6, max_size=50), st.floats(0.1, 10))
def test_a_slow_machine_changes_no_ratio(paces: list[float], factor: float) -> None:
    """Each round at a pace of its own; the one always takes so many times as long as the other."""
    others = dict(enumerate(paces))
    times = {number: pace * factor for number, pace in others.items()}

    found = ratio(times, others)

    assert found is not None
    assert found.value == pytest.approx(factor)
    assert found.interval == pytest.approx((factor, factor))


def test_only_rounds_that_both_have_count() -> None:
    assert ratio({1: 2.0, 2: 9.0}, {1: 1.0, 3: 1.0}) == Ratio(2.0, None, 1)


def test_without_a_common_round_there_is_no_ratio() -> None:
    assert ratio({1: 2.0}, {2: 1.0}) is None


@pytest.mark.parametrize(
    ("found", "control", "real"),
    [
        (Ratio(1.2, (1.1, 1.3), 50), None, True),
        (Ratio(1.2, (1.1, 1.3), 50), Ratio(1.02, (0.98, 1.06), 50), True),
        (Ratio(1.2, (1.1, 1.3), 50), Ratio(0.8, (0.7, 0.9), 50), False),
        (Ratio(1.2, (0.9, 1.3), 50), None, False),
        (Ratio(1.2, None, 3), None, False),
        (Ratio(0.8, (0.7, 0.9), 50), Ratio(1.02, (0.98, 1.06), 50), True),
    ],
)
def test_a_difference_is_real_where_it_is_sure_and_more_than_noise(
    found: Ratio, control: Ratio | None, real: bool
) -> None:
    assert found.exceeds(control) is real
