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
        reset: the client's by a reset, instead of an end of stream.
        after: only after the named thing was handed on, instead of before.
    """

    reset: bool = False
    after: bool = False


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing more is handed on in this direction, not even its end; the other one goes on, nothing ends."""


@dataclass(frozen=True, slots=True)
class Replace:
    """The client is given this in place of what was to come, then the end of the stream.

    In place of an answer, the server has carried out the request. In place of a request, it never reads it.

    Args:
        answer: the bytes.
    """

    answer: bytes


@dataclass(frozen=True, slots=True)
class HalfClose:
    """This direction ends, with a FIN; the other one goes on."""


@dataclass(frozen=True, slots=True)
class Delay:
    """Before it is handed on, and only then, time passes.

    Args:
        seconds: how long.
    """

    seconds: float


@dataclass(frozen=True, slots=True)
class Throttle:
    """From here on this direction is slow.

    Args:
        bytes_per_s: how many bytes are handed on in a second, a few at a time.
    """

    bytes_per_s: float


Action: TypeAlias = Cut | Silence | Replace | HalfClose | Delay | Throttle


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
