"""Leads attempts through itself, and carries their bytes."""

from __future__ import annotations

import fcntl
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from repro.events import Event, Peer
from repro.trace.kernel import tracee
from repro.trace.kernel.attempts import Attempt, Tell
from repro.trace.tap.relay import Relay
from repro.wire.conversation import Conversation
from repro.wire.message import Message

if TYPE_CHECKING:
    from repro.trace.tap.termination import Termination, Verdict

_DIAL_S = 3.0
"""Seconds for the direct dial; after that the program dials itself, and waits itself."""

_DIAL_UNBLOCKED_S = 0.2
"""The same for a program that does not wait in ``connect``: an event loop stands still meanwhile."""

_QUIET_S = 2.0
"""At the end of the program: a connection on which nothing moves for so long is over."""

_ACCEPT_S = 10.0
"""Seconds for the program's own half of the way: it is on this machine, and its connect is on its way."""


class Tap:
    """The taps of one watched command.

    Args:
        tell: is given each event.
        termination: looks inside TLS, where that is possible; None leaves it closed.
        wanted: which peers are tapped; all by default.
    """

    def __init__(
        self,
        tell: Tell,
        *,
        termination: Termination | None = None,
        wanted: Callable[[Peer], bool] = lambda _: True,
    ) -> None:
        self._tell = tell
        self._termination = termination
        self._wanted = wanted
        self._lock = threading.Lock()
        self._relays: set[Relay] = set()
        self._listeners: set[socket.socket] = set()
        self._threads: set[threading.Thread] = set()

    def detour(self, attempt: Attempt, sock: socket.socket) -> Peer | None:
        """Where an attempt is to go instead; None lets it go where it wants (it is a `Detour`)."""
        if not self._wanted(attempt.peer) or not tracee.same_network(attempt.process):
            return None
        unblocked = bool(fcntl.fcntl(sock, fcntl.F_GETFL) & os.O_NONBLOCK)
        upstream = _dialled(attempt.peer, sock.family, _DIAL_UNBLOCKED_S if unblocked else _DIAL_S)
        if upstream is None:
            return None
        try:
            listener = _listener(sock.family)
        except OSError:
            upstream.close()
            return None
        address, port = listener.getsockname()[:2]
        thread = threading.Thread(
            target=self._serve, args=(listener, upstream, attempt), name="tap", daemon=True
        )
        with self._lock:
            self._threads.add(thread)
            self._listeners.add(listener)
        thread.start()
        return Peer(address, port)

    def close(self) -> None:
        """The program has ended: carry what it has said to its end, then end what is still open."""
        with self._lock:
            relays, listeners, threads = list(self._relays), list(self._listeners), list(self._threads)
        for listener in listeners:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # nobody will come
        for relay in relays:
            self._wait_while_it_moves(relay)
            relay.interrupt()
        for thread in threads:
            thread.join(_ACCEPT_S)

    def _wait_while_it_moves(self, relay: Relay) -> None:
        moved, still_since = relay.moved, time.monotonic()
        while relay in self._relays and time.monotonic() - still_since < _QUIET_S:
            time.sleep(0.01)
            if relay.moved != moved:
                moved, still_since = relay.moved, time.monotonic()

    def _serve(self, listener: socket.socket, upstream: socket.socket, attempt: Attempt) -> None:
        try:
            with listener, upstream:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return  # the program has given up
                listener.close()
                with client:
                    self._carry(client, upstream, attempt)
        finally:
            with self._lock:
                self._listeners.discard(listener)
                self._threads.discard(threading.current_thread())

    def _carry(self, client: socket.socket, upstream: socket.socket, attempt: Attempt) -> None:
        decoder = Conversation(port_hint=attempt.peer.port)

        def take(messages: list[Message]) -> None:
            now = time.monotonic()
            for message in messages:
                self._tell(attempt.process, _event(message, attempt, now))

        relay = Relay(client, upstream, decoder, take)
        with self._lock:
            self._relays.add(relay)
        try:
            if self._termination is not None:
                relay.terminate(self._termination, attempt.peer, _Saying(self._tell, attempt))
            relay.run()
        except ConnectionAbortedError:
            pass  # it has been noted why
        finally:
            relay.close()
            with self._lock:
                self._relays.discard(relay)
            now = time.monotonic()
            fields = {"observer": "tap", "bytes.sent": relay.sent, "bytes.received": relay.received}
            self._tell(
                attempt.process, Event("close", now, now, "tap", attempt.conn, attempt.peer, fields=fields)
            )


class _Saying:
    """Tells of the tap's own doing on one attempt."""

    def __init__(self, tell: Tell, attempt: Attempt) -> None:
        self._tell = tell
        self._attempt = attempt

    def note(self, text: str) -> None:
        now = time.monotonic()
        self._say(Event("note", now, now, fields={"text": text}))

    def handshake(self, t0: float, failure: Verdict, facts: Mapping[str, Any]) -> None:
        fields = {**facts, "observer": "tap"}
        self._say(
            Event("tls.handshake", t0, time.monotonic(), failure=failure[0], errno=failure[1], fields=fields)
        )

    def _say(self, event: Event) -> None:
        whole = replace(event, src="tap", conn=self._attempt.conn, peer=self._attempt.peer)
        self._tell(self._attempt.process, whole)


def _event(message: Message, attempt: Attempt, now: float) -> Event:
    fields = {"sender": message.sender, "len": message.length, **message.fields, "observer": "tap"}
    return Event(
        message.op, now, now, "tap", attempt.conn, attempt.peer, failure=message.failure, fields=fields
    )


def _dialled(peer: Peer, family: int, limit_s: float) -> socket.socket | None:
    """A connection of our own to the real end; None where there is none to be had."""
    upstream = socket.socket(family, socket.SOCK_STREAM)
    upstream.settimeout(limit_s)
    try:
        upstream.connect((peer.address, peer.port))
    except OSError:
        upstream.close()
        return None
    upstream.settimeout(None)
    upstream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return upstream


def _listener(family: int) -> socket.socket:
    """A listener for one client, on loopback."""
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
        listener.listen(1)
        listener.settimeout(_ACCEPT_S)
    except BaseException:
        with suppress(OSError):
            listener.close()
        raise
    return listener
