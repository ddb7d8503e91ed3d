"""One connect attempt, from its beginning to what it came to.

All later events of the connection bear its number.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from repro.events import Event, Peer
from repro.hooks.failures import given_up


class Recorder(Protocol):
    """What an attempt tells of itself to."""

    def emit(self, event: Event) -> None:
        """Hand on an event."""

    def defer(self, event: Event) -> None:
        """Keep an event for later."""

    def settled(self, dial: Dial) -> None:
        """The attempt has come to something."""


@dataclass(slots=True, eq=False, kw_only=True)
class Dial:
    """A connect attempt. It ends once: whatever is said later is not heard.

    Args:
        recorder: where its event goes.
        conn: the number of the connection.
        peer: what was dialled; once connected, who really answered.
        via: the library that dials.
        host: the name that the address was found by, where that is known.
        t0: when it began, in seconds of the monotonic clock.
        expired: true once a timeout that held when it began has passed.
        ignored: true where it is to give no event.
        ended: true once it came to something.
        connected: true once that was a connection.
        on_lost: is told how the connection ended, if that is known; None stands for an end without an error.
    """

    recorder: Recorder
    conn: int
    peer: Peer
    via: str
    host: str | None
    t0: float
    expired: Callable[[], bool]
    ignored: bool = False
    ended: bool = False
    connected: bool = False
    on_lost: Callable[[BaseException | None], None] | None = None

    def succeeded(self, peer: Peer | None = None) -> None:
        """It is connected, to ``peer`` where that is known better than what was dialled."""
        if self.ended:
            return
        self.connected = True
        self.peer = peer or self.peer
        self._end(None, None)

    def failed(self, failure: str, errno: str | None = None) -> None:
        """It came to nothing."""
        self._end(failure, errno)

    def given_up(self) -> None:
        """The program waits for it no longer."""
        self._end(given_up(self.expired), None)

    def collected(self) -> None:
        """Its socket was garbage: nobody will ask what became of it."""
        if not self.ended and not self.ignored:
            self.recorder.defer(self._event(given_up(self.expired), None))
        self.void()

    def void(self) -> None:
        """It ends without an event: nothing was dialled, or the event is on its way."""
        self.ended = True
        self.recorder.settled(self)

    def lost(self, error: BaseException | None) -> None:
        """The connection is gone, or the program waits for it no longer."""
        if self.on_lost is not None:
            self.on_lost(error)

    def _end(self, failure: str | None, errno: str | None) -> None:
        if self.ended:
            return
        self.void()
        if not self.ignored:
            self.recorder.emit(self._event(failure, errno))

    def _event(self, failure: str | None, errno: str | None) -> Event:
        fields = {"via": self.via, "net.family": _family(self.peer)}
        if self.host is not None:
            fields["host"] = self.host
        return Event(
            "connect",
            self.t0,
            time.monotonic(),
            conn=self.conn,
            peer=self.peer,
            failure=failure,
            errno=errno,
            fields=fields,
        )


def _family(peer: Peer) -> str:
    if peer.port is None:
        return "unix"
    return "inet6" if ":" in peer.address else "inet"
