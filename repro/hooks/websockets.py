"""WebSocket upgrades and ends of the library ``websockets``, sync and asyncio, the client's side.

Its own DEBUG log shows header values and frames: it is not used.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from repro.hooks import deadlines
from repro.hooks.dial import Dial
from repro.hooks.failures import failure_of
from repro.hooks.patches import Patches
from repro.hooks.recorder import Recorder

_ORDERLY = frozenset({1000, 1001, 1005})
"""RFC 6455, section 7.4.1: normal, going away, and a close frame without a code."""


def hook_sync(client: ModuleType, patches: Patches, recorder: Recorder) -> None:
    """Watch ``websockets.sync.client``, where a thread per connection receives until the end."""
    watch = _Watch(recorder)
    patches.wrap(client.ClientConnection, "handshake", watch.handshake)
    patches.wrap(client.ClientConnection, "recv_events", watch.until_the_end)


def hook_asyncio(client: ModuleType, patches: Patches, recorder: Recorder) -> None:
    """Watch ``websockets.asyncio.client``, where the connection is the protocol of a transport."""
    watch = _Watch(recorder)
    patches.wrap(client.ClientConnection, "handshake", watch.handshake_async)
    patches.wrap(client.ClientConnection, "connection_lost", watch.until_the_end)


class _Watch:
    """The upgrades that were seen, by their connection."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._upgrades: weakref.WeakKeyDictionary[Any, _Upgrade] = weakref.WeakKeyDictionary()

    def handshake(self, original: Callable[..., None]) -> Callable[..., None]:
        def handshake(connection: Any, *args: Any, **options: Any) -> None:
            upgrade = self._begin(connection, lambda: connection.socket)
            try:
                original(connection, *args, **options)
            except BaseException as error:
                upgrade.ended(connection, error)
                raise
            upgrade.ended(connection, None)

        return handshake

    def handshake_async(self, original: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        async def handshake(connection: Any, *args: Any, **options: Any) -> None:
            upgrade = self._begin(connection, lambda: connection.transport.get_extra_info("socket"))
            try:
                await original(connection, *args, **options)
            except BaseException as error:
                upgrade.ended(connection, error)
                raise
            upgrade.ended(connection, None)

        return handshake

    def until_the_end(self, original: Callable[..., None]) -> Callable[..., None]:
        """Cover the method with which a connection ends."""

        def ending(connection: Any, *error: Any) -> None:
            original(connection, *error)
            upgrade = self._upgrades.pop(connection, None)
            if upgrade is not None:
                upgrade.closed(connection)

        return ending

    def _begin(self, connection: Any, socket_of: Callable[[], Any]) -> _Upgrade:
        upgrade = self._upgrades[connection] = _Upgrade(self._recorder, socket_of)
        return upgrade


class _Upgrade:
    """The opening of one WebSocket, and its end.

    Args:
        recorder: where its events go.
        socket_of: gives the connection's socket.
    """

    def __init__(self, recorder: Recorder, socket_of: Callable[[], Any]) -> None:
        self._recorder = recorder
        self._dial: Dial | None = None
        self._t0 = time.monotonic()
        self._expired = deadlines.watch()
        self._open = False
        recorder.guarded(lambda: self._find(socket_of))

    def ended(self, connection: Any, error: BaseException | None) -> None:
        """The handshake is over, well or not."""
        self._recorder.guarded(lambda: self._ended(connection, error))

    def closed(self, connection: Any) -> None:
        """The connection is over. Is no end of a WebSocket where there never was one."""
        self._recorder.guarded(lambda: self._closed(connection))

    def _find(self, socket_of: Callable[[], Any]) -> None:
        self._dial = self._recorder.dial_of(socket_of())

    def _ended(self, connection: Any, error: BaseException | None) -> None:
        self._open = error is None
        failure, errno = (None, None) if error is None else self._failure(error)
        request, response = connection.request, connection.response
        self._recorder.event(
            "http.upgrade",
            self._t0,
            dial=self._dial,
            failure=failure,
            errno=errno,
            host=urlsplit(f"//{request.headers.get('Host', '')}").hostname,
            http__method="GET",
            http__path=request.path.partition("?")[0],
            http__status=response and response.status_code,
        )

    def _failure(self, error: BaseException) -> tuple[str, str | None]:
        if type(error).__name__.startswith("Invalid") and error.__cause__ is None:
            return "ws_handshake", None  # an answer came: InvalidStatus, InvalidUpgrade, InvalidHeader, …
        failure, errno = failure_of(error, self._expired)
        if type(error).__name__ == "InvalidMessage" and failure.startswith("unknown_failure"):
            return "protocol_mismatch", None  # an answer came that is no HTTP
        return failure, errno

    def _closed(self, connection: Any) -> None:
        if not self._open:
            return
        code = connection.protocol.close_code
        failure = None if code in _ORDERLY else "ws_closed"
        self._recorder.event(
            "ws.close", time.monotonic(), dial=self._dial, failure=failure, ws__close_code=code
        )
