"""Removing what a probe made that was ended before it could do so: by the same probe, on the same target."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from repro.observe import memory
from repro.observe.process_group import close_pipes, kill_group
from repro.probe.request import Request

LONGEST_S = 3.0
"""Seconds that it may take; whoever presses Ctrl-C waits for it. A run with ``--commit`` reserves them."""

SHORTEST_S = 0.5
"""Seconds that are spent on it however late it is, where they are not reserved: for a push."""

MAX_LINE = 1 << 20
"""Bytes of a line that a removing probe says; a longer one is none of the protocol."""


def within_s(left_s: float, *, reserved: bool) -> float:
    """How long a removal may take, in seconds.

    Args:
        left_s: what is left of the time for the probes.
        reserved: whether the time for it was set aside.
    """
    return LONGEST_S if reserved else min(max(left_s, SHORTEST_S), LONGEST_S)


async def removed(
    command: Sequence[str], environ: Mapping[str, str], request: Request, within_s: float
) -> bool:
    """Start a probe that does nothing but remove what an earlier process of it made.

    Args:
        command: the probe's.
        environ: its process's environment.
        request: what the earlier process was asked.
        within_s: seconds until it is given up.

    Returns:
        Whether it says that it has removed it.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=MAX_LINE,
        env=environ,
        start_new_session=True,
    )
    asking = asyncio.create_task(_asked(process, replace(request, turns=False, remove=True)))
    watching = asyncio.create_task(memory.exceeded(process.pid))
    try:
        await asyncio.wait({asking, watching}, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        return asking.done() and asking.result()
    finally:
        for task in (asking, watching):
            task.cancel()
        await asyncio.wait({asking, watching})
        await kill_group(process.pid)
        await process.wait()
        close_pipes(process)


async def _asked(process: asyncio.subprocess.Process, request: Request) -> bool:
    """Whether a probe that was sent a request comes to an outcome that is well."""
    assert process.stdin is not None  # noqa: S101 - both are pipes
    assert process.stdout is not None  # noqa: S101
    with contextlib.suppress(ConnectionError, ValueError):  # it died; a line was too long
        process.stdin.write(request.as_json().encode() + b"\n")
        process.stdin.close()
        while line := await process.stdout.readline():
            outcome = _outcome(line)
            if outcome is not None:
                return outcome.get("status") == "pass"
    return False


def _outcome(line: bytes) -> dict[str, Any] | None:
    try:
        body = json.loads(line)
    except ValueError:
        return None
    return body if isinstance(body, dict) and body.get("line") == "outcome" else None
