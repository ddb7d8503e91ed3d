"""Carries bytes both ways between a program and its server, and shows them to a decoder on the way.

Neither end ever blocks: each direction has a buffer of its own, and is read no further while that is full.
So a slow reader slows its writer down, and never the other direction.
"""

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
    from repro.trace.tap.termination import Say, Termination

_CHUNK = 256 << 10

_LATER = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class _Way:
    """One direction."""

    def __init__(self, sender: Sender, source: socket.socket, target: socket.socket) -> None:
        self.sender = sender
        self.source = source
        self.target = target
        self.buffer = bytearray()
        self.ended = False

    @property
    def reads(self) -> bool:
        """Whether more is to be read."""
        return not self.ended and len(self.buffer) < _CHUNK

    @property
    def done(self) -> bool:
        """Whether all that was said has been carried."""
        return self.ended and not self.buffer


class Relay:
    """One connection through the tap.

    Args:
        client: the program's end; closed with this.
        server: the real server's end; closed with this.
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

    @property
    def moved(self) -> int:
        """Bytes carried so far, both ways."""
        return self.sent + self.received

    def terminate(self, termination: Termination, peer: Peer, say: Say) -> None:
        """Look inside TLS, if the program begins it and can be served; else leave it closed and say why."""
        given = self._client
        self._client, self._server = termination.between(self._client, self._server, peer, self._show, say)
        if self._client is not given:
            self._decoder = Conversation(peer.port)  # what comes now is what TLS had hidden

    def run(self) -> None:
        """Carry until both directions have ended, or one end is gone."""
        for end in (self._client, self._server):
            end.settimeout(0)
        ways = [_Way("client", self._client, self._server), _Way("server", self._server, self._client)]
        while ways:
            _wait(ways)
            for way in list(ways):
                if not self._carry(way):
                    return
                if way.done:
                    _finish(way.target)
                    ways.remove(way)

    def interrupt(self) -> None:
        """End both directions, from any thread."""
        for end in (self._client, self._server):
            with suppress(OSError):
                socket.socket.shutdown(end, socket.SHUT_RDWR)

    def close(self) -> None:
        """Close both ends; a TLS end is another object than the socket that was given."""
        for end in (self._client, self._server):
            with suppress(OSError):
                end.close()

    def _carry(self, way: _Way) -> bool:
        """Move what can be moved now; False where an end was reset."""
        try:
            self._read(way)
            self._write(way)
        except ConnectionResetError:
            self._take(self._decoder.end(way.sender))
            _reset_when_closed(way.target)
            return False
        return True

    def _read(self, way: _Way) -> None:
        if not way.reads:
            return
        try:
            data = way.source.recv(_CHUNK)
        except _LATER:
            return
        except ConnectionResetError:
            raise
        except OSError:
            data = b""
        if data:
            way.buffer += data
            self._show(way.sender, data)
        else:
            way.ended = True
            self._take(self._decoder.end(way.sender))

    def _write(self, way: _Way) -> None:
        while way.buffer:
            try:
                count = way.target.send(way.buffer)
            except _LATER:
                return
            except OSError:  # nobody reads there any more
                way.buffer.clear()
                way.ended = True
                return
            del way.buffer[:count]

    def _show(self, sender: Sender, data: bytes) -> None:
        if sender == "client":
            self.sent += len(data)
        else:
            self.received += len(data)
        self._take(self._decoder.feed(sender, data))


def _wait(ways: list[_Way]) -> None:
    """Wait until something can be moved. TLS may have read ahead of what ``poll`` sees."""
    wanted: dict[int, int] = {}
    for way in ways:
        if way.reads:
            if isinstance(way.source, ssl.SSLSocket) and way.source.pending():
                return
            wanted[way.source.fileno()] = wanted.get(way.source.fileno(), 0) | select.POLLIN
        if way.buffer:
            wanted[way.target.fileno()] = wanted.get(way.target.fileno(), 0) | select.POLLOUT
    poll = select.poll()
    for descriptor, events in wanted.items():
        if descriptor >= 0:
            poll.register(descriptor, events)
    poll.poll()


def _finish(target: socket.socket) -> None:
    """Say that nothing more comes: by TLS's own goodbye first, where there is TLS."""
    if isinstance(target, ssl.SSLSocket):
        with suppress(OSError, ValueError):  # it raises SSLWantRead once it has said it
            target.unwrap()
    with suppress(OSError):
        socket.socket.shutdown(target, socket.SHUT_WR)  # SSLSocket's own forgets its TLS


def _reset_when_closed(end: socket.socket) -> None:
    """Pass a reset on as one: a close that lingers for no time."""
    with suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
