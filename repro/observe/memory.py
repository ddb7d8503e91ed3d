"""The memory that a probe may use: a server that sends without an end must not fill the machine's.

It is looked at from outside, because a limit inside would change what is probed: a driver that is refused
memory says that the server hung up, or something else that is not so.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

MOST_BYTES = 512 << 20
"""Of a probe and what it started, together; the largest of them, with Node, needs a third of it."""

_PAUSE_S = 0.05


async def exceeded(pid: int) -> None:
    """Wait until a process and its children use more than `MOST_BYTES`; for ever where that cannot be known.

    Args:
        pid: of the process. What its children start is not counted.
    """
    while used(pid) <= MOST_BYTES:
        await asyncio.sleep(_PAUSE_S)


def used(pid: int) -> int:
    """Bytes that a process and its children hold (proc_pid_statm(5)); 0 where there is no ``/proc``.

    Args:
        pid: of the process.
    """
    process = Path("/proc") / str(pid)
    try:
        children = (process / "task" / str(pid) / "children").read_text(encoding="ascii").split()
    except OSError:  # it has ended, or the kernel lists no children
        children = []
    return sum(_resident(number) for number in (str(pid), *children))


def _resident(number: str) -> int:
    try:
        pages = (Path("/proc") / number / "statm").read_text(encoding="ascii").split()[1]
    except OSError:
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
