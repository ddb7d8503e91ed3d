"""A server that answers for ever, a byte at a time, and notes that its client has left."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress


class Dripping:
    """Reads what it is sent, says the beginning of an answer, and then drips.

    Args:
        beginning: what it says at once.
        drip: what it says again and again, a byte at a time.
    """

    def __init__(self, beginning: bytes, drip: bytes) -> None:
        self.left = threading.Event()
        self._beginning, self._drip = beginning, drip
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        with suppress(OSError):
            stream, _ = self._listener.accept()
            with stream:
                stream.recv(65536)
                stream.sendall(self._beginning)
                with suppress(OSError):
                    self._drip_on(stream)
                self.left.set()

    def _drip_on(self, stream: socket.socket) -> None:
        at = 0
        if not self._drip:
            self._over.wait()
        while not self._over.wait(0.02):
            stream.sendall(self._drip[at % len(self._drip) :][:1])
            at += 1

    def close(self) -> None:
        self._over.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
