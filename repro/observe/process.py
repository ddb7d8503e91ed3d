"""One probe as a child process: asked, listened to, and ended at its deadline with everything it started."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from repro.document import InvalidDocument, Outcome
from repro.observe import memory, removal
from repro.observe.catalog import Entry
from repro.observe.collect import Collected
from repro.observe.interruption import though_cancelled
from repro.observe.kernel_view import KernelView
from repro.observe.process_group import close_pipes, kill_group
from repro.probe.request import PARENT_VARIABLE, RUN_VARIABLE, Request
from repro.probe.turns import Turn
from repro.resources import package_alone, probe_script

MAX_LINE = 16 * 1024 * 1024
"""Bytes of one line of the protocol; a longer one is a probe gone mad."""

LOG_LINES = 40
"""Lines of standard error that are kept: the last ones, where a crash says why."""

LOG_WIDTH = 4_096
"""Bytes of such a line that are kept."""

GRACE_S = 2.0
"""How long a probe that has said its outcome may take to leave."""

LONGEST_FOLDER = 50
"""Characters of the folder for temporary files; the path of a socket has 107 at most, on macOS 103."""

FAIR_S = 1.0
"""A probe that was given less and did not end was not tested: a healthy one takes a tenth of that."""

GLUTTONY = f"it used more than {memory.MOST_BYTES >> 20} MiB of memory and was ended"
"""Why a probe was ended that a server, or its driver, made to take too much."""

Listener = Callable[[str, dict[str, Any]], None]


class ProbeProcess:
    """A probe's process, from its start (so that its driver loads early) to its outcome.

    Args:
        entry: which probe.
        run_id: the run it belongs to.
        listener: told each line as it comes: its kind and its body.
        kernel: whether to look at it with the kernel's eyes, where that is possible.
        tap: whether to lead its connections through a tap as well.
        inherited: variables that it gets besides those of this process; None takes one away.
        interpreter: the Python that runs it; None for this one's.
        removes: whether what it made is removed if it is ended before it can: not so on a target that goes.
    """

    def __init__(
        self,
        entry: Entry,
        run_id: str,
        listener: Listener,
        *,
        kernel: bool = True,
        tap: bool = False,
        inherited: Mapping[str, str | None] | None = None,
        interpreter: Path | None = None,
        removes: bool = True,
    ) -> None:
        self._removes = removes
        self._interpreter = str(interpreter or sys.executable)
        self.collected = Collected(entry)
        self._kernel = KernelView(wanted=kernel, tap=tap)
        self._origin = 0.0
        self._inherited = inherited or {}
        self._run_id = run_id
        self._listener = listener
        self._log: list[str] = []
        self._on_hello: Callable[[], None] = lambda: None
        self._on_end: Callable[[], None] = lambda: None
        self._process: asyncio.subprocess.Process | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._request: Request | None = None
        self._until = math.inf

    async def start(self) -> None:
        """Start the process; it loads its driver and waits for the request."""
        self._folder = own_folder()
        self._process = await asyncio.create_subprocess_exec(
            *self._kernel.command(self._command()),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=MAX_LINE,
            env=self._environment(self._folder.name),
            pass_fds=self._kernel.descriptors,
            start_new_session=True,  # a group of its own, so that all it starts can be ended with it
        )
        self._kernel.begin()

    def _environment(self, folder: str) -> dict[str, str]:
        """The child's environment; its temporary files stand in a folder that goes with it."""
        apart = self._interpreter != sys.executable
        inherited = {"TMPDIR": folder, **self._inherited}
        return overlaid(child_environment(os.environ, self._run_id, apart=apart), inherited)

    def _command(self) -> list[str]:
        entry = self.collected.entry
        if entry.command:
            return list(entry.command)
        script = str(probe_script(entry.script))
        return [self._interpreter, script] if entry.is_python else [script]

    async def ask(self, request: Request, deadline_s: float, loading_s: float) -> Outcome:
        """Send the request and listen until the outcome, the end of the process, or the deadline.

        Args:
            request: what to do.
            deadline_s: seconds from its hello, which it says once its driver is loaded.
            loading_s: seconds from now for everything, the loading included.
        """
        self._origin, self._request = request.origin, request
        self._until = asyncio.get_running_loop().time() + loading_s
        self.collected.asked = round(time.monotonic() - request.origin, 6)
        try:
            async with asyncio.timeout(loading_s) as limit:
                self._on_hello = lambda: limit.reschedule(
                    min(asyncio.get_running_loop().time() + deadline_s, limit.when() or math.inf)
                )
                self._on_end = lambda: limit.reschedule(None)  # what it left may take longer to remove
                return await self._converse(request)
        except TimeoutError:
            await self.end()
            return self._too_late(deadline_s, request)

    @property
    def lost_the_view(self) -> bool:
        """Whether the kernel's view ended too early, which may have changed what the probe saw."""
        return self._kernel.view().lost

    def _too_late(self, deadline_s: float, request: Request) -> Outcome:
        if not self.collected.hello:
            return self.collected.skipped("its driver was not loaded in time, so nothing was tested")
        if deadline_s < FAIR_S:
            return self.collected.interrupted(f"{deadline_s:.1f} s are too short to tell")
        return self._ended_by("timeout", "timeout", f"no outcome within {deadline_s:.1f} s", request)

    async def _converse(self, request: Request) -> Outcome:
        process = self._started()
        listening = asyncio.create_task(self._listen_to_log())
        watching = asyncio.create_task(self._end_a_glutton())
        try:
            await self._send(request)
            complaint = await self._listen()
            if self.collected.said is not None:
                return self.collected.outcome()
            if complaint is not None:
                self._on_end()
                await self.end()
                return self._ended_by("crash", "driver_crash", complaint, request)
            code = await process.wait()
            await asyncio.wait({listening}, timeout=GRACE_S)
            self._on_end()
            await self.end()
            if watching.done():
                return self._ended_by("crash", f"unknown_failure: {GLUTTONY}", GLUTTONY, request)
            return self._ended_by("crash", "driver_crash", how_it_ended(code), request)
        finally:
            for task in (listening, watching):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    async def _end_a_glutton(self) -> None:
        """Kill the probe if it takes too much memory; its end is then seen as any other."""
        process = self._started()
        await memory.exceeded(process.pid)
        await kill_group(process.pid)

    async def _send(self, request: Request) -> None:
        stdin = self._started().stdin
        assert stdin is not None  # noqa: S101 - it is a pipe
        with contextlib.suppress(ConnectionError):  # it died before it was asked; its end says so
            stdin.write(request.as_json().encode() + b"\n")
            await stdin.drain()
            if not request.turns:
                stdin.close()

    async def say(self, turn: Turn) -> None:
        """Ask for a turn; its answer comes to the listener. One that has died says nothing."""
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(ConnectionError):
                self._process.stdin.write(turn.as_json().encode() + b"\n")
                await self._process.stdin.drain()

    def hang_up(self) -> None:
        """There will be no more turns: the probe cleans up and says its outcome."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()

    async def _listen(self) -> str | None:
        """Read lines until the outcome or the end; answers with a complaint, if there is one."""
        stdout = self._started().stdout
        assert stdout is not None  # noqa: S101 - it is a pipe
        while self.collected.said is None:
            try:
                line = await stdout.readline()
            except ValueError:
                return f"wrote a line of more than {MAX_LINE} bytes"
            if not line:
                return None
            try:
                taken = self.collected.take(line)
            except InvalidDocument as error:
                return f"said a line that is not of the probe protocol: {error}"
            if taken is not None:
                if taken[0] == "hello":
                    self._on_hello()
                self._listener(*taken)
        return None

    async def _listen_to_log(self) -> None:
        stderr = self._started().stderr
        assert stderr is not None  # noqa: S101 - it is a pipe
        while True:
            try:
                line = await stderr.readline()
            except ValueError:
                continue
            if not line:
                return
            self._log = [*self._log[1 - LOG_LINES :], line[:LOG_WIDTH].decode("utf-8", "replace").rstrip()]

    async def give_up(self, reason: str, request: Request) -> Outcome:
        """End a probe that does not answer any more, and say so.

        Args:
            reason: what it did not do, and in what time.
            request: what it was asked.
        """
        await self.end()
        return self._ended_by("timeout", "timeout", reason, request)

    def _ended_by(self, status: str, failure: str, reason: str, request: Request) -> Outcome:
        now = round(time.monotonic() - request.origin, 6)
        return self.collected.ended_by(status, failure, reason, now=now, log=self._log)

    def _started(self) -> asyncio.subprocess.Process:
        assert self._process is not None, "start() comes first"  # noqa: S101
        return self._process

    async def end(self) -> None:
        """End the process and its whole group, at once; nothing of it is left afterwards. Safe to repeat.

        What the kernel has seen is then part of what was collected. What it made on a target that stays, and
        did not live to remove, is removed. All this is done also where the caller is cancelled meanwhile.
        """
        await though_cancelled(self._end_all())

    async def _end_all(self) -> None:
        process, self._process = self._process, None
        try:
            if process is not None:
                await self._end(process)
                await self._remove_what_it_made()
        finally:
            if self._folder is not None:
                self._folder.cleanup()

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        try:
            if self.collected.said is not None:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(process.wait(), GRACE_S)
        finally:
            await kill_group(process.pid)
            await process.wait()
            close_pipes(process)
        await asyncio.to_thread(self._kernel.end)
        self.collected.see_with_the_kernel(
            self._kernel.view(), self._kernel.lines(self._origin), whole=self._kernel.is_whole
        )

    async def _remove_what_it_made(self) -> None:
        if not (self._removes and self.collected.to_remove and self._request and self._folder):
            return
        left_s = self._until - asyncio.get_running_loop().time()
        within_s = removal.within_s(left_s, reserved=self._request.commit)
        environ = self._environment(self._folder.name)
        if await removal.removed(self._command(), environ, self._request, within_s):
            self.collected.removed()


def own_folder() -> tempfile.TemporaryDirectory[str]:
    """A folder for a probe's temporary files. Drivers make Unix sockets in it: its path stays short."""
    usual = tempfile.gettempdir()
    place = usual if len(usual) <= LONGEST_FOLDER or not os.access("/tmp", os.W_OK) else "/tmp"  # noqa: S108
    return tempfile.TemporaryDirectory(prefix="r-", dir=place, ignore_cleanup_errors=True)


