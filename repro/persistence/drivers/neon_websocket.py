"""Neon's WebSocket: Postgres's protocol in binary frames, spoken by psycopg through a tunnel.

The WebSocket is dialled first, so that its failure is the driver's failure. Only then psycopg enters,
through a Unix socket in a private folder that is gone again before the first statement: that inner hop is no
attempt of its own.
"""

from __future__ import annotations

import asyncio
import inspect
import math
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import copy_context
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as dial

from repro.persistence.drivers.psycopg import AsyncPsycopgDriver, EndedByCancellation, PsycopgDriver
from repro.persistence.drivers.shared_tls import SharedConnection
from repro.persistence.endpoints import neon_websocket_url
from repro.persistence.settings import Timeouts
from repro.persistence.steps import Rows, Step

endpoint_of = neon_websocket_url

_PORT = "5432"
_CHUNK_BYTES = 65536

_OF_TLS = ("channel_binding", "sslmode", "sslnegotiation", "sslrootcert")

_NO_PINGS: dict[str, Any] = (
    {"ping_interval": None} if "ping_interval" in inspect.signature(dial).parameters else {}
)
"""Before websockets 15 the client with threads sends no pings, and has nothing to switch them off."""

_INNER_HOP = {
    "hostaddr": "",
    "port": _PORT,
    "sslmode": "disable",  # TLS is the WebSocket's affair; Neon takes no SSLRequest inside it
    "channel_binding": "disable",  # there is no TLS of psycopg's own to bind to
}


def connect(
    url: str,
    *,
    endpoint: str | None = None,
    timeouts: Timeouts = Timeouts(),  # noqa: B008 - it is frozen
) -> NeonWebsocketDriver:
    """Dial the WebSocket, then log in through it.

    Args:
        url: the database's URL.
        endpoint: ``host:port/path`` of another proxy, if it is not the derived one; see `endpoint_of`.
        timeouts: for the WebSocket, for the login, and for each answer.

    Raises:
        OSError: if the WebSocket's server cannot be reached, or TLS fails.
        websockets.exceptions.WebSocketException: if it does not upgrade.
        psycopg.Error: if the login fails; its cause is the WebSocket's end where that was first.
    """
    parameters = conninfo_to_dict(url)
    tunnel = Tunnel.dial(endpoint_of(url, endpoint), timeouts)
    try:
        with tunnel.entrance() as folder:
            connection = psycopg.connect(
                **_log_in(parameters, folder, timeouts), autocommit=True, prepare_threshold=None
            )
    except BaseException:
        tunnel.close()
        raise
    return NeonWebsocketDriver(connection, tunnel, timeouts, removed=_removed(parameters))


async def connect_async(
    url: str,
    *,
    endpoint: str | None = None,
    timeouts: Timeouts = Timeouts(),  # noqa: B008 - it is frozen
) -> AsyncNeonWebsocketDriver:
    """`connect` for the async driver. The tunnel has threads of its own; the loop never waits for it."""
    parameters = conninfo_to_dict(url)
    tunnel = await _dialled(endpoint_of(url, endpoint), timeouts)
    try:
        with tunnel.entrance() as folder:
            connection = await EndedByCancellation.connect(
                **_log_in(parameters, folder, timeouts), autocommit=True, prepare_threshold=None
            )
    except BaseException:
        await _closed(tunnel)
        raise
    return AsyncNeonWebsocketDriver(connection, tunnel, timeouts, removed=_removed(parameters))


async def _dialled(endpoint: str, timeouts: Timeouts) -> Tunnel:
    """Dial in a thread; where nobody waits for it any more, that thread closes what it has dialled.

    It is a thread of its own because it may outlive the loop, and its work must not be dropped with it.
    """
    thread = ThreadPoolExecutor(1, "websocket-dial")
    dialling = thread.submit(copy_context().run, Tunnel.dial, endpoint, timeouts)
    try:
        return await asyncio.wrap_future(dialling)
    except asyncio.CancelledError:
        thread.submit(_close_if_dialled, dialling)
        raise
    finally:
        thread.shutdown(wait=False)


def _close_if_dialled(dialling: Future[Tunnel]) -> None:
    if not dialling.cancelled() and dialling.exception() is None:
        dialling.result().close()


async def _closed(tunnel: Tunnel) -> None:
    """Close in a thread, which goes on where nobody waits for it any more."""
    await asyncio.shield(asyncio.get_running_loop().run_in_executor(None, tunnel.close))


def _log_in(parameters: dict[str, Any], folder: str, timeouts: Timeouts) -> dict[str, Any]:
    kept = {name: value for name, value in parameters.items() if name not in _OF_TLS}
    kept.setdefault("connect_timeout", math.ceil(timeouts.connect_s))
    return kept | _INNER_HOP | {"host": folder}


def _removed(parameters: dict[str, Any]) -> tuple[str, ...]:
    return tuple(name for name in _OF_TLS if name in parameters)


