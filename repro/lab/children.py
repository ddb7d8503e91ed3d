"""A server process: started from the lab's main thread, watched without a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

from repro.lab.account import Account, popen_arguments
from repro.lab.errors import LabError
from repro.lab.guard import Guard

_T = TypeVar("_T")
_POLL_S = 0.02
_STOP_S = 5.0
_TAIL_LINES = 3
_TAIL_BYTES = 4096
_PR_SET_PDEATHSIG = 1
_KEPT_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


def server_environment() -> dict[str, str]:
    """The environment of a server: nothing of the user's but what finds programs and libraries."""
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return kept | {"LC_ALL": "C", "TZ": "UTC"}


class Child:
    """A child process with a log, an end that can be awaited, and a gentle way to stop it."""

    def __init__(
        self,
        name: str,
        process: subprocess.Popen[bytes],
        log: Path,
        stop_signal: signal.Signals,
        guard: Guard,
    ) -> None:
        self.name = name
        self.pid = process.pid
        self.log = log
        self._process = process
        self._stop_signal = stop_signal
        self._guard = guard
        self._exited = asyncio.Event()
        self._watch()

    @classmethod
    def start(
        cls,
        name: str,
        argv: Sequence[str | Path],
        *,
        folder: Path,
        log: Path,
        guard: Guard,
        account: Account | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> Child:
        """Start a program. Call it in the main thread, with a running event loop.

        Args:
            name: what messages call it.
            argv: the program and its arguments; no secret belongs here.
            folder: its working folder.
            log: where its output is appended to.
            guard: told of the process at once.
            account: whom to run it as; None for the lab's own account.
            stop_signal: what ends it gently.

        Raises:
            LabError: the program cannot be started.
        """
        try:
            with log.open("ab") as output:
                process = subprocess.Popen(
                    argv,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    cwd=folder,
                    env=server_environment(),
                    start_new_session=True,
                    # Not safe among threads: the lab starts its servers from its main one.
                    preexec_fn=_die_with_the_lab(stop_signal),  # noqa: PLW1509
                    **popen_arguments(account),
                )
        except (OSError, subprocess.SubprocessError) as error:
            raise LabError(f"{name} cannot be started: {argv[0]}: {error}") from error
        try:
            guard.process(process.pid, stop_signal)
        except LabError:
            process.kill()
            process.wait()
            raise
        return cls(name, process, log, stop_signal, guard)

    @property
    def exited(self) -> bool:
        """Whether it has ended."""
        return self._exited.is_set()

    async def wait(self) -> int:
        """Await its end; its exit status, negative for a signal."""
        await self._exited.wait()
        return self._process.wait()

    async def race(self, work: Coroutine[Any, Any, _T]) -> _T | None:
        """The result of ``work``, or None when the process ends first; ``work`` is cancelled then."""
        working = asyncio.ensure_future(work)
        exiting = asyncio.ensure_future(self._exited.wait())
        try:
            await asyncio.wait({working, exiting}, return_when=asyncio.FIRST_COMPLETED)
            return working.result() if working.done() else None
        finally:
            for task in (working, exiting):
                task.cancel()
            await asyncio.gather(working, exiting, return_exceptions=True)

    async def stop(self) -> None:
        """End it: gently, and after five seconds by force."""
        for number in (self._stop_signal, signal.SIGKILL):
            if self.exited:
                return
            self._process.send_signal(number)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._exited.wait(), _STOP_S)

    async def kill(self) -> None:
        """End it at once, as a crash would."""
        if not self.exited:
            self._process.kill()
            await self._exited.wait()

    def log_tail(self) -> str:
        """The last lines of its log, in one line."""
        with self.log.open("rb") as file:
            file.seek(max(0, self.log.stat().st_size - _TAIL_BYTES))
            lines = file.read().decode(errors="replace").split("\n")
        return " / ".join([line.strip() for line in lines if line.strip()][-_TAIL_LINES:])

    def failure(self, doing: str) -> LabError:
        """An error that says what failed and what the log said last."""
        return LabError(f"{self.name} {doing}: {self.log_tail() or 'its log is empty'}")

    def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            pidfd = os.pidfd_open(self.pid)
        except (AttributeError, OSError):  # another system, or a Linux older than 5.3
            self._poller = loop.create_task(self._poll())
        else:
            loop.add_reader(pidfd, self._reap, pidfd)

    def _reap(self, pidfd: int) -> None:
        asyncio.get_running_loop().remove_reader(pidfd)
        os.close(pidfd)
        self._end()

    async def _poll(self) -> None:
        while self._process.poll() is None:
            await asyncio.sleep(_POLL_S)
        self._end()

    def _end(self) -> None:
        self._process.wait()
        self._guard.ended(self.pid)
        self._exited.set()


def _die_with_the_lab(stop_signal: signal.Signals) -> Callable[[], None] | None:
    """Have the kernel signal the child when the lab's main thread ends; only Linux can."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl

    def set_death_signal() -> None:
        prctl(_PR_SET_PDEATHSIG, int(stop_signal))

    return set_death_signal
