from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from repro.lab.children import Child
from repro.lab.errors import LabError
from repro.lab.guard import Guard

IGNORES_TERM = (
    "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
)


def start(guard: Guard, folder: Path, *arguments: str) -> Child:
    return Child.start("the server", arguments, folder=folder, log=folder / "log", guard=guard)


def test_the_end_of_a_child_is_awaited_and_its_log_kept(guard: Guard, tmp_path: Path) -> None:
    async def run() -> None:
        child = start(guard, tmp_path, "sh", "-c", "echo one; echo; echo two >&2; exit 3")
        assert await asyncio.wait_for(child.wait(), 20) == 3
        assert child.exited
        assert str(child.failure("failed")) == "the server failed: one / two"

    asyncio.run(run())


def test_a_child_is_stopped_gently(guard: Guard, tmp_path: Path) -> None:
    async def run() -> None:
        child = start(guard, tmp_path, "sleep", "60")
        await child.stop()
        assert await child.wait() == -signal.SIGTERM
        await child.stop()

    asyncio.run(run())


def test_a_child_that_does_not_listen_is_killed(
    guard: Guard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("repro.lab.children._STOP_S", 0.2)

    async def run() -> None:
        child = start(guard, tmp_path, sys.executable, "-c", IGNORES_TERM)
        while "up" not in child.log_tail():
            await asyncio.sleep(0.01)
        await child.stop()
        assert await asyncio.wait_for(child.wait(), 20) == -signal.SIGKILL

    asyncio.run(asyncio.wait_for(run(), 30))


def test_a_child_is_awaited_also_where_there_are_no_pidfds(
    guard: Guard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(_: int) -> int:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(os, "pidfd_open", none, raising=False)

    async def run() -> None:
        child = start(guard, tmp_path, "sh", "-c", "exit 4")
        assert await asyncio.wait_for(child.wait(), 20) == 4

    asyncio.run(run())


def test_a_child_sees_nothing_of_the_environment(
    guard: Guard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:planted-secret@db.invalid/d")

    async def run() -> str:
        child = start(guard, tmp_path, "env")
        await asyncio.wait_for(child.wait(), 20)
        return child.log.read_text()

    environment = asyncio.run(run())
    assert "LC_ALL=C" in environment
    assert "planted-secret" not in environment


def test_a_child_that_nobody_guards_is_not_left_running(
    guard: Guard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pids: list[int] = []

    def refuse(pid: int, _: signal.Signals) -> None:
        pids.append(pid)
        raise LabError("the lab's watchdog has ended")

    monkeypatch.setattr(guard, "process", refuse)

    async def run() -> None:
        start(guard, tmp_path, "sleep", "60")

    with pytest.raises(LabError, match="watchdog has ended"):
        asyncio.run(run())
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


def test_a_program_that_is_not_there_is_an_error(guard: Guard, tmp_path: Path) -> None:
    async def run() -> None:
        start(guard, tmp_path, str(tmp_path / "missing"))

    with pytest.raises(LabError, match="the server cannot be started"):
        asyncio.run(run())
