"""A tiny process that ends what a lab leaves behind when the lab itself is killed.

It is run as a script, in a session of its own, with the standard library alone. Its standard input is a
socket from the lab: lines of JSON, each with one of

    {"process": PID, "signal": N}   end this process, gently by signal N; its pidfd comes along
    {"ended": PID}                  that process has ended
    {"folder": PATH}                remove this folder
    {"done": true}                  the lab has cleaned up by itself

The end of the input without ``done`` means that the lab is dead. A pidfd, which only Linux has, names the
process itself and not its number, so a process that was given the number later is never hit.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import time
from typing import Any

_GRACE_S = 3.0
_POLL_S = 0.02
_MAX_DESCRIPTORS = 16


class Ward:
    """A process that is to be ended."""

    def __init__(self, pid: int, stop_signal: int, pidfd: int | None) -> None:
        self.pid = pid
        self.stop_signal = stop_signal
        self._pidfd = pidfd

    def send(self, number: int) -> None:
        """Send a signal; a process that is gone is left alone."""
        with contextlib.suppress(OSError):
            if self._pidfd is None:
                os.kill(self.pid, number)
            else:
                signal.pidfd_send_signal(self._pidfd, number)

    def is_alive(self) -> bool:
        """Whether it runs still. A pidfd is readable after the end, reaped or not; signal 0 only asks."""
        if self._pidfd is not None:
            return not select.select([self._pidfd], [], [], 0)[0]
        try:
            os.kill(self.pid, 0)
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Let go of the descriptor."""
        if self._pidfd is not None:
            os.close(self._pidfd)


class Charge:
    """All that one lab has put in the watchdog's care."""

    def __init__(self) -> None:
        self.wards: dict[int, Ward] = {}
        self.folders: list[str] = []

    def take(self, message: dict[str, Any], descriptors: list[int]) -> None:
        """Act on one message of the lab; ``descriptors`` are the pidfds received and not yet used."""
        if "process" in message:
            pidfd = descriptors.pop(0) if descriptors else None
            self.wards[message["process"]] = Ward(message["process"], message["signal"], pidfd)
        elif "ended" in message:
            self.wards.pop(message["ended"]).close()
        elif "folder" in message:
            self.folders.append(message["folder"])

    def clean_up(self) -> None:
        """End every process, first gently, and remove every folder."""
        for ward in self.wards.values():
            ward.send(ward.stop_signal)
        deadline = time.monotonic() + _GRACE_S
        while time.monotonic() < deadline and any(ward.is_alive() for ward in self.wards.values()):
            time.sleep(_POLL_S)
        for ward in self.wards.values():
            ward.send(signal.SIGKILL)
        for folder in self.folders:
            shutil.rmtree(folder, ignore_errors=True)


def listen(channel: socket.socket, charge: Charge) -> bool:
    """Follow the lab's messages to their end; whether the lab said that it is done."""
    pending = b""
    descriptors: list[int] = []
    while True:
        data, received, _, _ = socket.recv_fds(channel, 4096, _MAX_DESCRIPTORS)
        descriptors += received
        if not data:
            return False
        *lines, pending = (pending + data).split(b"\n")
        for line in lines:
            message = json.loads(line)
            if "done" in message:
                return True
            charge.take(message, descriptors)


def main() -> None:
    """Guard one lab until it ends."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    charge = Charge()
    with socket.socket(fileno=0) as channel:
        done = _listen_until_lost(channel, charge)
    if not done:
        charge.clean_up()


def _listen_until_lost(channel: socket.socket, charge: Charge) -> bool:
    try:
        return listen(channel, charge)
    except OSError:  # a reset is an end as well
        return False


if __name__ == "__main__":
    main()
