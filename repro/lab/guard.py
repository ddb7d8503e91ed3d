"""The lab's end of its watchdog: starts it, and tells it what to end and remove if the lab dies."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from repro.lab import watchdog
from repro.lab.errors import LabError

_END_S = 5.0
_KEPT_VARIABLES = (
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
)  # an interpreter may need them to find its own library


class Guard:
    """A running watchdog."""

    def __init__(self, process: subprocess.Popen[bytes], channel: socket.socket) -> None:
        self._process = process
        self._channel = channel

    @classmethod
    def start(cls) -> Guard:
        """Start the watchdog process."""
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", watchdog.__file__],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                cwd="/",
                env={name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ},
            )
        return cls(process, ours)

    @property
    def pid(self) -> int:
        """The watchdog's process id."""
        return self._process.pid

    def process(self, pid: int, stop_signal: signal.Signals) -> None:
        """Put a child of this process, which it has not reaped, in the watchdog's care."""
        message = {"process": pid, "signal": int(stop_signal)}
        try:
            pidfd = os.pidfd_open(pid)
        except (AttributeError, OSError):  # another system, or a Linux older than 5.3
            self._send(message)
            return
        try:
            self._send(message, pidfd)
        finally:
            os.close(pidfd)

    def ended(self, pid: int) -> None:
        """Take a child that has been reaped out of its care."""
        with contextlib.suppress(LabError):
            self._send({"ended": pid})

    def folder(self, path: Path) -> None:
        """Put a folder in the watchdog's care."""
        self._send({"folder": str(path)})

    def dismiss(self) -> None:
        """Tell it that all is cleaned up, and wait for its end."""
        with contextlib.suppress(LabError):
            self._send({"done": True})
        self._channel.close()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _send(self, message: dict[str, Any], *descriptors: int) -> None:
        line = json.dumps(message).encode() + b"\n"
        try:
            socket.send_fds(self._channel, [line], descriptors)
        except OSError as error:
            raise LabError("the lab's watchdog has ended: start the lab anew") from error
