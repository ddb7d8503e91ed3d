"""One client's connection through the relay, and the relay's own to the server behind it.

Bare sockets and not asyncio's transports: how a connection ends, by FIN or by reset, is what this is about.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct

from repro.lab.faults.fault import Action, Cut, Delay, HalfClose, Replace, Throttle
from repro.lab.faults.gate import Gate
from repro.lab.faults.triggers import Side

_RESET = struct.pack("ii", 1, 0)  # struct linger: on, for zero seconds
_CHUNK = 1 << 16
_SLICE = 64


class Connection:
    """Carries bytes both ways until both have ended, one was reset, or the fault happens.

    Args:
        client: the client's socket, connected; it is closed at the end, as is the server's.
        server: a socket that is not connected yet.
        gate: lets the bytes through up to the fault.
        action: what the fault does then.
    """

    def __init__(self, client: socket.socket, server: socket.socket, gate: Gate, action: Action) -> None:
        self._client = client
        self._server = server
        self._gate = gate
        self._action = action
        self._pause_s: dict[Side, float] = {}
        for each in (client, server):
            each.settimeout(0)
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def carry(self, upstream: tuple[str, int]) -> None:
        """Dial the server and carry the connection to its end; what cannot be dialled is a reset.

        Args:
            upstream: literal address and port of the server.
        """
        try:
            await asyncio.get_running_loop().sock_connect(self._server, upstream)
            if await self._exchange():
                await self._happen()
            self._client.close()
            self._server.close()
        except OSError:  # one side was reset
            pass
        finally:
            self.reset()

    def reset(self) -> None:
        """End what is still open, the client's side by a reset.

        The server's side ends like any other: a reset could overtake what was handed on to the server.
        """
        with contextlib.suppress(OSError):
            self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._client.close()
        self._server.close()

    async def _exchange(self) -> bool:
        """Carry both directions until they have ended; True as soon as the fault is to happen."""
        directions = [
            asyncio.create_task(self._pump("client", self._client, self._server)),
            asyncio.create_task(self._pump("server", self._server, self._client)),
        ]
        try:
            for first in asyncio.as_completed(directions):
                if await first:
                    return True
            return False
        finally:
            for direction in directions:
                direction.cancel()
            await asyncio.gather(*directions, return_exceptions=True)

    async def _pump(self, side: Side, source: socket.socket, target: socket.socket) -> bool:
        """Carry one direction to its end; True if the fault is to happen now."""
        loop = asyncio.get_running_loop()
        while data := await loop.sock_recv(source, _CHUNK):
            forward, happens = self._gate.feed(side, data)
            await self._send(side, target, forward)
            if happens and not await self._held_up(side, target):
                return True
            if happens and isinstance(self._action, HalfClose):
                return False
        rest = self._gate.end(side)
        if rest is not None:
            await loop.sock_sendall(target, rest)
            target.shutdown(socket.SHUT_WR)
        return False

    async def _held_up(self, side: Side, target: socket.socket) -> bool:
        """Carry out a fault of one direction alone; False for one that concerns the whole connection."""
        match self._action:
            case Delay(seconds):
                await asyncio.sleep(seconds)
            case Throttle(bytes_per_s):
                self._pause_s[side] = _SLICE / bytes_per_s
            case HalfClose():
                target.shutdown(socket.SHUT_WR)
                return True
            case _:
                return False
        await self._send(side, target, self._gate.go_on())
        return True

    async def _send(self, side: Side, target: socket.socket, data: bytes) -> None:
        """Hand bytes on, at this direction's pace."""
        loop = asyncio.get_running_loop()
        pause_s = self._pause_s.get(side)
        if pause_s is None:
            await loop.sock_sendall(target, data)
            return
        for start in range(0, len(data), _SLICE):
            await loop.sock_sendall(target, data[start : start + _SLICE])
            await asyncio.sleep(pause_s)

    async def _happen(self) -> None:
        match self._action:
            case Cut(reset=True):
                self.reset()
                return
            case Replace(answer):
                await asyncio.get_running_loop().sock_sendall(self._client, answer)
        await asyncio.gather(_leave(self._client), _leave(self._server))


async def _leave(stream: socket.socket) -> None:
    """End a stream, then read what still comes: closed before that, the end would become a reset."""
    with contextlib.suppress(OSError):
        stream.shutdown(socket.SHUT_WR)
        while await asyncio.get_running_loop().sock_recv(stream, _CHUNK):
            pass