def child_environment(environ: Mapping[str, str], run_id: str, *, apart: bool = False) -> dict[str, str]:
    """What a probe inherits: everything but the target's settings, which it gets on standard input.

    ``PG*``, proxy and TLS variables are inherited on purpose: they are causes.

    Args:
        environ: this process's.
        run_id: the run it belongs to.
        apart: its Python is another one, which must find this package and nothing beside it.
    """
    kept = {name: value for name, value in environ.items() if name not in SETTINGS}
    kept[RUN_VARIABLE] = run_id
    kept[PARENT_VARIABLE] = str(os.getpid())
    package_home = Path(__file__).resolve().parents[2]
    if apart:
        kept["PYTHONPATH"] = str(package_alone())
    elif package_home.name != "site-packages":  # a checkout: the script must find the package beside it
        kept["PYTHONPATH"] = os.pathsep.join(filter(None, (str(package_home), kept.get("PYTHONPATH"))))
    return kept


def overlaid(environ: Mapping[str, str], changes: Mapping[str, str | None]) -> dict[str, str]:
    """An environment with some variables set, and without those that are None."""
    return {name: value for name, value in {**environ, **changes}.items() if value is not None}


SETTINGS = frozenset(
    {
        "DATABASE_URL",
        "POSTGRES_URL",
        "POSTGRES_URL_NON_POOLING",
        "UPSTASH_REDIS_URL",
        "UPSTASH_REDIS_REST_URL",
        "UPSTASH_REDIS_REST_TOKEN",
        "NEON_FETCH_ENDPOINT",
        "NEON_WS_PROXY",
    }
)


def how_it_ended(code: int) -> str:
    """The end of a process in words."""
    if code >= 0:
        return f"the process left with exit code {code} and said no outcome"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"the process was ended by {name}"
