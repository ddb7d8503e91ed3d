"""What is refuted makes room for the next cause; what is confirmed comes first."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from typing import Any

import pytest

from repro.diagnose import engine, investigation
from repro.diagnose.cause import Cause, Change
from repro.diagnose.view import View
from repro.document import Outcome
from repro.observe.interruption import interruptible
from repro.observe.plan import Plan
from repro.observe.progress import Silent
from repro.observe.run import Observation
from tests.diagnose.test_engine import outcome

FAILED = outcome("tcp.raw", failure="eof", operation="authenticate")


def cause(name: str, change: Change | None = None) -> Cause:
    return Cause(
        id=name,
        layer="tcp",
        title=name,
        summary=name,
        suspects=lambda view: view.failing(),
        fix=("mend it",),
        change=lambda _view, _outcome: change,
    )


def change(words: str) -> Change:
    return Change(words=words, probe="tcp.raw", command="repro run", environment={"WHICH": words})


class Probes:
    """Answers for the probes: it fails, but with one change it passes."""

    def __init__(self, passes_with: str | None) -> None:
        self.passes_with = passes_with
        self.asked: list[str | None] = []

    def observe(self, plan: Plan, _progress: object) -> Any:
        which = plan.inherited.get("WHICH")
        self.asked.append(which)
        passed = which is not None and which == self.passes_with
        seen = Observation(started_at=None, origin=0.0)  # type: ignore[arg-type]
        seen.outcomes = [outcome("tcp.raw") if passed else FAILED]
        return seen


@pytest.fixture
def investigate(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Investigates a failing probe with these causes known, and probes that pass with one change."""

    def run(causes: Sequence[Cause], passes_with: str | None, *, experiments: bool = True) -> Any:
        by_id = {each.id: each for each in causes}
        monkeypatch.setattr(engine, "CAUSES", tuple(causes))
        monkeypatch.setattr(engine, "BY_ID", by_id)
        monkeypatch.setattr("repro.diagnose.proof.BY_ID", by_id)
        monkeypatch.setattr(investigation, "observe", Probes(passes_with).observe)
        monkeypatch.setattr("repro.observe.peers.asked", lambda _outcomes, _within_s: {})
        monkeypatch.setattr("time.monotonic", lambda: 1.0)
        return investigation.investigate(Plan("run-1", "env"), Silent(), experiments=experiments)

    return run


def test_a_cause_that_is_confirmed(investigate: Any) -> None:
    (finding,) = investigate([cause("first", change("a"))], "a").findings
    assert (finding["cause"], finding["proof"], finding["experiment"]["changed"]["failed"]) == (
        "first",
        "confirmed",
        0,
    )


def test_a_cause_that_is_refuted_makes_room_for_the_next(investigate: Any) -> None:
    (finding,) = investigate([cause("first", change("a")), cause("second", change("b"))], "b").findings
    assert (finding["cause"], finding["proof"]) == ("second", "confirmed")
    assert finding["ruled_out"] == [{"cause": "first", "because": "with a it failed alike, 3 of 3 times"}]


def test_where_all_are_refuted_it_is_undiagnosed_and_says_what_was_refuted(investigate: Any) -> None:
    (finding,) = investigate([cause("first", change("a"))], None).findings
    assert (finding["cause"], [each["cause"] for each in finding["ruled_out"]]) == (None, ["first"])


def test_without_experiments_nothing_is_run_again(investigate: Any) -> None:
    (finding,) = investigate([cause("first", change("a"))], "a", experiments=False).findings
    assert (finding["cause"], finding["proof"], finding["experiment"]) == ("first", "untested", None)


def test_a_cause_without_an_experiment_is_untested(investigate: Any) -> None:
    (finding,) = investigate([cause("first")], None).findings
    assert (finding["cause"], finding["proof"]) == ("first", "untested")


def test_the_causes_suspect_failing_probes_only() -> None:
    passing: list[Outcome] = [outcome("tcp.raw"), outcome("push.redis-tcp"), outcome("http.neon")]
    assert engine.findings(View(passing, {}, {})) == []


def test_what_was_seen_is_kept_when_an_experiment_is_interrupted(
    investigate: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(self: object, name: str, change: Change | None) -> Outcome | None:
        raise KeyboardInterrupt

    monkeypatch.setattr("repro.diagnose.investigation._Repetition.__call__", interrupted)
    found = investigate([cause("first", change("a"))], "a")
    assert found.seen.interrupted
    assert [(each["cause"], each["proof"]) for each in found.findings] == [("first", "untested")]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_interrupts_and_its_handler_is_put_back(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), interruptible():
        signal.raise_signal(number)
    assert signal.getsignal(number) is before
