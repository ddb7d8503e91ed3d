"""Connect attempts of Python sockets, blocking or not: asyncio, httpcore, redis-py, websockets and the rest.

The methods of the class `socket.socket` are covered, not the class: `ssl.SSLSocket` and asyncio hold on to
the original one. A non-blocking connect answers EINPROGRESS; its verdict is read later with
``getsockopt(SO_ERROR)``.
"""

from __future__ import annotations

import errno
import os
import socket
import sys
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from repro.events import Peer, errno_name, failure_of_errno
from repro.hooks.dial import Dial
from repro.hooks.failures import failure_of
from repro.hooks.lookups import Lookup
from repro.hooks.patches import Patches
from repro.hooks.recorder import Recorder

_PENDING = frozenset({errno.EINPROGRESS, errno.EALREADY, errno.EWOULDBLOCK, errno.EAGAIN, errno.EINTR})
_FAMILIES = frozenset({socket.AF_INET, socket.AF_INET6, getattr(socket, "AF_UNIX", None)})


def hook(patches: Patches, recorder: Recorder) -> None:
    """Watch the connects of every stream socket."""
    watch = _Watch(recorder)
    patches.wrap(socket.socket, "connect", watch.connect)
    patches.wrap(socket.socket, "connect_ex", watch.connect_ex)
    patches.wrap(socket.socket, "getsockopt", watch.getsockopt)
    patches.wrap(socket.socket, "close", watch.close)


@dataclass(slots=True, eq=False)
class _Pending:
    """An attempt without a verdict, and the watch on its socket."""

    dial: Dial
    socket: weakref.ref[socket.socket]


class _Watch:
    """The attempts that have no verdict yet, by descriptor, and the methods that look at them."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._pending: dict[int, _Pending] = {}

    def connect(self, original: Callable[..., None]) -> Callable[..., None]:
        def connect(sock: socket.socket, address: Any, /) -> None:
            dial = self._begin(sock, address)
            try:
                original(sock, address)
            except BaseException as error:
                self._raised(sock, address, dial, error)
                raise
            self._verdict(sock, dial, 0)

        return connect

    def connect_ex(self, original: Callable[..., int]) -> Callable[..., int]:
        def connect_ex(sock: socket.socket, address: Any, /) -> int:
            dial = self._begin(sock, address)
            try:
                number = original(sock, address)
            except BaseException as error:
                self._raised(sock, address, dial, error)
                raise
            self._returned(sock, dial, number)
            return number

        return connect_ex

    def getsockopt(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def getsockopt(sock: socket.socket, level: int, option: int, /, *size: int) -> Any:
            value = original(sock, level, option, *size)
            if option == socket.SO_ERROR and level == socket.SOL_SOCKET:
                number = value if isinstance(value, int) else int.from_bytes(value, sys.byteorder)
                self._verdict(sock, self._pending_dial(sock), number)
            return value

        return getsockopt

    def close(self, original: Callable[..., None]) -> Callable[..., None]:
        def close(sock: socket.socket) -> None:
            descriptor = sock.fileno()
            pending = self._pending.pop(descriptor, None)
            self._recorder.forget(descriptor)
            original(sock)
            if pending is not None:
                pending.dial.given_up()

        return close

    def _begin(self, sock: socket.socket, address: object) -> Dial | None:
        if self._recorder.silent or sock.family not in _FAMILIES or sock.type != socket.SOCK_STREAM:
            return None
        peer = _peer(address)
        if peer is None:
            return None
        return self._pending_dial(sock) or self._recorder.dial(peer, via="socket")

    def _pending_dial(self, sock: socket.socket) -> Dial | None:
        pending = self._pending.get(sock.fileno())
        return pending.dial if pending is not None and pending.socket() is sock else None

    def _raised(self, sock: socket.socket, address: Any, dial: Dial | None, error: BaseException) -> None:
        if dial is None:
            return
        if isinstance(error, socket.gaierror):  # a name was dialled, and looked up inside connect
            dial.void()
            Lookup(self._recorder, address[0], address[1]).failed(error)
        elif isinstance(error, OSError) and error.errno in _PENDING:
            self._wait(sock, dial)
        elif isinstance(error, OSError):
            dial.failed(*failure_of(error))
        elif not isinstance(error, Exception):  # interrupted
            dial.given_up()
        elif self._pending_dial(sock) is not dial:  # a bad argument ends no earlier attempt
            dial.void()

    def _returned(self, sock: socket.socket, dial: Dial | None, number: int) -> None:
        if dial is None:
            return
        if number in _PENDING and sock.gettimeout():  # it has waited as long as it was to
            dial.failed("timeout")
        elif number in _PENDING:
            self._wait(sock, dial)
        else:
            self._verdict(sock, dial, 0 if number == errno.EISCONN else number)

    def _wait(self, sock: socket.socket, dial: Dial) -> None:
        descriptor = sock.fileno()

        def collected(_: weakref.ref[socket.socket]) -> None:
            pending = self._pending.get(descriptor)
            if pending is not None and pending.dial is dial:
                del self._pending[descriptor]
                dial.collected()

        self._pending[descriptor] = _Pending(dial, weakref.ref(sock, collected))

    def _verdict(self, sock: socket.socket, dial: Dial | None, number: int) -> None:
        if dial is None:
            return
        self._pending.pop(sock.fileno(), None)
        name = errno_name(number)
        if name is None:
            dial.succeeded(_connected_peer(sock))
            self._recorder.connected(sock.fileno(), dial)
        else:
            dial.failed(failure_of_errno(name), name)


def _peer(address: object) -> Peer | None:
    """The far end that an address as given to ``connect`` names, or None where it is malformed."""
    if isinstance(address, tuple) and len(address) >= 2 and isinstance(address[0], str):
        return Peer(address[0], address[1]) if isinstance(address[1], int) else None
    if isinstance(address, str | bytes | os.PathLike):
        path = os.fsdecode(address)
        return Peer(f"@{path[1:]}" if path.startswith("\0") else path)  # Linux: a name in no folder
    return None


def _connected_peer(sock: socket.socket) -> Peer | None:
    """Who really answered: the program may have dialled a name or ``0.0.0.0``."""
    try:
        name = sock.getpeername()
    except OSError:
        return None
    return Peer(name[0], name[1]) if isinstance(name, tuple) else None
