"""The orders of the rounds."""

from __future__ import annotations

import itertools
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from repro.bench.schedule import rounds


@given(st.integers(0, 10**9), st.integers(1, 12), st.integers(1, 30))
def test_each_round_has_each_once(seed: int, members: int, count: int) -> None:
    orders = list(rounds(range(members), count, seed))

    assert len(orders) == count
    assert all(sorted(order) == list(range(members)) for order in orders)


def test_the_same_seed_gives_the_same_orders_and_another_one_others() -> None:
    assert list(rounds("abcdef", 20, 7)) == list(rounds("abcdef", 20, 7))
    assert list(rounds("abcdef", 20, 7)) != list(rounds("abcdef", 20, 8))


def test_none_always_comes_after_the_same_one() -> None:
    after = Counter(pair for order in rounds("abc", 600, 1) for pair in itertools.pairwise(order))

    assert len(after) == 6
    assert min(after.values()) > 150  # 200 of 1200 each, where all orders are alike
