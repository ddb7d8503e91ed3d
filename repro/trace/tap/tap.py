"""Leads attempts through itself, and carries their bytes."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from repro.events import Event, Peer
from repro.trace.kernel.attempts import Attempt, Tell
from repro.trace.tap.relay import Relay
from repro.wire.conversation import Conversation
from repro.wire.message import Message

if TYPE_CHECKING:
    from repro.trace.tap.termination import Termination

_DIAL_S = 3.0
"""Seconds for the direct dial; after that the program dials itself, and waits itself."""

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
        self._relays: list[Relay] = []
        self._threads: list[threading.Thread] = []

    def detour(self, attempt: Attempt, sock: socket.socket) -> Peer | None:
        """Where an attempt is to go instead; None lets it go where it wants (it is a `Detour`)."""
        if not self._wanted(attempt.peer):
            return None
        upstream = _dialled(attempt.peer, sock.family)
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
        self._threads.append(thread)
        thread.start()
        return Peer(address, port)

    def close(self) -> None:
        """End what is still open."""
        for relay in self._relays:
            relay.interrupt()
        for thread in self._threads:
            thread.join(_ACCEPT_S)

    def _serve(self, listener: socket.socket, upstream: socket.socket, attempt: Attempt) -> None:
        with listener, upstream:
            try:
                client, _ = listener.accept()
            except OSError:
                return  # the program has given up
            listener.close()
            with client:
                self._carry(client, upstream, attempt)

    def _carry(self, client: socket.socket, upstream: socket.socket, attempt: Attempt) -> None:
        decoder = Conversation(port_hint=attempt.peer.port)

        def take(messages: list[Message]) -> None:
            now = time.monotonic()
            for message in messages:
                self._tell(attempt.process, _event(message, attempt, now))

        relay = Relay(client, upstream, decoder, take)
        self._relays.append(relay)
        try:
            if self._termination is not None:
                relay.terminate(self._termination, attempt.peer, self._noted(attempt))
            relay.run()
        except ConnectionAbortedError:
            pass  # it has been noted why
        finally:
            relay.close()
            now = time.monotonic()
            fields = {"observer": "tap", "bytes.sent": relay.sent, "bytes.received": relay.received}
            self._tell(
                attempt.process, Event("close", now, now, "tap", attempt.conn, attempt.peer, fields=fields)
            )

    def _noted(self, attempt: Attempt) -> Callable[[str], None]:
        def note(text: str) -> None:
            now = time.monotonic()
            self._tell(
                attempt.process,
                Event("note", now, now, "tap", attempt.conn, attempt.peer, fields={"text": text}),
            )

        return note


def _event(message: Message, attempt: Attempt, now: float) -> Event:
    fields = {"sender": message.sender, "len": message.length, **message.fields, "observer": "tap"}
    return Event(
        message.op, now, now, "tap", attempt.conn, attempt.peer, failure=message.failure, fields=fields
    )


def _dialled(peer: Peer, family: int) -> socket.socket | None:
    """A connection of our own to the real end; None where there is none to be had."""
    upstream = socket.socket(family, socket.SOCK_STREAM)
    upstream.settimeout(_DIAL_S)
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
