"""Attempts to connect, and the event of what became of each. Sans I/O."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from repro.events import Event, Peer, errno_name, failure_of_errno

ABANDONED = "unknown_failure: given up before there was a result"
"""The failure of an attempt that the program stopped waiting for; the hooks in a probe say the same."""

Tell = Callable[[int, Event], None]
"""Is given the number of the process, and the event."""


@dataclass(slots=True)
class Attempt:
    """One ``connect`` of a stream socket.

    Args:
        process: whose it is.
        descriptor: under which number the program knows the socket.
        socket: its name; see `tracee.socket_name`.
        peer: what was dialled.
        t0: when, in seconds of the monotonic clock.
        conn: a number of this connection.
        tapped_as: whom the program really speaks with, where it is led through a tap.
        told: whether an event of it has gone out.
    """

    process: int
    descriptor: int
    socket: str | None
    peer: Peer
    t0: float
    conn: int
    tapped_as: Peer | None = None
    told: bool = False

    def ended(self, t: float, number: int) -> Event:
        """It came to a result: 0 for a connection, or an errno."""
        name = errno_name(number)
        return self._event(t, None if name is None else failure_of_errno(name), name)

    def failed_unasked(self, t: float) -> Event:
        """It failed, and the program did not ask why; the reason is lost with the socket."""
        return self._event(t, "unknown_failure: failed, and the program did not ask why", None)

    def abandoned(self, t: float) -> Event:
        """The program closed the socket, or ended, before there was a result."""
        return self._event(t, ABANDONED, None)

    def unseen(self, t: float) -> Event:
        """The kernel lets us see the attempt, and not what it came to."""
        return self._event(t, None, None, **{"connect.result": "not visible"})

    def _event(self, t: float, failure: str | None, errno: str | None, **more: object) -> Event:
        fields: dict[str, object] = {"net.family": "inet6" if ":" in self.peer.address else "inet", **more}
        if self.tapped_as is not None:
            fields |= {"observer": "tap", "tap": str(self.tapped_as)}
        return Event("connect", self.t0, t, "kernel", self.conn, self.peer, failure, errno, fields)
