"""What of a connection is handed on, and when its fault happens; no I/O."""

from __future__ import annotations

import threading
from typing import NamedTuple

from repro.lab.faults.fault import Cut, Delay, Fault, Silence, Throttle
from repro.lab.faults.triggers import Mark, Side


class Charge:
    """How often a fault may happen still, over all connections. It may be asked from any thread."""

    def __init__(self, times: int | None) -> None:
        self.taken = 0
        """How often it has happened."""

        self._left = times
        self._lock = threading.Lock()

    def set(self, times: int | None) -> None:
        """From now on it may happen so often; None is always."""
        with self._lock:
            self._left = times

    def take(self) -> bool:
        """Whether it may happen now: it counts then as having happened."""
        with self._lock:
            if self._left == 0:
                return False
            if self._left is not None:
                self._left -= 1
            self.taken += 1
            return True


class Passage(NamedTuple):
    """What becomes of bytes that arrived.

    Args:
        forward: what to hand on now.
        happens: the fault happens, after these.
    """

    forward: bytes
    happens: bool


class Gate:
    """Lets the bytes of one connection through up to its fault.

    It holds back what the trigger has not decided on, which is little, and hands on all that the fault does
    not stop, also when it may not happen any more.

    Args:
        fault: which one.
        charge: is asked when it is about to happen.
    """

    def __init__(self, fault: Fault, charge: Charge) -> None:
        self._trigger = fault.trigger()
        self._charge = charge
        self._silences = isinstance(fault.action, Silence)
        self._goes_on = isinstance(fault.action, Delay | Throttle)
        self._point = "ends" if isinstance(fault.action, Cut) and fault.action.after else "begins"
        self._held = bytearray()
        self._released = 0
        self._silent = False

    def feed(self, side: Side, data: bytes) -> Passage:
        """Take bytes as they arrived; not any more once the fault has happened."""
        marks = self._trigger.feed(side, data)
        if side != self._trigger.side:
            return Passage(data, happens=False)
        if self._silent:
            return Passage(b"", happens=False)
        self._held += data
        for mark in marks:
            if mark.what == self._point and self._charge.take():
                return self._stop(mark)
        return Passage(self._release(self._trigger.decided), happens=False)

    def go_on(self) -> bytes:
        """What may be handed on after a fault that only held it up."""
        return self._release(self._trigger.decided)

    def end(self, side: Side) -> bytes | None:
        """What is left of a side that has ended; None if its end is not to be handed on."""
        if side != self._trigger.side:
            return b""
        if self._silent:
            return None
        return bytes(self._held)

    def _stop(self, mark: Mark) -> Passage:
        forward = self._release(mark.at)
        if self._goes_on:
            return Passage(forward, happens=True)
        self._held.clear()
        self._silent = self._silences
        return Passage(forward, happens=not self._silences)

    def _release(self, position: int) -> bytes:
        size = position - self._released
        released = bytes(self._held[:size])
        del self._held[:size]
        self._released = position
        return released
