"""A database probe can tell: one transaction, or several that look like one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import cycle
from typing import Any

import pytest

from repro.persistence.steps import Begin, Commit, Execute, Rows, Step, drive
from repro.probe.conversation import Open, hold
from repro.probe.database import DatabaseProbe, DatabaseTrial
from repro.probe.outcome import CheckFailed
from repro.probe.recorder import Recorder
from repro.probe.request import Request
from repro.probe.transactions import Abandoned, Observation, Setup

PROBE = DatabaseProbe("test.fake", "tcp", None, "builtins", lambda _: [], lambda _module, _request: None)


class FakeDriver:
    """A database in a few lines: tables as sets, and a backend for each statement."""

    interactive = True

    def __init__(self, *, backends: Iterator[int], keeps_rolled_back: bool = False, loses: int = 0) -> None:
        self._backends = backends
        self._keeps_rolled_back = keeps_rolled_back
        self._loses = loses
        self._jobs: dict[str, int] = {}
        self._written: dict[str, int] = {}
        self.statements: list[str] = []
        self.closed = False

    def run(self, transaction: Any) -> Any:
        self._written = {}
        try:
            result = drive(transaction, self._carry_out)
        except Exception:
            if self._keeps_rolled_back:
                self._jobs.update(self._written)
            raise
        return result

    def _carry_out(self, step: Step) -> Rows:
        match step:
            case Begin() | Setup():
                return Rows(())
            case Commit():
                self._jobs.update(self._written)
                return Rows(())
            case Observation():
                return Rows([(next(self._backends), "77")])
            case Execute(sql, params):
                self.statements.append(sql)
                return self._execute(sql, params)
        raise AssertionError(step)

    def _execute(self, sql: str, params: Any) -> Rows:
        if "pg_stat_activity" in sql:
            return Rows(())
        if "GROUP BY orchestration_id" in sql:
            return Rows([(each, self._jobs[each]) for each in params[0] if each in self._jobs])
        if "count(*)" in sql:
            return Rows([(self._jobs.get(params[0], 0),)])
        if ".jobs (" in sql:
            self._written[params[0]] = len(params[3]) - self._loses
            return Rows([(each,) for each in params[3]])
        return Rows(())

    def together(self, works: Any) -> list[str | None]:
        for work in works:
            with suppress(Abandoned):
                self.run(work)
        return [None] * len(works)

    def close(self) -> None:
        self.closed = True


def try_with(driver: FakeDriver, recorder: Recorder, *, commit: bool) -> DatabaseTrial:
    trial = PROBE.trial(Request("run-1", {}, commit=commit, origin=0.0), recorder)
    hold(trial.converse(), lambda: driver)
    return trial


@pytest.mark.parametrize("commit", [True, False])
def test_one_backend_and_one_transaction_id_is_held(recorder: Recorder, commit: bool) -> None:
    trial = try_with(FakeDriver(backends=cycle([4711])), recorder, commit=commit)

    assert trial.atomicity["status"] == "held"
    assert (trial.atomicity["backends"], trial.atomicity["xids"]) == ([4711], ["77"])
    twin = trial.atomicity["detail"]["rolled_back_twin"]
    assert twin == ({"rows_left": 0} if commit else {"not_checked": "needs the lab or --commit"})


def test_a_transaction_over_two_backends_is_caught(recorder: Recorder) -> None:
    with pytest.raises(CheckFailed, match="ran on 2 backends") as caught:
        try_with(FakeDriver(backends=cycle([1, 2])), recorder, commit=False)

    assert caught.value.failure == "not_atomic"
    assert recorder.running() == "atomicity"


def test_a_row_that_outlives_its_rollback_is_caught(recorder: Recorder) -> None:
    driver = FakeDriver(backends=cycle([1]), keeps_rolled_back=True)

    with pytest.raises(CheckFailed, match="3 of its rows are there"):
        try_with(driver, recorder, commit=True)


def test_a_lost_row_is_caught(recorder: Recorder) -> None:
    with pytest.raises(CheckFailed, match="2 of 3 jobs are in the table"):
        try_with(FakeDriver(backends=cycle([1]), loses=1), recorder, commit=True)

    assert recorder.running() == "read_back"


def test_without_commit_nothing_but_temporary_tables_is_named(recorder: Recorder) -> None:
    driver = FakeDriver(backends=cycle([1]))
    try_with(driver, recorder, commit=False)

    assert driver.statements
    assert all('"pg_temp".' in statement for statement in driver.statements)


def test_the_runs_own_schema_is_dropped_whatever_became_of_the_transaction(recorder: Recorder) -> None:
    driver = FakeDriver(backends=cycle([1]), loses=1)
    trial = PROBE.trial(Request("run-1", {}, commit=True, origin=0.0), recorder)
    with pytest.raises(CheckFailed):
        hold(trial.converse(), lambda: driver)

    hold(opened_then(trial), lambda: driver)

    assert driver.statements[-1] == 'DROP SCHEMA IF EXISTS "txrepro_run_1_test_fake" CASCADE'
    assert recorder.passed("cleanup")


def opened_then(trial: DatabaseTrial) -> Any:
    yield Open()
    yield from trial.clean_up()


def test_nothing_is_cleaned_up_that_was_not_made(recorder: Recorder) -> None:
    trial = PROBE.trial(Request("run-1", {}, commit=True, origin=0.0), recorder)

    assert list(trial.clean_up()) == []


def test_a_probe_names_its_stages_in_order() -> None:
    assert PROBE.stages == (
        *("resolve", "connect", "tls", "authenticate"),
        *("begin", "insert", "commit", "read_back", "atomicity", "cleanup"),
    )
