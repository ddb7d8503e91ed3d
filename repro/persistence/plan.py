"""What a store does, without I/O: parts, carried out one after the other and answered with their results.

A part that fails throws its `PersistenceError` into the plan, which may answer with another part: that is how
a lost answer is settled.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from repro.persistence.queue import Conversation
from repro.persistence.steps import Transaction

T = TypeVar("T")

FIRST_PAUSE_S = 0.05
"""Seconds before the second attempt; each later pause is twice as long."""


@dataclass(frozen=True, slots=True)
class OnDatabase:
    """A part that is a transaction."""

    transaction: Transaction[Any]


@dataclass(frozen=True, slots=True)
class OnQueue:
    """A part that is a conversation with the queue.

    Args:
        conversation: what is said.
        fallback: through the second endpoint instead of the preferred one.
    """

    conversation: Conversation[Any]
    fallback: bool = False


@dataclass(frozen=True, slots=True)
class Pause:
    """A part that waits.

    Args:
        seconds: for how long.
    """

    seconds: float


Part: TypeAlias = OnDatabase | OnQueue | Pause

Plan: TypeAlias = Generator[Part, Any, T]
"""Parts that end in a `T`."""

Clock: TypeAlias = Callable[[], float]
"""Seconds from any point in time, such as `time.monotonic`."""


class Patience:
    """Pauses between attempts, each twice as long as the one before, until the time is up.

    Args:
        seconds: for all attempts together; the last one may end later by its own limits.
        clock: tells the time.
    """

    def __init__(self, seconds: float, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._due = clock() + seconds
        self._next_s = FIRST_PAUSE_S

    def pause(self) -> Pause | None:
        """The pause before the next attempt; None if there is no time for one."""
        left_s = self._due - self._clock()
        if left_s <= 0:
            return None
        pause = Pause(min(self._next_s, left_s))
        self._next_s *= 2
        return pause
