"""Ratios of one run: two ways of doing the same, in turn, and the medians of their times.

A ratio holds where a time does not: on a busy machine both ways are slow together.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.persistence.conftest import observer, queue_name, schema, settings, tcp

__all__ = ["observer", "queue_name", "schema", "settings", "tcp"]

LINES = pytest.StashKey[list[str]]()


@pytest.fixture
def say(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Puts a line under the tables at the end of the run."""
    return request.config.stash.setdefault(LINES, []).append


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    for line in config.stash.get(LINES, []):
        terminalreporter.write_line(line)


Paired = Callable[[Callable[[], object], Callable[[], object], int], tuple[float, float, float]]


@pytest.fixture
def paired() -> Iterator[Paired]:
    """Times two ways in turn.

    It takes the way under test, the way it is held against, and how many rounds; it returns the median of the
    rounds' ratios, and both medians in milliseconds.
    """
    gc.collect()
    gc.disable()
    yield in_turn
    gc.enable()


def in_turn(
    one: Callable[[], object], other: Callable[[], object], rounds: int
) -> tuple[float, float, float]:
    times: list[tuple[float, float]] = []
    for number in range(rounds + max(3, rounds // 10)):
        first, second = (one, other) if number % 2 else (other, one)  # neither is always the warmer one
        began = time.perf_counter()
        first()
        between = time.perf_counter()
        second()
        ended = time.perf_counter()
        pair = (between - began, ended - between)
        times.append(pair if number % 2 else (pair[1], pair[0]))
    kept = times[max(3, rounds // 10) :]
    ratio = statistics.median(one / other for one, other in kept)
    ours = statistics.median(each for each, _ in kept)
    theirs = statistics.median(each for _, each in kept)
    return ratio, ours * 1000, theirs * 1000
