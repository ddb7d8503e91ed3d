"""A worker that waits takes what is queued, one by one."""

from __future__ import annotations

from typing import Any

from repro.persistence.queue import Command, read_back
from repro.persistence.steps import drive
from repro.probe.retrying import alone
from repro.probe.waiting import Waiting


class FakeQueue:
    """A queue of two jobs, and what was asked of it."""

    def __init__(self) -> None:
        self.jobs = ["a", "b"]
        self.asked: list[str] = []

    def run(self, conversation: Any) -> Any:
        return drive(conversation, self._reply)

    def _reply(self, command: Command) -> Any:
        self.asked.append(command.args[0])
        if command.args[0] != "BLPOP":
            return 1
        return (command.args[1], self.jobs.pop(0)) if self.jobs else None


def test_it_takes_all_that_is_there_with_blpop() -> None:
    queue = FakeQueue()
    assert Waiting(queue).run(read_back("queue")) == ["a", "b"]
    assert queue.asked == ["BLPOP", "BLPOP", "BLPOP"]


def test_any_other_command_is_left() -> None:
    queue = FakeQueue()
    assert Waiting(queue).run(alone(Command(("DEL", "queue")))) == 1
    assert queue.asked == ["DEL"]
