"""The kernel's view as a source of events: starts a command under it, and says what could be seen."""

from __future__ import annotations

import array
import json
import os
import socket
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from repro.events import errno_name
from repro.trace.kernel import abi, bpf
from repro.trace.kernel.attempts import Tell
from repro.trace.kernel.strace import StraceReader
from repro.trace.kernel.supervisor import Detour, Supervisor

_LAUNCHER = Path(__file__).with_name("launcher.py")
_HELLO_S = 20.0
"""Seconds for the launcher to start; it takes some twenty milliseconds."""


@dataclass(frozen=True, slots=True)
class View:
    """What the kernel lets us see of a command.

    Args:
        source: ``seccomp``, ``strace``, or None for nothing.
        reason: why it is not the better one; None where it is.
        lost: whether the view ended before the command did.
    """

    source: Literal["seccomp", "strace"] | None
    reason: str | None = None
    lost: bool = False


class KernelSource:
    """Watches one command and all its children.

    Use: start a process with `command` and `descriptors`, then call `watch`, and `stop` when the process and
    what it started are to be watched no longer.

    Args:
        tell: is given each event, from a thread of its own.
        detour: leads attempts elsewhere; see `repro.trace.tap`.
    """

    def __init__(self, tell: Tell, *, detour: Detour | None = None) -> None:
        self._tell = tell
        self._detour = detour
        self._ours, self._theirs = socket.socketpair()
        self._thread: threading.Thread | None = None
        self._supervisor: Supervisor | None = None
        self._strace: StraceReader | None = None
        self._reason: str | None = "the launcher has not started"
        self._lost = False
        self._stopped = False
        self._known = threading.Event()

    def command(self, argv: Sequence[str]) -> list[str]:
        """The command, behind the launcher."""
        return [sys.executable, "-I", "-S", str(_LAUNCHER), str(self._theirs.fileno()), *argv]

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What the process has to inherit."""
        if self._strace is None:
            self._strace = StraceReader.if_installed(self._tell)
        extra = () if self._strace is None else (self._strace.descriptor,)
        return (self._theirs.fileno(), *extra)

    def watch(self) -> None:
        """Begin, once the process has been started."""
        self._theirs.close()
        if self._strace is not None:
            self._strace.handed_on()
        self._thread = threading.Thread(target=self._run, name="kernel-view", daemon=True)
        self._thread.start()

    def view(self) -> View:
        """What can be seen; waits until that is known."""
        self._known.wait(_HELLO_S)
        if self._reason is None:
            supervisor = self._supervisor
            hidden = supervisor is not None and supervisor.blind
            return View(
                "seccomp", "results are hidden: pidfd_getfd is denied" if hidden else None, self._lost
            )
        if self._strace is not None:
            return View("strace", self._reason, self._lost)
        return View(None, self._reason)

    @property
    def watching(self) -> bool:
        """Whether a watched process is left."""
        return self._thread is not None and self._thread.is_alive()

    def wait(self, timeout_s: float | None = None) -> None:
        """Wait until the last watched process has ended."""
        if self._thread is not None:
            self._thread.join(timeout_s)

    def abandon(self) -> None:
        """Watch no longer: what waits in `wait` goes on."""
        if self._supervisor is not None:
            self._supervisor.stop()
        if self._strace is not None:
            self._strace.stop()

    def stop(self) -> None:
        """End the watching; what has no result yet is told as it is. Safe to repeat.

        A blocking attempt of a process that was killed is not waited for.
        """
        if self._stopped:
            return
        self._stopped = True
        if self._supervisor is not None:
            self._supervisor.stop()
        if self._strace is not None:
            self._strace.stop()
        for each in (self._ours, self._theirs):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self.wait(_HELLO_S)
        self._ours.close()
        self._theirs.close()
        if self._strace is not None:
            self._strace.close()

    def _run(self) -> None:
        try:
            self._serve()
        except BaseException as error:  # noqa: BLE001 - whatever it is, the view is lost and the run is not
            self._lost = True
            self._reason = self._reason or None
            sys.stderr.write(f"repro: the kernel's view was lost: {type(error).__name__}: {error}\n")
        finally:
            self._known.set()

    def _serve(self) -> None:
        machine = abi.this_machine()
        listener = self._negotiated(machine)
        if listener is not None and machine is not None:
            self._supervisor = Supervisor(listener, machine, self._tell, detour=self._detour)
            self._reason = None
        self._known.set()
        with suppress(OSError):  # it is dead already
            self._ours.send(b"go")
        if self._supervisor is not None:
            self._supervisor.serve()
        elif self._strace is not None:
            self._strace.read()

    def _negotiated(self, machine: abi.Machine | None) -> int | None:
        """The listener's descriptor; None, and a reason, where the filter was refused."""
        order = {
            "seccomp": 0 if machine is None else machine.seccomp,
            "program": "" if machine is None else bpf.program(machine).hex(),
            "instead": [] if self._strace is None else self._strace.words,
            "unused": [] if self._strace is None else [self._strace.descriptor],
        }
        self._ours.settimeout(_HELLO_S)
        try:
            self._ours.send(json.dumps(order).encode())
            answer, ancillary, _, _ = self._ours.recvmsg(64, socket.CMSG_SPACE(4))
        except OSError as error:
            self._reason = f"the launcher did not answer: {type(error).__name__}"
            return None
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                return array.array("i", data)[0]
        self._reason = _refusal(answer, known=machine is not None)
        return None


def _refusal(answer: bytes, *, known: bool) -> str:
    if not answer:
        return "the process ended before it began"
    name = errno_name(int(answer[1:] or b"0"))
    if name == "EBUSY":
        return "another tracer's filter is in place already"
    return f"the kernel refuses the filter ({name})" if known else f"not known on {os.uname().machine}"
