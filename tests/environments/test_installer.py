"""Installers end when they should, with everything that they started."""

from __future__ import annotations

import os
import select
import threading
from pathlib import Path

import pytest

from repro.environments.installer import Stopped, run

STARTS_ANOTHER = 'sleep 600 & echo $! > "$0"; wait'


def test_what_it_printed_and_how_it_ended(tmp_path: Path) -> None:
    done = run(["sh", "-c", "pwd; echo $X >&2; exit 3"], {**os.environ, "X": "y"}, 30, folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (3, f"{tmp_path}\n", "y\n")


def test_its_deadline_ends_all_of_it(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    with pytest.raises(TimeoutError):
        run(["sh", "-c", STARTS_ANOTHER, str(note)], os.environ, 0.5)
    assert _has_ended(int(note.read_text()))


def test_somebody_else_ends_all_of_it(tmp_path: Path) -> None:
    note, ready = tmp_path / "pid", tmp_path / "ready"
    os.mkfifo(ready)
    stop = threading.Event()

    def when_ready() -> None:
        ready.read_text()
        stop.set()

    waiting = threading.Thread(target=when_ready)
    waiting.start()
    with pytest.raises(Stopped):
        run(
            ["sh", "-c", f'sleep 600 & echo $! > "$0"; : > "{ready}"; wait', str(note)],
            os.environ,
            60,
            stop=stop,
        )
    waiting.join()
    assert _has_ended(int(note.read_text()))


def test_what_is_stopped_beforehand_does_not_go_on() -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        run(["sleep", "600"], os.environ, 60, stop=stop)


def _has_ended(process: int) -> bool:
    """Whether it has ended, or does so now that it was killed."""
    try:
        handle = os.pidfd_open(process)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], 5)[0])
    finally:
        os.close(handle)
