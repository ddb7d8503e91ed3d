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
