"""What a handful of times can say, without any belief in how they are distributed.

Times have a long tail, so medians stand for them, and the order of the times says how sure those are: between
which of them the median lies is a matter of tossing coins (the sign test; Conover, Practical Nonparametric
Statistics, 3.2).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

CONFIDENCE = 0.95
"""How often an interval holds the true median."""

_ONCE_IN = 40
"""So often the median may lie beyond one end."""

FEWEST_FOR_TAIL = 20
"""Fewer times have no slowest twentieth."""

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times as long one takes as another, each held against the other's in the same round.

    Args:
        value: the median of the rounds' ratios.
        interval: where it lies with `CONFIDENCE`; None where there are too few rounds to say.
        rounds: in which both were timed.
    """

    value: float
    interval: Interval | None
    rounds: int

    @property
    def is_sure(self) -> bool:
        """Whether one is surely the faster of the two."""
        return self.interval is not None and not self.interval[0] <= 1 <= self.interval[1]

    def exceeds(self, other: Ratio | None) -> bool:
        """Whether it is sure, and further from 1 than another ratio is, which should have been 1."""
        if not self.is_sure:
            return False
        return other is None or abs(math.log(self.value)) > abs(math.log(other.value))


def ratio(times: Mapping[int, float], others: Mapping[int, float]) -> Ratio | None:
    """One driver against another; None where they share no round.

    Args:
        times: of the one, by round; in any unit.
        others: of the other, in the same unit.
    """
    shared = [times[each] / others[each] for each in times if others.get(each, 0.0) > 0 and times[each] > 0]
    if not shared:
        return None
    return Ratio(statistics.median(shared), interval_of_median(shared), len(shared))


def interval_of_median(values: Sequence[float]) -> Interval | None:
    """Between which of the values the median lies with `CONFIDENCE`; None for fewer than six values."""
    rank = _rank(len(values))
    if rank is None:
        return None
    ordered = sorted(values)
    return ordered[rank - 1], ordered[-rank]


def _rank(count: int) -> int | None:
    """The greatest rank from either end that the median lies beyond once in forty times at most."""
    allowed = 2**count // _ONCE_IN
    below, rank = 0, 0
    while (below := below + math.comb(count, rank)) <= allowed:
        rank += 1
    return rank or None


def tail(values: Sequence[float]) -> float | None:
    """The time that 95 of 100 stay within (nearest rank); None for fewer than `FEWEST_FOR_TAIL`."""
    if len(values) < FEWEST_FOR_TAIL:
        return None
    return sorted(values)[math.ceil(0.95 * len(values)) - 1]
