"""Patience: pauses that grow, and end in time."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.persistence.plan import FIRST_PAUSE_S, Patience, Pause


def pauses(seconds: float, attempt_s: float = 0.0) -> list[float]:
    """The pauses of a plan whose attempts take so long, on a clock of its own."""
    now = 0.0
    patience = Patience(seconds, lambda: now)
    found = []
    while (pause := patience.pause()) is not None:
        found.append(pause.seconds)
        now += pause.seconds + attempt_s
    return found


def test_each_pause_is_twice_as_long_and_the_last_one_is_what_is_left() -> None:
    assert pauses(0.5) == pytest.approx([0.05, 0.1, 0.2, 0.15])


def test_no_time_no_pause() -> None:
    assert Patience(0, lambda: 7.0).pause() is None
    assert Patience(1, lambda: 7.0).pause() == Pause(FIRST_PAUSE_S)


@given(st.floats(0.001, 1000), st.floats(0, 10))
def test_the_last_attempt_begins_in_time(seconds: float, attempt_s: float) -> None:
    found = pauses(seconds, attempt_s)
    assert sum(found) + attempt_s * (len(found) - 1) <= seconds + 1e-6
    assert all(earlier <= later for earlier, later in itertools.pairwise(found[:-1]))
