"""A TLS connection for two threads, as websockets uses one: the one reads, the other writes.

OpenSSL allows one thread at a time on a connection. Python before 3.13 does not see to that, and a read that
has taken in a session ticket goes on waiting for data inside of OpenSSL. So now and then a handshake is lost,
and then closing waits for a reader that nothing wakes.
"""

from __future__ import annotations

import select
import socket
import ssl
import threading
from contextlib import suppress
from typing import Any

from websockets.client import ClientProtocol
from websockets.sync.client import ClientConnection


class SharedConnection(ClientConnection):
    """What websockets makes of a connected socket; for its option ``create_connection``."""

    def __init__(self, socket: socket.socket, protocol: ClientProtocol, **options: Any) -> None:
        shared: Any = SharedTls(socket) if isinstance(socket, ssl.SSLSocket) else socket
        super().__init__(shared, protocol, **options)


class SharedTls:
    """A TLS socket on which no thread waits while it holds the connection.

    Args:
        sock: after its handshake; it is closed with this.
    """

    def __init__(self, sock: ssl.SSLSocket) -> None:
        sock.settimeout(0)
        self._sock = sock
        self._lock = threading.Lock()
        self._timeout_s: float | None = None

    def recv(self, size: int) -> bytes:
        """Wait for data; nothing is the end."""
        while True:
            with self._lock:
                try:
                    return self._sock.recv(size)
                except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as error:
                    wanted = _events(error)
            self._wait(wanted)

    def sendall(self, data: bytes) -> None:
        """Send all of it."""
        left = memoryview(data)
        while left:
            with self._lock:
                try:
                    left = left[self._sock.send(left) :]
                    continue
                except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as error:
                    wanted = _events(error)
            self._wait(wanted)

    def _wait(self, events: int) -> None:
        poller = select.poll()
        try:
            poller.register(self._sock, events)
        except ValueError as error:
            raise OSError("the connection was closed") from error
        if not poller.poll(None if self._timeout_s is None else self._timeout_s * 1000):
            raise TimeoutError("timed out")

    def settimeout(self, seconds: float | None) -> None:
        """Limit each wait from now on."""
        self._timeout_s = seconds

    def close(self) -> None:
        """Close it, and wake whoever waits for it."""
        with self._lock, suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()

    def shutdown(self, how: int) -> None:
        """End one direction, or both."""
        with self._lock:
            self._sock.shutdown(how)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


def _events(error: ssl.SSLError) -> int:
    return select.POLLOUT if isinstance(error, ssl.SSLWantWriteError) else select.POLLIN
