"""Removing what a probe made that was ended before it could do so: by the same probe, on the same target."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from repro.observe.process_group import close_pipes, kill_group
from repro.probe.request import Request

LONGEST_S = 3.0
"""Seconds that it may take; whoever presses Ctrl-C waits for it."""

SHORTEST_S = 0.5
"""Seconds that are spent on it however late it is."""


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
        env=environ,
        start_new_session=True,
    )
    asked = replace(request, turns=False, remove=True).as_json()
    try:
        with contextlib.suppress(TimeoutError):
            said, _ = await asyncio.wait_for(process.communicate(asked.encode() + b"\n"), within_s)
            return _has_passed(said)
        return False
    finally:
        await kill_group(process.pid)
        await process.wait()
        close_pipes(process)


def _has_passed(said: bytes) -> bool:
    """Whether the last line of a probe is an outcome that is well."""
    try:
        last = json.loads(said.splitlines()[-1])
        return bool(last["line"] == "outcome" and last["status"] == "pass")
    except (ValueError, LookupError, TypeError):
        return False
