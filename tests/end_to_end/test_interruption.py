"""Stopped at any moment: no server, no process, no half-written run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from repro.document import read_run

Make = Callable[..., Any]

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")

INSTANTS_S = (0.2, 0.7, 1.2, 1.8, 2.5)
"""Moments of a run: before the lab is up, while the first probes run, near the end."""


def parents() -> dict[int, int]:
    """Every process's parent."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            found[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
    return found


def descendants(pid: int) -> Iterator[tuple[int, str]]:
    """Every process below one, each with the time it was started: a number may be used again."""
    tree = parents()
    below = {pid}
    while True:
        more = {child for child, parent in tree.items() if parent in below} - below
        if not more:
            break
        below |= more
    for each in below - {pid}:
        yield from started(each)


def started(pid: int) -> Iterator[tuple[int, str]]:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return
    if fields[0] not in "ZX":
        yield pid, fields[19]


def left_of(processes: set[tuple[int, str]], within_s: float = 10.0) -> set[tuple[int, str]]:
    """Which of the processes still run after some time."""
    give_up = time.monotonic() + within_s
    while True:
        left = {each for each in processes if each in set(started(each[0]))}
        if not left or time.monotonic() > give_up:
            return left
        time.sleep(0.02)


def no_half_written_run(folder: Path, *, empty_is_fine: bool = False) -> None:
    for run in (folder / "reports").glob("*"):
        if not (empty_is_fine and not any(run.iterdir())):
            read_run(run)
            assert not list(run.glob(".writing-*"))


def seen_until(process: subprocess.Popen[str], instant_s: float) -> set[tuple[int, str]]:
    """Every process that was seen below one, up to an instant of its life or its end."""
    seen: set[tuple[int, str]] = set()
    end = time.monotonic() + instant_s
    while time.monotonic() < end and process.poll() is None:
        seen |= set(descendants(process.pid))
        time.sleep(0.02)
    return seen | set(descendants(process.pid))


@pytest.mark.parametrize("instant_s", INSTANTS_S)
@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=["SIGINT", "SIGTERM", "SIGHUP"]
)
def test_a_signal_ends_everything(command: Make, tmp_path: Path, instant_s: float, number: int) -> None:
    process = command().start("run")
    processes = seen_until(process, instant_s)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)

    finished = "report " in errors  # past its last line a signal meets an interpreter on its way out
    assert process.returncode in ({130, 0, -number} if finished else {130}), errors
    assert "Traceback" not in errors
    assert left_of(processes) == set()
    no_half_written_run(tmp_path)


@pytest.mark.parametrize("instant_s", INSTANTS_S[1:4])
def test_kill_9_takes_everything_down(command: Make, tmp_path: Path, instant_s: float) -> None:
    process = command().start("run")
    processes = seen_until(process, instant_s)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)

    assert left_of(processes) == set()
    no_half_written_run(tmp_path, empty_is_fine=True)  # the place that was tried for writing
