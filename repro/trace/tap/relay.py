"""Carries bytes both ways between a program and its server, and shows them to a decoder on the way."""

from __future__ import annotations

import select
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from repro.wire.conversation import Conversation
from repro.wire.message import Decoder, Message, Sender

if TYPE_CHECKING:
    from repro.events import Peer
    from repro.trace.tap.termination import Termination

_CHUNK = 256 << 10


class Relay:
    """One connection through the tap.

    Each direction waits for the other end to take what was read, so that a slow reader slows its writer down
    and no more than one chunk is kept.

    Args:
        client: the program's end; closed by whoever opened it.
        server: the real server's end.
        decoder: is shown all bytes.
        take: is given what they mean.
    """

    def __init__(
        self,
        client: socket.socket,
        server: socket.socket,
        decoder: Decoder,
        take: Callable[[list[Message]], None],
    ) -> None:
        self._client = client
        self._server = server
        self._decoder = decoder
        self._take = take
        self.sent = 0
        self.received = 0

    def terminate(self, termination: Termination, peer: Peer, note: Callable[[str], None]) -> None:
        """Look inside TLS, if the program begins it and can be served; else leave it closed and say why."""
        given = self._client
        self._client, self._server = termination.between(self._client, self._server, peer, self._show, note)
        if self._client is not given:
            self._decoder = Conversation(peer.port)  # what comes now is what TLS had hidden

    def run(self) -> None:
        """Carry until both directions have ended, or one end is gone."""
        ways: dict[socket.socket, tuple[Sender, socket.socket]] = {
            self._client: ("client", self._server),
            self._server: ("server", self._client),
        }
        while ways:
            for source in _readable(list(ways)):
                sender, target = ways[source]
                try:
                    goes_on = self._carry(source, sender, target)
                except ConnectionResetError:
                    _reset_when_closed(target)
                    return
                if not goes_on:
                    del ways[source]
                    with suppress(OSError):
                        socket.socket.shutdown(target, socket.SHUT_WR)  # SSLSocket's own forgets its TLS

    def interrupt(self) -> None:
        """End both directions, from any thread."""
        for end in (self._client, self._server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close both ends; a TLS end is another object than the socket that was given."""
        for end in (self._client, self._server):
            with suppress(OSError):
                end.close()

    def _carry(self, source: socket.socket, sender: Sender, target: socket.socket) -> bool:
        """Carry one chunk; False at the end of this direction.

        Raises:
            ConnectionResetError: if the sender has reset the connection.
        """
        try:
            data = source.recv(_CHUNK)
        except ConnectionResetError:
            self._take(self._decoder.end(sender))
            raise
        except OSError:
            data = b""
        if not data:
            self._take(self._decoder.end(sender))
            return False
        try:
            target.sendall(data)
        except OSError:
            return False
        self._show(sender, data)
        return True

    def _show(self, sender: Sender, data: bytes) -> None:
        if sender == "client":
            self.sent += len(data)
        else:
            self.received += len(data)
        self._take(self._decoder.feed(sender, data))


def _readable(ends: list[socket.socket]) -> list[socket.socket]:
    """The ends that have something to read; TLS may have read ahead."""
    ahead: list[socket.socket] = [end for end in ends if isinstance(end, ssl.SSLSocket) and end.pending()]
    if ahead:
        return ahead
    try:
        ready, _, _ = select.select(ends, [], [])
    except (OSError, ValueError):  # closed meanwhile
        return ends
    return ready


def _reset_when_closed(end: socket.socket) -> None:
    """Pass a reset on as one: a close that lingers for no time."""
    with suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
