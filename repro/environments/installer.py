"""Runs an installer: with a deadline, and so that nothing of it is left behind, whatever ends it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_LOOK_S = 0.1
"""How often it is asked whether somebody stopped it."""


_GRACE_S = 2.0
"""How long the kernel may take to end what was killed."""


class Stopped(RuntimeError):  # noqa: N818 - it says what happened
    """Somebody stopped it before its end."""


def run(
    command: Sequence[str],
    environ: Mapping[str, str],
    within_s: float,
    *,
    folder: Path | None = None,
    stop: threading.Event | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end.

    Args:
        command: it and its arguments.
        environ: all of its environment.
        within_s: seconds it may take.
        folder: where it runs; None for this process's.
        stop: ends it when it is set, from another thread.

    Raises:
        TimeoutError: it did not end in time.
        Stopped: it was stopped.
        OSError: it cannot be run.
    """
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,  # a group of its own, so that all it starts can be ended with it
    )
    with process:
        try:
            out, err = _to_its_end(process, time.monotonic() + within_s, stop)
        except BaseException:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired, ValueError):
                process.communicate(timeout=_GRACE_S)  # ends when nobody holds its pipes any more
            raise
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def _to_its_end(
    process: subprocess.Popen[str], give_up: float, stop: threading.Event | None
) -> tuple[str, str]:
    while True:
        if stop is not None and stop.is_set():
            raise Stopped("stopped before its end")
        left = give_up - time.monotonic()
        if left <= 0:
            raise TimeoutError
        try:
            return process.communicate(timeout=min(left, _LOOK_S))
        except subprocess.TimeoutExpired:
            continue
