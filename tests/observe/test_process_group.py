"""Ending a process and everything that it started."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from repro.observe.process_group import kill_group

ORPHAN = "import os, time; os.fork() and os._exit(0); time.sleep(60)"
"""Leaves a child behind that is of its group."""


def start(code: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", code], start_new_session=True)


def members(group: int) -> list[str]:
    shown = subprocess.run(["ps", "-e", "-o", "pgid=,stat="], capture_output=True, text=True, check=True)
    fields = [line.split() for line in shown.stdout.splitlines()]
    return [stat for pgid, stat in fields if int(pgid) == group and not stat.startswith("Z")]


def test_what_a_process_left_behind_ends_with_it() -> None:
    process = start(ORPHAN)
    process.wait()
    assert members(process.pid)

    asyncio.run(kill_group(process.pid))

    assert members(process.pid) == []


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc here")
def test_a_zombie_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    process = start("")
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it ended, and is a zombie until wait()
    killed: list[int] = []
    monkeypatch.setattr(os, "killpg", lambda group, _signal: killed.append(group))

    asyncio.run(kill_group(process.pid))

    process.wait()
    assert killed == [process.pid]


def test_a_group_that_is_gone_is_no_error() -> None:
    process = start("")
    process.wait()
    asyncio.run(kill_group(process.pid))
