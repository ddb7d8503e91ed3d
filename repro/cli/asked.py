"""The signals that a tracer is sent, and that its program is meant by.

They are blocked and waited for, for only so is their origin known (sigtimedwait(2), ``si_code``): Ctrl-C in a
terminal goes to the program too, which is in the same process group; one that a process sends to us does not.
"""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from repro.trace.kernel import KernelSource

GRACE_S = 2.0
"""How long what a program has left behind is waited for once somebody has asked for the end."""

_LOOK_S = 0.2
_SENT_BY_A_PROCESS = 0
"""``si_code`` is SI_USER (0) or less for kill(2) and its like, and SI_KERNEL for a terminal."""


@contextmanager
def asked_of_us() -> Iterator[Asked]:
    """Take SIGINT, SIGTERM and SIGHUP for the program's inside the block; one that is ignored stays so.

    Threads must be started inside, or the signals reach those.
    """
    ending = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
    heard = {number for number in ending if signal.getsignal(number) is not signal.SIG_IGN}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {*heard, signal.SIGCHLD})
    asked = Asked(heard, before)
    try:
        yield asked
    finally:
        asked.drain()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Asked:
    """What was asked of us by signals.

    Args:
        heard: the signals.
        before: those that were blocked before these were.
    """

    def __init__(self, heard: set[signal.Signals], before: set[int | signal.Signals]) -> None:
        self._heard = heard
        self._before = before
        self._for_the_end = False

    @contextmanager
    def left_to_others(self) -> Iterator[None]:
        """As if nothing were blocked, inside the block: what is started there inherits it."""
        held = signal.pthread_sigmask(signal.SIG_SETMASK, self._before)
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, held)

    def drain(self) -> None:
        """Take what came and was not waited for."""
        while signal.sigtimedwait({*self._heard, signal.SIGCHLD}, 0) is not None:
            pass

    def handed_on_until_the_end(self, process: subprocess.Popen[bytes]) -> int:
        """Wait for a program, and hand on to it what it has not got by itself; its exit code."""
        while (code := process.poll()) is None:
            self._hand_on(signal.sigtimedwait({*self._heard, signal.SIGCHLD}, _LOOK_S), process)
        while (told := signal.sigtimedwait(self._heard, 0)) is not None:  # what has ended it, mostly
            self._hand_on(told, process)
        return code

    def _hand_on(self, told: signal.struct_siginfo | None, process: subprocess.Popen[bytes]) -> None:
        if told is None or told.si_signo not in self._heard:
            return
        self._for_the_end = True
        if told.si_signo != signal.SIGINT or told.si_code <= _SENT_BY_A_PROCESS:
            with suppress(ProcessLookupError):
                process.send_signal(told.si_signo)

    def patient_with(self, source: KernelSource) -> None:
        """Wait for what a program has left behind: long, unless somebody asks or has asked for the end."""
        give_up = time.monotonic() + GRACE_S if self._for_the_end else None
        while source.watching:
            source.wait(_LOOK_S)
            is_late = give_up is not None and time.monotonic() >= give_up
            if is_late or signal.sigtimedwait(self._heard, 0) is not None:
                source.abandon()  # it goes on unwatched
                return
