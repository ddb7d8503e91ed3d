"""Who writes the database and the queue is judged by what is in both afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from repro.persistence.errors import Unreachable
from repro.persistence.plan import OnDatabase, OnQueue, Part
from repro.persistence.queue import Command
from repro.persistence.steps import Commit, Execute, Rows, Step, drive
from repro.probe.conversation import hold
from repro.probe.dual_write import DualWriteTrial, Order, probe
from repro.probe.outcome import CheckFailed
from repro.probe.recorder import Recorder
from repro.probe.request import Request
from tests.probe.test_recorder import Told


class DivisionError(Exception):
    """What a server says to a division by zero."""

    sqlstate = "22012"


class FakeApplication:
    """A database of one transaction at a time, and a queue that may be away."""

    def __init__(self, *, queue_is_there: bool = True) -> None:
        self._queue_is_there = queue_is_there
        self._open: list[str] = []
        self.tables: list[str] = []
        self.queue: list[str] = []
        self.commands: list[str] = []

    def run(self, plan: Any) -> Any:
        return drive(plan, self._carry_out)

    def _carry_out(self, part: Part) -> Any:
        if isinstance(part, OnDatabase):
            self._open = []
            return drive(part.transaction, self._step)
        assert isinstance(part, OnQueue)
        if not self._queue_is_there:
            part.conversation.close()
            raise Unreachable("nobody is there")
        return drive(part.conversation, self._command)

    def _step(self, step: Step) -> Rows:
        if isinstance(step, Commit):
            self.tables += self._open
        if not isinstance(step, Execute):
            return Rows(())
        if step.sql.startswith("SELECT 1 / "):
            raise DivisionError
        for table in ("jobs", "outbox"):
            if f'INSERT INTO "pg_temp".{table} ' in step.sql:
                self._open.append(table)
                return Rows([("an id",)])
            if step.sql.startswith("SELECT count(*)") and f".{table} " in step.sql:
                return Rows([(self.tables.count(table),)])
        if step.sql.startswith("WITH claimed") and "outbox" in self.tables:
            return Rows([("an orchestration", 1, "a generation", "a job")])
        return Rows(())

    def _command(self, command: Command) -> Any:
        name, _, *ids = command.args
        self.commands.append(name)
        if name == "RPUSH":
            self.queue += ids
        return list(self.queue) if name == "LRANGE" else 1

    def close(self) -> None:
        """It has nothing."""


def trial_of(recorder: Recorder, order: Order, *, fails: bool) -> DualWriteTrial:
    return probe("specimen.fake", order, fails=fails).trial(Request("run-1", {}, origin=0.0), recorder)


def test_before_it_pushes_it_says_what_it_makes(recorder: Recorder, channel: Told) -> None:
    hold(trial_of(recorder, "push first", fails=False).converse(), FakeApplication)

    lines = channel[1]()
    said = [line["line"] for line in lines]
    makes = lines[said.index("makes")]
    assert (makes["what"], makes["removable"]) == (
        "the queue txrepro:run-1:specimen.fake and its marks",
        True,
    )
    pushed = [each.get("name") == "push" and each.get("status") == "pass" for each in lines]
    assert said.index("makes") < pushed.index(True)


def test_what_an_earlier_process_pushed_is_removed(recorder: Recorder) -> None:
    application = FakeApplication()
    trial = trial_of(recorder, "push first", fails=False)

    def removing() -> Any:
        yield from trial.take_over()
        yield from trial.clean_up()

    hold(removing(), lambda: application)

    assert application.commands == ["DEL"]


def test_a_push_before_a_rollback_is_a_job_without_a_row(recorder: Recorder) -> None:
    with pytest.raises(CheckFailed, match="3 ids are in the queue, and none of their jobs") as caught:
        hold(trial_of(recorder, "push first", fails=True).converse(), FakeApplication)

    assert caught.value.failure == "not_atomic"
    assert recorder.running() == "read_back"


def test_a_push_that_is_lost_after_commit_is_a_row_without_a_job(recorder: Recorder) -> None:
    trial = trial_of(recorder, "commit first", fails=False)
    with pytest.raises(CheckFailed, match="no outbox entry will queue them") as caught:
        hold(trial.converse(), lambda: FakeApplication(queue_is_there=False))

    assert caught.value.failure == "not_atomic"
    assert recorder.running() == "push"
    assert trial.leavings is None  # it was never reached


def test_an_outbox_pushes_nothing_of_a_transaction_that_failed(recorder: Recorder) -> None:
    application = FakeApplication()
    hold(trial_of(recorder, "outbox", fails=True).converse(), lambda: application)

    assert (application.queue, application.tables) == ([], [])
    assert recorder.passed("read_back")


def test_an_outbox_keeps_what_cannot_be_pushed(recorder: Recorder) -> None:
    application = FakeApplication(queue_is_there=False)
    hold(trial_of(recorder, "outbox", fails=False).converse(), lambda: application)

    assert application.tables == ["jobs", "outbox"]
    assert recorder.stages["push"]["status"] == "skip"
    assert recorder.stages["read_back"]["detail"] == {"saved": 1, "queued": None, "waiting": 1}


def test_commit_and_a_push_that_arrives_are_no_harm(recorder: Recorder) -> None:
    application = FakeApplication()
    trial = trial_of(recorder, "commit first", fails=False)
    hold(trial.converse(), lambda: application)

    assert tuple(application.queue) == trial.orchestration.job_ids
    assert recorder.passed("push")
    assert trial.leavings is not None
