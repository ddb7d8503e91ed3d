"""Whether a timeout ended an attempt.

A task that a timeout cancels sees the same `CancelledError` as one that lost a race between addresses, and
closes its socket all the same. So each attempt remembers the timeouts that hold when it begins.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import asyncio

_SLACK_S = 0.002  # uvloop rounds its clock and its timers to whole milliseconds


class Deadline(Protocol):
    """A timeout that can be asked whether it has passed, such as `asyncio.Timeout`."""

    def expired(self) -> bool:
        """True once it has passed."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A deadline at a moment of a loop's clock, in seconds."""

    loop: asyncio.AbstractEventLoop
    when: float

    def expired(self) -> bool:
        """True once the clock has reached it."""
        return self.loop.time() >= self.when - _SLACK_S


_holding: ContextVar[tuple[Deadline, ...]] = ContextVar("repro_deadlines", default=())
"""The timeouts that hold here. A child task inherits them, as it is cancelled with its parent."""


def begins(deadline: Deadline) -> None:
    """A timeout holds from here on, in this task."""
    _holding.set((*_holding.get(), deadline))


def ends(deadline: Deadline) -> None:
    """A timeout holds no longer."""
    _holding.set(tuple(other for other in _holding.get() if other is not deadline))


def watch() -> Callable[[], bool]:
    """A function that says, later, whether a timeout that holds here and now has passed by then."""
    deadlines = _holding.get() + _of_anyio()
    return lambda: any(deadline.expired() for deadline in deadlines)


def _of_anyio() -> tuple[Deadline, ...]:
    """The nearest deadline of anyio's cancel scopes, which can be asked for."""
    anyio, asyncio = sys.modules.get("anyio"), sys.modules.get("asyncio")
    if anyio is None or asyncio is None:
        return ()
    try:
        return (Moment(asyncio.get_running_loop(), anyio.current_effective_deadline()),)
    except Exception:  # noqa: BLE001 - no loop or no task here, or anyio is only being imported
        return ()
