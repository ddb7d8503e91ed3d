"""Connections that are opened when needed, kept, and replaced once they have ended.

A pool is where a driver's errors become this package's own: what leaves it is a `PersistenceError`.

A kept connection may have been ended by the server meanwhile, which shows only when it is used. Nothing of a
transaction is applied before COMMIT, so where a kept connection turns out to have ended at its first steps,
they are sent again on a new one, and nobody notices. The first steps are BEGIN and one statement: SQLAlchemy
sends nothing for BEGIN alone. A command of the queue is never sent again here: it may have been carried out.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias, TypeVar

from repro.persistence.carrier import DATABASE, AsyncCarrier, Carrier, Server
from repro.persistence.errors import CONNECTION_LOST, NotApplied, PersistenceError, Unreachable
from repro.persistence.outcome import judged, not_connected, translated
from repro.persistence.steps import Begin, Execute, drive, drive_async

T = TypeVar("T")

DEFAULT_SIZE = 10
"""Connections of one pool."""

DEFAULT_WAIT_S = 5.0
"""Seconds that a caller waits for a connection to come free."""


class _EndedError(Exception):
    """A kept connection had ended; the generator was not told of it."""


class _Started:
    """A generator whose first step is known, and was not answered yet.

    Args:
        generator: not started yet.

    Raises:
        StopIteration: with its result, where it ends without a step.
    """

    def __init__(self, generator: Generator[Any, Any, Any]) -> None:
        self._generator = generator
        self._sent: list[Any] = []
        self._next = next(generator)

    @property
    def can_be_repeated(self) -> bool:
        """Whether its first steps apply nothing, so that they may be sent once more."""
        return isinstance(self._next, Begin)

    def tried(self, connection: Any) -> Generator[Any, Any, Any]:
        """It, on a connection that may have ended: if so, its first steps have not happened.

        Raises:
            _EndedError: from the error that told so.
        """
        for _ in range(2):
            try:
                answer = yield self._next
            except Exception as error:  # noqa: BLE001 - it is translated, whatever it is
                verdict = judged(error, self._next, connection)
                if _is_end(verdict):
                    raise _EndedError from verdict
                return (yield from self._on(connection, partial(self._generator.throw, verdict)))
            self._sent.append(self._next)
            try:
                self._next = self._generator.send(answer)
            except StopIteration as done:
                return done.value
            if not isinstance(self._next, Execute):
                break
        return (yield from self._on(connection))

    def whole(self, connection: Any) -> Generator[Any, Any, Any]:
        """It, to its end; what was sent on a connection that had ended is sent once more."""
        yield from translated(self._again(), connection)
        return (yield from self._on(connection))

    def _again(self) -> Generator[Any, Any, None]:
        for step in self._sent:  # noqa: UP028 - a list takes no answers
            yield step

    def _on(self, connection: Any, following: Callable[[], Any] | None = None) -> Generator[Any, Any, Any]:
        return translated(self._generator, connection, following or (lambda: self._next))


def _is_end(error: PersistenceError) -> bool:
    """Whether an error says that the connection had ended; a statement that took too long is none."""
    if not isinstance(error, NotApplied) or isinstance(error.__cause__, TimeoutError):
        return False
    return error.code is None or error.code.startswith(CONNECTION_LOST)


@dataclass(frozen=True, slots=True)
class _Open:
    """Open a connection."""


@dataclass(frozen=True, slots=True)
class _Run:
    """Run a generator on a connection."""

    connection: Any
    generator: Generator[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class _Close:
    """Close connections, all at once; it raises nothing."""

    connections: tuple[Any, ...]


_Doing: TypeAlias = Generator[_Open | _Run | _Close, Any, T]
"""What a pool does, without I/O."""


class _Keeping:
    """Which connection serves, and what becomes of it: the same for both kinds of pool."""

    def __init__(self, *, size: int, wait_s: float, server: Server) -> None:
        if size < 1:
            raise ValueError("a pool has at least one connection")
        self._size, self._wait_s = size, wait_s
        self._server = server
        self._idle: list[Any] = []
        self._closed = False

    def _serve(self, started: _Started) -> _Doing[Any]:
        kept = yield from self._kept()
        if kept is not None and started.can_be_repeated:
            try:
                return (yield from self._on(kept, started.tried(kept)))
            except _EndedError:
                kept = self._taken_back(kept)
        connection = kept if kept is not None else (yield from self._new())
        return (yield from self._on(connection, started.whole(connection)))

    def _taken_back(self, connection: Any) -> Any:
        """A connection that was given back just now, where it can still be used and nobody else has it."""
        try:
            self._idle.remove(connection)
        except ValueError:
            return None
        return connection

    def _on(self, connection: Any, generator: Generator[Any, Any, Any]) -> _Doing[Any]:
        try:
            return (yield _Run(connection, generator))
        except Exception:
            if not connection.usable:  # what ended it has most likely ended those that are idle too
                yield from self._close_idle()
            raise
        finally:
            if connection.usable:
                self._idle.append(connection)
                if self._closed:  # perhaps by another thread just now, which did not find it there
                    yield from self._close_idle()
            else:
                yield _Close((connection,))

    def _kept(self) -> _Doing[Any]:
        """The connection that was used last, of those that are idle and not known to have ended."""
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:  # another thread was faster
                break
            if connection.usable:
                return connection
            yield _Close((connection,))
        return None

    def _close_idle(self) -> _Doing[None]:
        idle = []
        with suppress(IndexError):  # another thread may be faster
            while self._idle:
                idle.append(self._idle.pop())
        if idle:
            yield _Close(tuple(idle))

    def _new(self) -> _Doing[Any]:
        if self._closed:
            raise Unreachable("nothing was applied: the pool is closed")
        try:
            return (yield _Open())
        except NotApplied:
            raise
        except Exception as error:
            raise not_connected(error, self._server) from error

    def _end(self) -> _Doing[None]:
        self._closed = True
        yield from self._close_idle()

    def _exhausted(self) -> NotApplied:
        return NotApplied(
            f"nothing was applied: all {self._size} connections to {self._server.name} are in use, "
            f"none came free in {self._wait_s:g} s"
        )


class Pool(_Keeping):
    """Runs transactions or conversations, several at once from several threads.

    Args:
        connect: opens a connection; it is called when one is needed, and never before.
        size: how many connections at most.
        wait_s: seconds to wait for one to come free.
        server: what the connections lead to.

    Raises:
        ValueError: if the size is none.
    """

    def __init__(
        self,
        connect: Callable[[], Carrier],
        *,
        size: int = DEFAULT_SIZE,
        wait_s: float = DEFAULT_WAIT_S,
        server: Server = DATABASE,
    ) -> None:
        super().__init__(size=size, wait_s=wait_s, server=server)
        self._connect = connect
        self._free = threading.Semaphore(size)

    @classmethod
    def of(cls, connection: Carrier) -> Pool:
        """A pool of one connection that is open already and stays the caller's: it is never replaced."""
        pool = cls(_no_other, size=1, server=connection.server)
        pool._idle.append(_Lent(connection))
        return pool

    def run(self, generator: Generator[Any, Any, T]) -> T:
        """Carry out a transaction or a conversation on one connection.

        Raises:
            Unreachable: if no connection can be made.
            NotApplied: if nothing of it took effect.
            OutcomeUnknown: if it may have.
        """
        try:
            started = _Started(generator)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]
        if not self._free.acquire(timeout=self._wait_s):
            raise self._exhausted()
        try:
            return drive(self._serve(started), self._do)  # type: ignore[no-any-return]
        finally:
            self._free.release()

    def _do(self, what: _Open | _Run | _Close) -> Any:
        match what:
            case _Open():
                return self._connect()
            case _Run(connection, generator):
                return connection.run(generator)
            case _Close(connections):
                _together(connections)
                return None

    def close(self) -> None:
        """Close what is idle now, and what is in use when it is given back. Safe to repeat."""
        drive(self._end(), self._do)


