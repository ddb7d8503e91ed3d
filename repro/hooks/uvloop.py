"""Connect attempts of uvloop, which looks up and dials in C (libuv).

Its loop tries each address of a name in turn and tells only the last error. The same is done here one literal
address at a time, through the original method, so that each attempt is seen; the program's protocol is made
once, and the errors are joined as uvloop joins them.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import Any

from repro.events import Peer
from repro.hooks.dial import Dial
from repro.hooks.failures import failure_of
from repro.hooks.lookups import Lookup, is_literal
from repro.hooks.patches import Patches
from repro.hooks.recorder import Recorder
from repro.hooks.tls import speaking_for

_Coroutine = Callable[..., Awaitable[Any]]


def hook(uvloop: ModuleType, patches: Patches, recorder: Recorder) -> None:
    """Watch lookups, connects and TLS upgrades of uvloop's loop."""
    watch = _Watch(recorder)
    patches.wrap(uvloop.Loop, "getaddrinfo", watch.getaddrinfo)
    patches.wrap(uvloop.Loop, "create_connection", watch.create_connection)
    patches.wrap(uvloop.Loop, "create_unix_connection", watch.create_unix_connection)
    patches.wrap(uvloop.Loop, "start_tls", watch.start_tls)


class _Watch:
    """The loop's methods, watched."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def getaddrinfo(self, original: _Coroutine) -> _Coroutine:
        async def getaddrinfo(loop: Any, host: Any, port: Any, **options: Any) -> Any:
            lookup = Lookup(self._recorder, host, port)
            try:
                found = await original(loop, host, port, **options)
            except socket.gaierror as error:
                lookup.failed(error)
                raise
            lookup.answered(found)
            return found

        return getaddrinfo

    def create_connection(self, original: _Coroutine) -> _Coroutine:
        async def create_connection(
            loop: Any,
            protocol_factory: Callable[[], Any],
            host: Any = None,
            port: Any = None,
            **options: Any,
        ) -> Any:
            if not host or self._recorder.silent or options.get("sock") is not None:
                return await original(loop, protocol_factory, host, port, **options)
            protocol = protocol_factory()
            found = await _resolve(loop, host, port, options)
            if options.get("ssl") and options.get("server_hostname") is None:
                options["server_hostname"] = host

            async def connect(address: tuple[Any, ...], family: int) -> Any:
                target = _scoped(address), address[1]
                return await original(loop, lambda: protocol, *target, **{**options, "family": family})

            return await self._one_of(found, connect, None if is_literal(str(host)) else str(host))

        return create_connection

    def create_unix_connection(self, original: _Coroutine) -> _Coroutine:
        async def create_unix_connection(
            loop: Any,
            protocol_factory: Callable[[], Any],
            path: Any = None,
            **options: Any,
        ) -> Any:
            if path is None or self._recorder.silent:
                return await original(loop, protocol_factory, path, **options)
            dial = self._recorder.dial(Peer(os.fsdecode(path)), via="uvloop")
            return await self._attempt(dial, original(loop, protocol_factory, path, **options))

        return create_unix_connection

    def start_tls(self, original: _Coroutine) -> _Coroutine:
        async def start_tls(loop: Any, transport: Any, *args: Any, **options: Any) -> Any:
            dial = self._recorder.dial_of(transport.get_extra_info("socket"))
            with speaking_for(dial):
                return await original(loop, transport, *args, **options)

        return start_tls

    async def _one_of(self, found: list[Any], connect: _Coroutine, host: str | None) -> Any:
        """The first connection that comes about, address by address."""
        errors: list[OSError] = []
        for family, _, _, _, address in found:
            dial = self._recorder.dial(Peer(address[0], address[1]), via="uvloop", host=host)
            try:
                return await self._attempt(dial, connect(address, family))
            except OSError as error:
                if dial.connected:  # what failed is TLS: uvloop tries no further address then
                    raise
                errors.append(error)
        raise _joined(errors)

    async def _attempt(self, dial: Dial, connecting: Awaitable[Any]) -> Any:
        """Await one attempt, and report what it came to."""
        try:
            with speaking_for(dial):
                transport, protocol = await connecting
        except OSError as error:
            dial.failed(*failure_of(error))
            raise
        except BaseException:
            dial.given_up()
            raise
        sock = transport.get_extra_info("socket")
        if sock is not None:
            self._recorder.connected(sock.fileno(), dial)
        dial.succeeded()
        return transport, protocol


async def _resolve(loop: Any, host: object, port: object, options: dict[str, Any]) -> list[Any]:
    found: list[Any] = await loop.getaddrinfo(
        host,
        port,
        family=options.get("family", 0),
        type=socket.SOCK_STREAM,
        proto=options.get("proto", 0),
        flags=options.pop("flags", 0),
    )
    if not found:
        raise OSError("getaddrinfo() returned empty list")  # uvloop's words
    return found


def _scoped(address: tuple[Any, ...]) -> str:
    """A literal address with its scope, without which a link-local one cannot be dialled."""
    scope = address[3] if len(address) == 4 else 0
    return f"{address[0]}%{scope}" if scope else str(address[0])


def _joined(errors: list[OSError]) -> OSError:
    """One error for all addresses, as uvloop's ``create_connection`` makes it."""
    texts = [str(error) for error in errors]
    return errors[0] if len(set(texts)) == 1 else OSError(f"Multiple exceptions: {', '.join(texts)}")
