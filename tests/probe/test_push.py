"""A queue probe can tell: each id once, twice, or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from repro.persistence.queue import Command
from repro.persistence.steps import drive
from repro.probe.conversation import hold
from repro.probe.outcome import CheckFailed
from repro.probe.push import PushProbe, PushTrial
from repro.probe.recorder import Recorder
from repro.probe.request import Request

PROBE = PushProbe("push.fake", "http", None, "builtins", lambda _: [], lambda _module, _request: None)


class FakeQueue:
    """A queue that pushes each id a number of times."""

    def __init__(self, times: int) -> None:
        self._times = times
        self.list: list[str] = []
        self.commands: list[str] = []

    def run(self, conversation: Any) -> Any:
        return drive(conversation, self._reply)

    def _reply(self, command: Command) -> Any:
        name, *arguments = command.args
        self.commands.append(name)
        if name == "EVAL":
            ids = arguments[-3:]
            self.list += ids * self._times
            return len(ids)
        return list(self.list) if name == "LRANGE" else 1


def trial_of(recorder: Recorder) -> PushTrial:
    return PROBE.trial(Request("run-1", {}, origin=0.0), recorder)


def test_each_id_once_is_a_pass(recorder: Recorder) -> None:
    queue = FakeQueue(1)
    trial = trial_of(recorder)
    hold(trial.converse(), lambda: queue)

    assert recorder.passed("push")
    assert recorder.passed("read_back")
    assert tuple(queue.list) == trial.job_ids


@pytest.mark.parametrize(("times", "failure"), [(2, "duplicate_effect"), (0, "not_atomic")])
def test_any_other_number_is_caught(recorder: Recorder, times: int, failure: str) -> None:
    with pytest.raises(CheckFailed) as caught:
        hold(trial_of(recorder).converse(), lambda: FakeQueue(times))

    assert caught.value.failure == failure


def test_the_key_is_the_runs_own(recorder: Recorder) -> None:
    assert trial_of(recorder).key == "txrepro:run-1:push.fake"
