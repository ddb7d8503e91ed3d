"""Transactions around the production transaction: what reaches the driver, in which order."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from repro.persistence.model import Job, OrchestrationRequest
from repro.persistence.steps import Begin, Commit, Execute, Rows, Step, Transaction, drive
from repro.persistence.transaction import create_jobs
from repro.probe.recorder import Recorder
from repro.probe.transactions import (
    Abandoned,
    Observation,
    Setup,
    Sightings,
    abandoned,
    observed,
    staged,
    staged_batch,
    with_tables,
)

REQUEST = OrchestrationRequest("key", (Job("generate", {}),))


def production() -> Transaction[object]:
    return create_jobs(REQUEST, schema="pg_temp")


class Script:
    """A driver that answers each step from a function, and keeps what it was asked."""

    def __init__(self, answer: Callable[[Step], Rows] = lambda _step: Rows(((1, "7"),))) -> None:
        self.steps: list[Step] = []
        self._answer = answer

    def __call__(self, step: Step) -> Rows:
        self.steps.append(step)
        return self._answer(step)

    def kinds(self) -> list[str]:
        return [type(step).__name__ for step in self.steps]


def test_the_production_transaction_is_begin_insert_insert_commit() -> None:
    driver = Script()

    drive(production(), driver)

    assert driver.kinds() == ["Begin", "Execute", "Execute", "Commit"]


def test_tables_are_made_right_after_begin() -> None:
    driver = Script()

    drive(with_tables(production(), ["CREATE one", "CREATE two"]), driver)

    assert driver.kinds() == ["Begin", "Setup", "Setup", "Execute", "Execute", "Commit"]


def test_the_observer_looks_after_begin_and_after_each_statement() -> None:
    driver, sightings = Script(), Sightings()

    drive(observed(production(), sightings), driver)

    observation = "Observation"
    assert driver.kinds() == [
        *("Begin", observation, observation),
        *("Execute", observation, "Execute", observation, "Commit"),
    ]
    assert sightings.backends() == [1, 1, 1]
    assert sightings.xids() == ["7", "7", "7"]


def test_a_batch_fills_the_sightings_after_commit() -> None:
    collected: list[Rows] = []

    def later(step: Step) -> Rows:
        if isinstance(step, Commit):
            for rows in collected:
                rows.fill(((1, "7"),))
            return Rows(())
        collected.append(Rows())
        return collected[-1]

    sightings = Sightings()
    drive(observed(production(), sightings), later)

    assert sightings.backends() == [1, 1, 1]


def test_stages_are_told_in_order(recorder: Recorder) -> None:
    drive(staged(with_tables(observed(production(), Sightings()), ["CREATE one"]), recorder), Script())

    assert [(stage["name"], stage["status"]) for stage in recorder.stages.values()] == [
        ("begin", "pass"),
        ("insert", "pass"),
        ("commit", "pass"),
    ]


def test_a_batch_begins_with_its_commit(recorder: Recorder) -> None:
    def watch(step: Step) -> Rows:
        if not isinstance(step, Commit):
            assert recorder.stages == {}
        return Rows(((1, "7"),))

    drive(staged_batch(observed(production(), Sightings()), recorder), watch)

    assert {stage["status"] for stage in recorder.stages.values()} == {"pass"}
    assert set(recorder.stages) == {"authenticate", "begin", "insert", "commit"}


@pytest.mark.parametrize(("kind", "running"), [(Begin, "begin"), (Execute, "insert"), (Commit, "commit")])
def test_a_failing_step_leaves_its_stage_running(recorder: Recorder, kind: type, running: str) -> None:
    def fail(step: Step) -> Rows:
        if type(step) is kind:
            raise ConnectionResetError
        return Rows(((1, "7"),))

    with pytest.raises(ConnectionResetError):
        drive(staged(observed(production(), Sightings()), recorder), fail)

    assert recorder.running() == running


def test_an_application_abandons_before_commit() -> None:
    driver = Script()

    with pytest.raises(Abandoned):
        drive(abandoned(production(), by_statement=False), driver)

    assert driver.kinds() == ["Begin", "Execute", "Execute"]


def test_a_batch_is_abandoned_by_a_statement_that_fails() -> None:
    driver = Script()

    drive(abandoned(production(), by_statement=True), driver)

    assert driver.kinds() == ["Begin", "Execute", "Execute", "Observation", "Commit"]


def test_setup_and_observation_are_statements_to_a_driver() -> None:
    assert isinstance(Setup("x"), Execute)
    assert isinstance(Observation("x"), Execute)
