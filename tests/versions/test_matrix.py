"""Cells side by side: each with a run of its own, told in the order in which they were asked for."""

from __future__ import annotations

import dataclasses
import os
import signal
from datetime import UTC, datetime

import pytest

from repro.environments.pins import Cell, parse
from repro.environments.python import NotInstallable
from repro.observe.plan import Plan
from repro.observe.run import Observation
from repro.redaction import Redactor
from repro.versions import matrix
from repro.versions.trial import Trial
from tests.diagnose.test_engine import outcome

SECRET = "correct-horse-battery"
PLAN = Plan("20260131-235959-3f9a2c", "env", deadline_s=5)


@pytest.fixture
def observed(monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
    """The plans that were observed: each fails, and quotes a secret."""
    plans: list[Plan] = []

    async def observe(plan: Plan, _progress: object) -> Observation:
        plans.append(plan)
        failed = outcome("tcp.x", failure="sql_error", message=f"no {SECRET}", chain=[])
        return Observation(datetime.now(UTC), 0.0, [failed])

    def prepared(cell: Cell, plan: Plan, *_rest: object) -> tuple[Plan, dict[str, str]]:
        if cell.pins[0].wanted == "9.9.9":
            raise NotInstallable(f"no such version at {SECRET}")
        return plan, {}

    monkeypatch.setattr(matrix, "observe_beside", observe)
    monkeypatch.setattr(matrix, "prepared", prepared)
    return plans


def order(*versions: str, repeats: int = 1) -> matrix.Order:
    cells = [Cell(tuple(parse(f"a={version}"))) for version in versions]
    return matrix.Order(cells, PLAN, Redactor([SECRET]), repeats)


def silent(_what: object) -> None:
    pass


def test_no_two_trials_share_a_run(observed: list[Plan]) -> None:
    matrix.run(order("1.0.0", "2.0.0", repeats=3), silent, silent)
    names = {plan.run_id for plan in observed}
    assert len(names) == 6
    assert {len(name) for name in names} == {len(PLAN.run_id)}, "a schema's name has 63 bytes at most"


def test_trials_stand_in_the_order_of_the_cells(observed: list[Plan]) -> None:
    done: list[Trial] = []
    tried = matrix.run(order("1.0.0", "9.9.9", "2.0.0"), silent, done.append)
    assert [str(trial.cell) for trial in tried.trials] == ["a=1.0.0", "a=9.9.9", "a=2.0.0"]
    assert sorted(map(str, (trial.cell for trial in done))) == ["a=1.0.0", "a=2.0.0", "a=9.9.9"]
    assert [trial.is_tried for trial in tried.trials] == [True, False, True]


def test_no_secret_stands_in_a_trial(observed: list[Plan]) -> None:
    tried = matrix.run(order("1.0.0", "9.9.9"), silent, silent)
    assert SECRET not in str(tried.trials)
    assert tried.trials[0].verdicts["tcp.x"].reason.startswith("no ")


@pytest.mark.parametrize(("show_hosts", "told"), [(False, "[host:"), (True, "db.somebody.corp")])
def test_whose_target_it_is_stands_in_no_trial_unless_it_may(
    show_hosts: bool, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def observe(_plan: Plan, _progress: object) -> Observation:
        text = 'role "meier" is not known at db.somebody.corp'
        failed = outcome("tcp.x", failure="sql_error", message=text, chain=[])
        variables = {"DATABASE_URL": "postgresql://meier@db.somebody.corp/app"}
        return Observation(datetime.now(UTC), 0.0, [failed], variables=variables)

    monkeypatch.setattr(matrix, "observe_beside", observe)
    monkeypatch.setattr(matrix, "prepared", lambda _cell, plan, *_rest: (plan, {}))
    tried = matrix.run(dataclasses.replace(order("1.0.0"), show_hosts=show_hosts), silent, silent)
    reason = tried.trials[0].verdicts["tcp.x"].reason
    assert told in reason
    assert ("meier" in reason) == show_hosts


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_keeps_what_was_tried(observed: list[Plan], number: signal.Signals) -> None:
    told: list[Trial] = []

    def interrupt(trial: Trial) -> None:
        told.append(trial)
        if len(told) == 1:
            os.kill(os.getpid(), number)

    tried = matrix.run(order(*(f"{each}.0.0" for each in range(50))), silent, interrupt)
    assert tried.interrupted
    assert 1 <= len(tried.trials) < 50
