"""The same facts from ``strace``, where the kernel refuses the filter.

Its output is asked for with wall-clock times and durations, a line a call; a call that blocks is written in
two halves (``<unfinished ...>`` and ``<... connect resumed>``).
"""

from __future__ import annotations

import errno
import itertools
import os
import re
import select
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from repro.events import Peer
from repro.trace.kernel.attempts import Attempt, Tell

_LINE = re.compile(r"(?:\[pid\s+)?(?P<pid>\d+)?\]?\s*(?P<time>\d+\.\d+) (?P<call>.*)\Z", re.DOTALL)
_UNFINISHED = re.compile(r"(?P<call>\w+)\((?P<begun>.*) <unfinished \.\.\.>\Z", re.DOTALL)
_RESUMED = re.compile(r"<\.\.\. (?P<call>\w+) resumed>(?P<rest>.*)\Z", re.DOTALL)
_CONNECT = re.compile(
    r"connect\((?P<fd>\d+), \{sa_family=AF_INET6?, .*?htons\((?P<port>\d+)\)"
    r".*?(?:inet_addr\(\"(?P<v4>[0-9.]+)\"\)|inet_pton\(AF_INET6, \"(?P<v6>[0-9a-fA-F:.]+)\").*?\}, \d+\)"
    r"\s+= (?P<result>-?\d+|\?)(?: (?P<errno>E\w+))?"
)
_VERDICT = re.compile(r"getsockopt\((?P<fd>\d+), SOL_SOCKET, SO_ERROR, \[(?P<value>\w+)\], \[\d+\]\)\s+= 0")
_CREATED = re.compile(r"socket\(AF_INET6?, (?P<type>\w+)[^)]*\)\s+= (?P<fd>\d+)")
_CLOSED = re.compile(r"close\((?P<fd>\d+)\)\s+= 0")
_TOOK = re.compile(r"<(?P<seconds>\d+\.\d+)>\s*\Z")


class StraceText:
    """Makes events of lines.

    Args:
        tell: is given each event.
        offset_s: what is added to a wall-clock time to make it one of the monotonic clock.
    """

    def __init__(self, tell: Tell, *, offset_s: float) -> None:
        self._tell = tell
        self._offset_s = offset_s
        self._numbers = itertools.count(1)
        self._halves: dict[int, tuple[float, str]] = {}
        self._datagrams: set[tuple[int, int]] = set()
        self._pending: dict[tuple[int, int], Attempt] = {}

    def feed(self, line: str) -> None:
        """Take one line; what says nothing of a connect is passed over."""
        match = _LINE.match(line)
        if match is None:
            return
        pid = int(match["pid"] or 0)
        at = float(match["time"]) + self._offset_s
        half = _UNFINISHED.match(match["call"])
        if half is not None:
            self._halves[pid] = (at, f"{half['call']}({half['begun']}")
            return
        rest = _RESUMED.match(match["call"])
        if rest is None:
            self._whole(pid, at, match["call"])
        elif pid in self._halves:
            begun, text = self._halves.pop(pid)
            self._whole(pid, begun, text + rest["rest"])

    def end(self) -> None:
        """No more lines come."""
        for attempt in self._pending.values():
            self._tell(attempt.process, attempt.abandoned(time.monotonic()))
        self._pending.clear()

    def _whole(self, pid: int, t0: float, call: str) -> None:
        created, closed = _CREATED.match(call), _CLOSED.match(call)
        if created is not None:
            key = pid, int(created["fd"])
            (self._datagrams.discard if created["type"] == "SOCK_STREAM" else self._datagrams.add)(key)
        elif closed is not None:
            attempt = self._pending.pop((pid, int(closed["fd"])), None)
            if attempt is not None:
                self._tell(pid, attempt.abandoned(t0))
        else:
            self._connect(pid, t0, call)
            self._verdict(pid, t0, call)

    def _connect(self, pid: int, t0: float, call: str) -> None:
        match = _CONNECT.match(call)
        if match is None or (pid, int(match["fd"])) in self._datagrams:
            return
        peer = Peer(match["v4"] or match["v6"], int(match["port"]))
        if peer.port == 0:
            return
        attempt = Attempt(pid, int(match["fd"]), None, peer, t0, next(self._numbers))
        if match["errno"] == "EINPROGRESS":
            self._pending[pid, attempt.descriptor] = attempt
        elif match["result"] == "?":
            self._tell(pid, attempt.abandoned(t0 + _took(call)))
        else:
            self._tell(pid, attempt.ended(t0 + _took(call), _number(match["errno"])))

    def _verdict(self, pid: int, t: float, call: str) -> None:
        match = _VERDICT.match(call)
        if match is None:
            return
        attempt = self._pending.pop((pid, int(match["fd"])), None)
        if attempt is not None:
            name = None if match["value"] == "0" else match["value"]
            self._tell(pid, attempt.ended(t, _number(name)))


def _is_filtered() -> bool:
    """Whether a filter is on us already: one with a listener hides its calls from a filter of strace's."""
    return "\nSeccomp:\t2\n" in Path("/proc/self/status").read_text(encoding="ascii", errors="replace")


def _number(name: str | None) -> int:
    return 0 if name is None else int(getattr(errno, name, 0))


def _took(call: str) -> float:
    match = _TOOK.search(call)
    return 0.0 if match is None else float(match["seconds"])


class StraceReader:
    """Reads what ``strace`` writes into a pipe.

    Args:
        tell: is given each event.
        path: of the program.
    """

    def __init__(self, tell: Tell, path: str) -> None:
        self._text = StraceText(tell, offset_s=time.monotonic() - time.time())
        self._reading, self.descriptor = os.pipe()
        self._stop, self._wake = socket.socketpair()
        self._handed_on = False
        self.words = [
            *(path, "-f", "-D", "-qqq", "-ttt", "-T", "-e", "signal=none"),
            *([] if _is_filtered() else ["--seccomp-bpf"]),
            *("-e", "trace=socket,connect,getsockopt,close", "-o", f"/dev/fd/{self.descriptor}", "--"),
        ]

    @classmethod
    def if_installed(cls, tell: Tell) -> StraceReader | None:
        """A reader where there is a ``strace``, else None."""
        path = shutil.which("strace")
        return None if path is None else cls(tell, path)

    def handed_on(self) -> None:
        """The process has inherited the pipe's end."""
        self._handed_on = True
        os.close(self.descriptor)

    def read(self) -> None:
        """Read until the last traced process has ended, or `stop` is called."""
        try:
            for line in self._lines():
                self._text.feed(line)
        finally:
            self._text.end()

    def _lines(self) -> Iterator[str]:
        rest = b""
        while True:
            ready, _, _ = select.select([self._reading, self._stop.fileno()], [], [])
            data = os.read(self._reading, 65536) if self._reading in ready else b""
            if not data:
                return
            *lines, rest = (rest + data).split(b"\n")
            yield from (line.decode("utf-8", "replace") for line in lines)

    def stop(self) -> None:
        """End `read`, from any thread."""
        with suppress(OSError):
            self._wake.send(b"x")

    def close(self) -> None:
        """Give back what is open, once nobody reads."""
        if not self._handed_on:
            self.handed_on()
        os.close(self._reading)
        self._stop.close()
        self._wake.close()
