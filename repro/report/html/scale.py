"""The time axis of the waterfalls in two scales: one shows short steps beside long ones, one is even."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

KNEE_MS = 1.0
"""Below this the first scale is nearly even; above it each decade is as wide as the next."""

_STEPS = (1, 3)
_APART = 8.0
"""Percent of the axis that two labels are apart at least."""

_MOST_PLAIN_TICKS = 8


@dataclass(frozen=True, slots=True)
class Place:
    """A moment or a length on the axis, in percent of its width.

    Args:
        decades: on the first scale.
        even: on the plain one.
    """

    decades: float
    even: float


@dataclass(frozen=True, slots=True)
class Scale:
    """The axis from a probe's begin to the end of the longest one.

    Args:
        longest_ms: what the axis reaches to, in milliseconds; more than 0.
    """

    longest_ms: float

    def at(self, ms: float) -> Place:
        """Where a moment stands, in milliseconds since the probe began."""
        ms = min(max(ms, 0.0), self.longest_ms)
        decades = math.log1p(ms / KNEE_MS) / math.log1p(self.longest_ms / KNEE_MS)
        return Place(100 * decades, 100 * ms / self.longest_ms)

    def decade_ticks(self) -> Iterator[float]:
        """The labelled moments of the first scale: 0, 1, 3, 10, 30 and so on, in milliseconds."""
        yield 0.0
        last = 0.0
        for power in range(-3, 10):
            for step in _STEPS:
                ms = step * 10.0**power
                place = self.at(ms).decades
                if ms <= self.longest_ms and place - last >= _APART:
                    yield ms
                    last = place

    def even_ticks(self) -> Iterator[float]:
        """The labelled moments of the plain scale, in milliseconds: at most eight, of a round step."""
        size = 10.0 ** math.floor(math.log10(self.longest_ms))
        step = next(
            step
            for step in (size / 10, size / 5, size / 2, size, 2 * size)
            if self.longest_ms / step <= _MOST_PLAIN_TICKS
        )
        for number in range(int(self.longest_ms / step) + 1):
            yield number * step


def scale_of(ends_ms: Iterable[float]) -> Scale:
    """The axis for probes that end then, in milliseconds since each began."""
    return Scale(max([0.1, *(end for end in ends_ms if math.isfinite(end))]))
