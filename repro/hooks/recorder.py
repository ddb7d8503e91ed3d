"""Hands events on, guards the program against their receiver, and knows the connections of this process."""

from __future__ import annotations

import itertools
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any

from repro.events import Emit, Event, Peer
from repro.hooks import deadlines
from repro.hooks.dial import Dial


class Recorder:
    """The one place through which events leave.

    Args:
        emit: is given each event.
        ignore: true for a peer whose connections give no events.
    """

    def __init__(self, emit: Emit, ignore: Callable[[Peer], bool] | None = None) -> None:
        self._emit = emit
        self._ignore = ignore
        self._numbers = itertools.count(1)
        self._inside = threading.local()
        self._deferred: deque[Event] = deque()
        self._dials: dict[int, Dial] = {}
        self._open: set[Dial] = set()
        self._speakers: weakref.WeakKeyDictionary[Any, Dial] = weakref.WeakKeyDictionary()
        self._lost = 0
        self._closed = False

    @property
    def silent(self) -> bool:
        """True where nothing is to be observed: after the end, and inside ``emit``."""
        return self._closed or getattr(self._inside, "emit", False)

    def event(
        self,
        op: str,
        t0: float,
        *,
        dial: Dial | None = None,
        failure: str | None = None,
        errno: str | None = None,
        **fields: Any,
    ) -> None:
        """Hand on what began at ``t0`` and ends now.

        A double underscore in the name of a field stands for a dot. No event of an ignored peer goes out.
        """
        if dial is not None and dial.ignored:
            return
        event = Event(
            op,
            t0,
            time.monotonic(),
            conn=None if dial is None else dial.conn,
            peer=None if dial is None else dial.peer,
            failure=failure,
            errno=errno,
            fields={name.replace("__", "."): value for name, value in fields.items()},
        )
        self.emit(event)

    def emit(self, event: Event) -> None:
        """Hand on an event, and before it those that had to wait. Never raises an `Exception`."""
        if self.silent:
            return
        self._inside.emit = True
        try:
            while self._deferred:
                self._deliver(self._deferred.popleft())
            self._deliver(event)
            self._tell_losses()
        finally:
            self._inside.emit = False

    def defer(self, event: Event) -> None:
        """Keep an event for later: from a finalizer, which may run where ``emit`` holds a lock."""
        self._deferred.append(event)

    def note(self, text: str) -> None:
        """Hand on a remark about the watching itself."""
        self.event("note", time.monotonic(), text=text)

    def guarded(self, observe: Callable[[], None]) -> None:
        """Look at a library's objects, whose shape may change: an `Exception` is a lost event."""
        try:
            observe()
        except Exception:  # noqa: BLE001 - the program must not see it
            self._lost += 1

    def dial(self, peer: Peer, *, via: str, host: str | None = None) -> Dial:
        """Begin a connect attempt.

        Args:
            peer: the literal address and port dialled, or the path of a Unix socket.
            via: the library that dials.
            host: the name that the address was found by, where that is known.
        """
        dial = Dial(
            recorder=self,
            conn=next(self._numbers),
            peer=peer,
            via=via,
            host=host,
            t0=time.monotonic(),
            expired=deadlines.watch(),
            ignored=self._ignored(peer),
        )
        self._open.add(dial)
        return dial

    def settled(self, dial: Dial) -> None:
        """An attempt has come to something."""
        self._open.discard(dial)

    def connected(self, descriptor: int, dial: Dial) -> None:
        """Remember which attempt led to an open descriptor."""
        self._dials[descriptor] = dial

    def forget(self, descriptor: int) -> None:
        """A descriptor is about to be closed."""
        self._dials.pop(descriptor, None)

    def dial_of(self, sock: Any) -> Dial | None:
        """The attempt that led to an open socket, or None if it was not seen.

        A descriptor that was closed out of sight and used again is told by its peer.
        """
        if sock is None:
            return None
        dial = self._dials.get(sock.fileno())
        if dial is None:
            return None
        try:
            name = sock.getpeername()
        except OSError:  # reset already: the descriptor has to do
            return dial
        same = not isinstance(name, tuple) or Peer(name[0], name[1]) == dial.peer
        return dial if same else None

    def speaks_for(self, tls: Any, dial: Dial) -> None:
        """Remember which connection a TLS object without a socket encrypts."""
        self._speakers[tls] = dial

    def speaker(self, tls: Any) -> Dial | None:
        """The connection that a TLS object encrypts, where that is known."""
        return self._speakers.get(tls)

    def close(self) -> None:
        """Hand on what waited and what never came to anything, and nothing more."""
        for dial in sorted(self._open, key=lambda dial: dial.conn):
            dial.given_up()
        if self._deferred:
            self.emit(self._deferred.pop())
        self._closed = True
        if self._lost:
            sys.stderr.write(f"repro: {self._lost} network events of this process were lost\n")

    def _ignored(self, peer: Peer) -> bool:
        if self._ignore is None:
            return False
        try:
            return self._ignore(peer)
        except Exception:  # noqa: BLE001 - the program must not see it
            self._lost += 1
            return False

    def _deliver(self, event: Event) -> None:
        try:
            self._emit(event)
        except Exception:  # noqa: BLE001 - the program must not see it
            self._lost += 1

    def _tell_losses(self) -> None:
        lost, now = self._lost, time.monotonic()
        if not lost:
            return
        try:
            self._emit(Event("note", now, now, fields={"events.lost": lost}))
        except Exception:  # noqa: BLE001 - told again with the next event, or at the end
            return
        self._lost -= lost
