"""A relay before one server of the lab, in which a fault is placed.

It runs on an event loop of its own, in a thread, so that blocking code can use it; it ends with its context.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Coroutine, Iterator
from types import TracebackType
from typing import Any, Self

from repro.lab.errors import LabError
from repro.lab.faults.connection import Connection
from repro.lab.faults.fault import Fault
from repro.lab.faults.gate import Charge, Gate
from repro.lab.faults.triggers import Trigger
from repro.lab.listeners import Port, localhost_addresses

_WAIT_S = 20.0
_NOTHING = Fault(lambda: Trigger("client"), times=0)


class FaultRelay:
    """Carries bytes between clients and a server, both without TLS. Any thread may call its methods.

    Args:
        upstream: literal address and port of the server.
        fault: what happens on the way; None is nothing.
    """

    def __init__(self, upstream: tuple[str, int], fault: Fault | None = None) -> None:
        self._upstream = upstream
        self._fault, self._charge = _charged(fault)
        self._spent = 0
        self._context = contextlib.ExitStack()
        self._port: Port | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listeners: list[socket.socket] = []
        self._carried: dict[asyncio.Task[None], Connection] = {}
        self._bugs: list[BaseException] = []

        self.connections = 0
        """How many clients have come."""

    @property
    def port(self) -> int:
        """The port to dial instead of the server's, on every address of ``localhost``."""
        if self._port is None:
            raise LabError("the relay is not running")
        return self._port.number

    @property
    def fired(self) -> int:
        """How often a fault has happened; it counts before anybody can notice."""
        return self._spent + self._charge.taken

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as undo:
            self._port = Port.reserve(localhost_addresses())
            undo.callback(self._port.close)
            self._loop = undo.enter_context(_running_loop())
            undo.callback(self.refuse)
            self.accept_again()
            self._context = undo.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._context.close()
        if self._bugs and error is None:
            raise self._bugs[0]

    def refuse(self) -> None:
        """Stop listening, and reset what is open: from now on a client is refused."""
        self._run(self._close())

    def accept_again(self) -> None:
        """Listen, on the same port.

        Raises:
            OSError: somebody else has taken it, which only systems other than Linux allow.
        """
        self._run(self._open())

    def disarm(self) -> None:
        """Let the fault not happen any more, on connections that are open as well."""
        self._charge.set(0)

    def arm(self, times: int | None = 1) -> None:
        """Let the fault happen as often from now on, on connections that are open as well; None is always."""
        self._charge.set(times)

    def place(self, fault: Fault | None) -> None:
        """Call the present fault off, and place another, for connections that come from now on."""
        self.disarm()
        self._spent += self._charge.taken
        self._fault, self._charge = _charged(fault)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        if self._loop is None:
            work.close()
            raise LabError("the relay is not running")
        asyncio.run_coroutine_threadsafe(work, self._loop).result(_WAIT_S)

    async def _open(self) -> None:
        if self._listeners or self._port is None:
            return
        self._listeners = self._port.listen()
        for listener in self._listeners:
            listener.settimeout(0)
            asyncio.get_running_loop().add_reader(listener, self._accept, listener)

    async def _close(self) -> None:
        for listener in self._listeners:
            asyncio.get_running_loop().remove_reader(listener)
            listener.close()
        self._listeners = []
        carried = dict(self._carried)
        for task in carried:
            task.cancel()
        await asyncio.gather(*carried, return_exceptions=True)
        for connection in carried.values():  # also those whose task was cancelled before it began
            connection.reset()

    def _accept(self, listener: socket.socket) -> None:
        try:
            client, _ = listener.accept()
        except OSError:  # it has left already
            return
        self.connections += 1
        server = socket.socket(socket.AF_INET6 if ":" in self._upstream[0] else socket.AF_INET)
        connection = Connection(client, server, Gate(self._fault, self._charge), self._fault.action)
        task = asyncio.get_running_loop().create_task(connection.carry(self._upstream))
        self._carried[task] = connection
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._carried[task]
        if not task.cancelled() and (error := task.exception()) is not None:
            self._bugs.append(error)


def _charged(fault: Fault | None) -> tuple[Fault, Charge]:
    fault = fault or _NOTHING
    return fault, Charge(fault.times)


@contextlib.contextmanager
def _running_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop that runs in a thread of its own."""
    loop = asyncio.SelectorEventLoop()
    thread = threading.Thread(target=loop.run_forever, name="fault-relay")
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
