"""A relay before one server of the lab, in which a fault is placed.

It runs on an event loop of its own, in a thread, so that blocking code can use it; it ends with its context.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Self, TypeVar

from repro.lab.faults.fault import Cut, Fault, Replace, Silence
from repro.lab.faults.triggers import Side, Trigger
from repro.lab.listeners import Port

T = TypeVar("T")

_RESET = struct.pack("ii", 1, 0)  # struct linger: on, for zero seconds
_CHUNK = 65536
_WAIT_S = 20.0


class FaultRelay:
    """Carries bytes between clients and a server, both without TLS.

    Args:
        upstream: address and port of the server.
        fault: what happens on the way; None is nothing.
    """

    def __init__(self, upstream: tuple[str, int], fault: Fault | None = None) -> None:
        self._upstream = upstream
        self._fault = fault
        self._left = 0 if fault is None else fault.times
        self._port = Port.reserve(("127.0.0.1",))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault-relay")
        self._listener: asyncio.Server | None = None
        self._clients = 0
        self._connections: set[asyncio.Task[None]] = set()

        self.fired = 0
        """How often the fault has happened."""

        self.connections = 0
        """How many clients have come."""

    @property
    def port(self) -> int:
        """The port to dial instead of the server's; it listens on 127.0.0.1."""
        return self._port.number

    def __enter__(self) -> Self:
        self._thread.start()
        self.accept_again()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.refuse()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._port.close()

    def refuse(self) -> None:
        """Stop listening, and reset what is open: from now on a client is refused."""
        self._do(self._stop())

    def accept_again(self) -> None:
        """Listen on the same port."""
        self._do(self._start())

    def place(self, fault: Fault | None) -> None:
        """Put another fault in the place of the present one, for connections that come from now on."""
        self._fault, self._left = fault, 0 if fault is None else fault.times

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        done: Future[T] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return done.result(_WAIT_S)

    async def _start(self) -> None:
        (listener,) = self._port.listen()
        self._listener = await asyncio.start_server(self._accepted, sock=listener)

    async def _stop(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for task in tuple(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        while self._clients:  # each client's own task ends after it, and closes its stream
            await asyncio.sleep(0)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        carrying = asyncio.ensure_future(self._carry(reader, writer))
        self._connections.add(carrying)
        self._clients += 1
        self.connections += 1
        try:
            await carrying
        except (OSError, asyncio.CancelledError):
            _reset(writer)
        finally:
            writer.close()
            self._connections.discard(carrying)
            self._clients -= 1

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection(*self._upstream)
        fault = None if self._left == 0 else self._fault
        trigger = None if fault is None else fault.trigger()
        directions = {
            asyncio.create_task(self._pump("client", reader, up_writer, trigger)),
            asyncio.create_task(self._pump("server", up_reader, writer, trigger)),
        }
        try:
            if await _first_to_fire(directions) and fault is not None:
                await self._happen(fault, writer)
        finally:
            for task in directions:
                task.cancel()
            await asyncio.gather(*directions, return_exceptions=True)
            up_writer.close()

    async def _pump(
        self, side: Side, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, trigger: Trigger | None
    ) -> bool:
        """Carry one direction to its end; True if the fault is to happen now."""
        while data := await reader.read(_CHUNK):
            forward, fired = (data, False) if trigger is None else trigger.feed(side, data)
            writer.write(forward)
            await writer.drain()
            if fired:
                return True
        if trigger is not None:
            writer.write(trigger.rest(side))
        with contextlib.suppress(OSError):
            writer.write_eof()
        return False

    async def _happen(self, fault: Fault, writer: asyncio.StreamWriter) -> None:
        self.fired += 1
        if self._left is not None:
            self._left = max(0, self._left - 1)
        match fault.action:
            case Cut(reset=True):
                _reset(writer)
            case Cut():
                pass
            case Replace(answer):
                writer.write(answer)
                await writer.drain()
            case Silence():
                await asyncio.Event().wait()


async def _first_to_fire(directions: set[asyncio.Task[bool]]) -> bool:
    """Wait until one direction has fired, or both have ended."""
    waiting = set(directions)
    while waiting:
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if any(task.result() for task in done):
            return True
    return False


def _reset(writer: asyncio.StreamWriter) -> None:
    raw: socket.socket = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