class Tunnel:
    """Carries bytes between one local stream and a WebSocket, until either ends.

    Args:
        websocket: open; it is closed with the tunnel.
        timeouts: how long to wait for psycopg to enter, and for threads to end.
    """

    def __init__(self, websocket: ClientConnection, timeouts: Timeouts) -> None:
        self._websocket = websocket
        self._timeouts = timeouts
        self._stream: socket.socket | None = None
        self._threads: list[threading.Thread] = []
        self._end: ConnectionClosed | None = None

    @classmethod
    def dial(cls, endpoint: str, timeouts: Timeouts) -> Tunnel:
        """Open a WebSocket.

        Args:
            endpoint: its URL.
            timeouts: ``connect_s`` for it, and what the tunnel needs.
        """
        dialled = dial(
            endpoint,
            open_timeout=timeouts.connect_s,
            close_timeout=timeouts.close_s,
            max_size=None,
            create_connection=SharedConnection,
            compression=None,  # small messages, each waited for: it costs more time than it saves
            **_NO_PINGS,
        )
        return cls(dialled.__enter__(), timeouts)  # websockets 17 warns of a connection that was not entered

    @contextmanager
    def entrance(self) -> Iterator[str]:
        """The folder of a Unix socket, through which one client can enter while it is there."""
        with tempfile.TemporaryDirectory(prefix="tunnel-") as folder, _listener(folder) as listener:
            listener.settimeout(self._timeouts.connect_s)
            self._start(lambda: self._serve(listener))
            try:
                yield folder
            except psycopg.OperationalError as error:
                self.explain(error)
                raise
            finally:
                with suppress(OSError):
                    listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits, if nobody has come

    @property
    def ended(self) -> bool:
        """Whether the WebSocket has ended, which psycopg learns only when it asks."""
        return self._end is not None

    def explain(self, error: psycopg.OperationalError) -> None:
        """Give an error its cause, where psycopg has seen the end of the WebSocket from inside."""
        if error.__cause__ is None:
            error.__cause__ = self._end

    def _serve(self, listener: socket.socket) -> None:
        try:
            stream, _ = listener.accept()
        except OSError:
            return  # nobody came in time, or nobody will
        self._stream = stream
        stream.settimeout(None)
        self._start(lambda: self._outward(stream))
        self._inward(stream)

    def _outward(self, stream: socket.socket) -> None:
        try:
            while data := stream.recv(_CHUNK_BYTES):
                self._websocket.send(data)
        except (OSError, WebSocketException):
            pass  # the other direction knows why
        finally:
            self._websocket.close()

    def _inward(self, stream: socket.socket) -> None:
        try:
            while True:
                stream.sendall(self._websocket.recv(decode=False))
        except ConnectionClosed as error:
            self._end = error  # before psycopg is told, so that it is there when psycopg raises
        except OSError:
            pass  # psycopg has left
        finally:
            with suppress(OSError):
                stream.shutdown(socket.SHUT_RDWR)

    def _start(self, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, name="websocket-tunnel", daemon=True)
        self._threads.append(thread)
        thread.start()

    def close(self) -> None:
        """End both directions and wait for them. Safe to repeat."""
        self._websocket.close()
        for thread in self._threads:
            thread.join(self._timeouts.connect_s)
        if self._stream is not None:
            self._stream.close()


def _listener(folder: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(Path(folder) / f".s.PGSQL.{_PORT}"))
        listener.listen(1)
    except BaseException:
        listener.close()
        raise
    return listener


class NeonWebsocketDriver(PsycopgDriver):
    """Runs transactions through `psycopg.Connection.transaction`, inside a WebSocket.

    Args:
        connection: entered through the tunnel; it is closed with the driver.
        tunnel: closed with the driver.
        timeouts: how long an answer may take.
        removed: the names of the URL's parameters that do not hold inside the tunnel.
    """

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        tunnel: Tunnel,
        timeouts: Timeouts,
        *,
        removed: tuple[str, ...] = (),
    ) -> None:
        super().__init__(connection, timeouts, may_prepare=True)
        self._tunnel = tunnel
        self.removed = removed

    def _carry_out(self, step: Step) -> Rows:
        try:
            return super()._carry_out(step)
        except psycopg.OperationalError as error:
            self._tunnel.explain(error)
            raise

    def _is_closed(self) -> bool:
        return super()._is_closed() or self._tunnel.ended

    def close(self) -> None:
        """Give back the connection and end the WebSocket. Safe to repeat."""
        super().close()
        self._tunnel.close()


class AsyncNeonWebsocketDriver(AsyncPsycopgDriver):
    """A `NeonWebsocketDriver` that is awaited; the arguments are the same."""

    def __init__(
        self,
        connection: psycopg.AsyncConnection[Any],
        tunnel: Tunnel,
        timeouts: Timeouts,
        *,
        removed: tuple[str, ...] = (),
    ) -> None:
        super().__init__(connection, timeouts, may_prepare=True)
        self._tunnel = tunnel
        self.removed = removed

    async def _carry_out(self, step: Step) -> Rows:
        try:
            return await super()._carry_out(step)
        except psycopg.OperationalError as error:
            self._tunnel.explain(error)
            raise

    def _is_closed(self) -> bool:
        return super()._is_closed() or self._tunnel.ended

    async def close(self) -> None:
        """Give back the connection and end the WebSocket. Safe to repeat."""
        await super().close()
        await _closed(self._tunnel)
