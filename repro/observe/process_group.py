"""Ending a process and everything that it started: its process group."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

GRACE_S = 2.0
"""How long the kernel may take to end what was killed."""

_PAUSE_S = 0.002


def close_pipes(process: asyncio.subprocess.Process) -> None:
    """Close what asyncio keeps open of a child whose own children may still hold the other ends."""
    transport = process._transport  # type: ignore[attr-defined]  # noqa: SLF001 - asyncio has no public way
    transport.close()


async def kill_group(group: int) -> None:
    """Kill every process of a group, and wait until none runs, but no longer than `GRACE_S`.

    Args:
        group: its number.
    """
    give_up = time.monotonic() + GRACE_S
    while time.monotonic() < give_up:
        try:
            os.killpg(group, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):  # macOS says EPERM where only zombies are left
            return
        await asyncio.sleep(_PAUSE_S)
        if _only_zombies(group):
            return


def _only_zombies(group: int) -> bool:
    """Whether all that is left of a group has ended, and its parent has not asked for it yet.

    An orphan's parent is init, which in a container may be a program that asks seldom, or never. Where there
    is no ``/proc`` it cannot be known, and is False.
    """
    states = [state for state, member_of in _processes() if member_of == group]
    return bool(states) and all(state in {"Z", "X"} for state in states)


def _processes() -> list[tuple[str, int]]:
    """State and process group of each process (proc_pid_stat(5): the fields 3 and 5)."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text(encoding="ascii", errors="replace")
        except OSError:  # it ended meanwhile
            continue
        state, _, group = stat.rpartition(")")[2].split()[:3]
        found.append((state, int(group)))
    return found
