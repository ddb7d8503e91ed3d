"""What asyncio adds to sockets: timeouts that cancel an attempt, and handshakes in memory."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import Any

from repro.hooks import deadlines
from repro.hooks.dial import Dial
from repro.hooks.patches import Patches
from repro.hooks.recorder import Recorder
from repro.hooks.tls import speaking_for


def hook(asyncio: ModuleType, patches: Patches, recorder: Recorder) -> None:
    """Watch asyncio's timeouts, and say which connection its handshakes belong to."""
    patches.wrap(asyncio.Timeout, "__aenter__", _entering)
    patches.wrap(asyncio.Timeout, "__aexit__", _leaving)
    if sys.version_info < (3, 12):  # from then on it is made of asyncio.timeout
        patches.wrap(asyncio, "wait_for", _waiting)
    watch = _ProtocolWatch(recorder)
    patches.wrap(asyncio.sslproto.SSLProtocol, "connection_made", watch.connection_made)
    patches.wrap(asyncio.sslproto.SSLProtocol, "connection_lost", watch.connection_lost)


def _entering(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def __aenter__(timeout: deadlines.Deadline) -> Any:  # noqa: N807 - as the original
        entered = await original(timeout)
        deadlines.begins(timeout)
        return entered

    return __aenter__


def _leaving(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def __aexit__(timeout: deadlines.Deadline, *error: Any) -> Any:  # noqa: N807 - as the original
        deadlines.ends(timeout)
        return await original(timeout, *error)

    return __aexit__


def _waiting(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def wait_for(fut: Awaitable[Any], timeout: float | None) -> Any:
        if timeout is None:
            return await original(fut, timeout)
        loop = sys.modules["asyncio"].get_running_loop()
        deadline = deadlines.Moment(loop, loop.time() + timeout)
        deadlines.begins(deadline)
        try:
            return await original(fut, timeout)
        finally:
            deadlines.ends(deadline)

    return wait_for


class _ProtocolWatch:
    """The protocols that drive a handshake in memory, and the connection that each speaks on."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._dials: weakref.WeakKeyDictionary[Any, Dial] = weakref.WeakKeyDictionary()

    def connection_made(self, original: Callable[..., None]) -> Callable[..., None]:
        def connection_made(protocol: Any, transport: Any) -> None:
            dial = self._recorder.dial_of(transport.get_extra_info("socket"))
            if dial is not None:
                self._dials[protocol] = dial
            with speaking_for(dial):
                original(protocol, transport)

        return connection_made

    def connection_lost(self, original: Callable[..., None]) -> Callable[..., None]:
        def connection_lost(protocol: Any, error: Exception | None) -> None:
            dial = self._dials.pop(protocol, None)
            if dial is not None:
                dial.lost(error)
            original(protocol, error)

        return connection_lost
