"""The descriptor on which the kernel asks, and is answered. Used from several threads."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass

from repro.trace.kernel import abi


@dataclass(frozen=True, slots=True)
class Notification:
    """One system call that waits for our answer."""

    id: int
    thread: int
    number: int
    arguments: tuple[int, ...]


class Listener:
    """Notifications in, answers out.

    Args:
        descriptor: the listener's; closed with this.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()
        self._closed = False

    def fileno(self) -> int:
        """For ``poll``."""
        return self._descriptor

    def receive(self) -> Notification | None:
        """The next notification; None where who asked is gone already."""
        buffer = bytearray(abi.NOTIFICATION.size)
        try:
            fcntl.ioctl(self._descriptor, abi.IOCTL_NOTIF_RECV, buffer, True)  # noqa: FBT003 - fcntl's own
        except OSError as error:
            if error.errno in {errno.EINTR, errno.ENOENT}:
                return None
            raise
        number, thread, _, call, _, _, *arguments = abi.NOTIFICATION.unpack(buffer)
        return Notification(number, thread, call, tuple(arguments))

    def waits(self, notification: Notification) -> bool:
        """Whether the caller still waits: it may have been interrupted, or its number be another's by now."""
        with self._lock:
            if self._closed:
                return False
            try:
                question = struct.pack("=Q", notification.id)
                fcntl.ioctl(self._descriptor, abi.IOCTL_NOTIF_ID_VALID, question)
            except OSError:
                return False
        return True

    def answer(self, notification: Notification, number: int = 0) -> None:
        """Let the call end with an errno, or with success. Never raises: the caller may be gone."""
        self._send(abi.ANSWER.pack(notification.id, 0, -number, 0))

    def let_through(self, notification: Notification) -> None:
        """Let the kernel carry the call out, as if nobody had asked."""
        self._send(abi.ANSWER.pack(notification.id, 0, 0, abi.NOTIF_CONTINUE))

    def close(self) -> None:
        """Answer no more: a thread that still waits must not answer through another file."""
        with self._lock:
            self._closed = True
            os.close(self._descriptor)

    def _send(self, answer: bytes) -> None:
        with self._lock:
            if self._closed:
                return
            with suppress(OSError):  # interrupted by a signal, or gone
                fcntl.ioctl(self._descriptor, abi.IOCTL_NOTIF_SEND, answer)
