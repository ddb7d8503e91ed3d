"""A fault: where it is placed, and what happens there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from repro.lab.faults.triggers import Trigger


@dataclass(frozen=True, slots=True)
class Cut:
    """Both connections end.

    Args:
        reset: by a reset, instead of an end of stream.
    """

    reset: bool = False


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing is said any more, to either side, and nothing ends."""


@dataclass(frozen=True, slots=True)
class Replace:
    """The client is given this in place of what was to come, then the end of the stream.

    Args:
        answer: the bytes.
    """

    answer: bytes


Action: TypeAlias = Cut | Silence | Replace


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault.

    Args:
        trigger: makes the trigger of a connection.
        action: what happens when it fires.
        times: how often, over all connections; None is always.
    """

    trigger: Callable[[], Trigger]
    action: Action = Cut()
    times: int | None = 1