class AsyncPool(_Keeping):
    """A `Pool` that is awaited, for tasks of one event loop; the arguments are the same."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[AsyncCarrier]],
        *,
        size: int = DEFAULT_SIZE,
        wait_s: float = DEFAULT_WAIT_S,
        server: Server = DATABASE,
    ) -> None:
        super().__init__(size=size, wait_s=wait_s, server=server)
        self._connect = connect
        self._free = asyncio.Semaphore(size)

    @classmethod
    def of(cls, connection: AsyncCarrier) -> AsyncPool:
        """A pool of one connection that is open already and stays the caller's: it is never replaced."""
        pool = cls(_no_other, size=1, server=connection.server)
        pool._idle.append(_AsyncLent(connection))
        return pool

    async def run(self, generator: Generator[Any, Any, T]) -> T:
        """Carry out a transaction or a conversation on one connection; see `Pool.run`."""
        try:
            started = _Started(generator)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]
        if self._free.locked():
            await self._wait_for_one()
        else:
            await self._free.acquire()  # at once, without a timer that nobody needs
        try:
            return await drive_async(self._serve(started), self._do)
        finally:
            self._free.release()

    async def _wait_for_one(self) -> None:
        try:
            async with asyncio.timeout(self._wait_s):
                await self._free.acquire()
        except TimeoutError as error:
            raise self._exhausted() from error

    def _do(self, what: _Open | _Run | _Close) -> Awaitable[Any]:
        match what:
            case _Open():
                return self._connect()
            case _Run(connection, generator):
                return connection.run(generator)  # type: ignore[no-any-return]
            case _Close(connections):
                goodbyes = (each.close() for each in connections)
                return asyncio.gather(*goodbyes, return_exceptions=True)

    async def close(self) -> None:
        """Close what is idle now, and what is in use when it is given back. Safe to repeat."""
        await drive_async(self._end(), self._do)


def _together(connections: tuple[Carrier, ...]) -> None:
    """Close connections side by side: each goodbye may take its whole time."""
    if len(connections) == 1:
        _quietly(connections[0])
        return
    with ThreadPoolExecutor(len(connections), "pool-close") as threads:
        list(threads.map(_quietly, connections))


def _quietly(connection: Carrier) -> None:
    with suppress(Exception):  # its state is not known, and nobody waits for its goodbye
        connection.close()


class _Lent:
    """A connection that is not ours to close."""

    def __init__(self, connection: Carrier) -> None:
        self._connection = connection
        self.server = connection.server
        self.not_sent = connection.not_sent
        self.not_reached = connection.not_reached
        self.run = connection.run

    @property
    def usable(self) -> bool:
        return self._connection.usable

    def close(self) -> None:
        """It stays the caller's."""


class _AsyncLent:
    """A `_Lent` that is awaited."""

    def __init__(self, connection: AsyncCarrier) -> None:
        self._connection = connection
        self.server = connection.server
        self.not_sent = connection.not_sent
        self.not_reached = connection.not_reached
        self.run = connection.run

    @property
    def usable(self) -> bool:
        return self._connection.usable

    async def close(self) -> None:
        """It stays the caller's."""


def _no_other() -> Any:
    raise Unreachable("nothing was applied: the connection has ended, and no way to make another was given")
