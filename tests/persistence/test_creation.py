"""How a lost COMMIT is settled, part by part, without a server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from repro.persistence.creation import LOCK_NOT_AVAILABLE, create_jobs
from repro.persistence.errors import KeyReused, NotApplied, OutcomeUnknown, Unreachable
from repro.persistence.model import CreatedJobs, Job, OrchestrationRequest
from repro.persistence.plan import OnDatabase, Part, Pause
from repro.persistence.settings import Timeouts
from repro.persistence.steps import drive

REQUEST = OrchestrationRequest("key", [Job("render", {})])
CREATED = CreatedJobs(REQUEST.orchestration_id, REQUEST.job_ids, created=True)
KNOWN = CreatedJobs(REQUEST.orchestration_id, REQUEST.job_ids, created=False)

Answer = tuple[str, Any]


class Database:
    """Answers the transactions of a plan, each expected by its name; the clock runs with the pauses."""

    def __init__(self, *script: Answer) -> None:
        self._script = list(script)
        self.now = 0.0

    def carry_out(self, part: Part) -> Any:
        if isinstance(part, Pause):
            self.now += part.seconds
            return None
        assert isinstance(part, OnDatabase)
        name, answer = self._script.pop(0)
        assert part.transaction.__name__ == name  # type: ignore[attr-defined]
        part.transaction.close()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def create(self, timeouts: Timeouts = Timeouts()) -> CreatedJobs:  # noqa: B008 - it is frozen
        plan = create_jobs(REQUEST, timeouts=timeouts, clock=lambda: self.now)
        created = drive(plan, self.carry_out)
        assert self._script == []
        return created


def lost(transaction_id: str | None = None) -> OutcomeUnknown:
    return OutcomeUnknown("lost", transaction_id=transaction_id)


def locked() -> NotApplied:
    return NotApplied("locked", code=LOCK_NOT_AVAILABLE)


def create(answer: Any) -> Answer:
    return ("create_jobs", answer)


def same(answer: Any) -> Answer:
    return ("same_request", answer)


def status(answer: Any) -> Answer:
    return ("commit_status", answer)


@pytest.mark.parametrize(
    ("script", "result"),
    [
        ([create(CREATED)], CREATED),
        ([create(KNOWN), same(True)], KNOWN),
        # the answer was lost; the transaction's id tells
        ([create(lost("7")), status("committed"), create(KNOWN), same(True)], CREATED),
        ([create(lost("7")), status("aborted"), create(CREATED)], CREATED),
        ([create(lost("7")), status("in progress"), create(KNOWN), same(True)], KNOWN),
        ([create(lost("7")), status(None), create(KNOWN), same(True)], KNOWN),
        # it does not tell where there is none: the repeated insert does
        ([create(lost()), create(CREATED)], CREATED),
        ([create(lost()), create(KNOWN), same(True)], KNOWN),
        # the repeat is lost too: the newest one is asked about
        (
            [
                create(lost("7")),
                status("aborted"),
                create(lost("8")),
                status("committed"),
                create(KNOWN),
                same(True),
            ],
            CREATED,
        ),
        # the id is somebody else's since the server crashed: the insert makes up for it
        ([create(lost("7")), status("committed"), create(CREATED)], CREATED),
        # nobody can be asked for a while
        (
            [create(lost("7")), status(Unreachable("down")), status("committed"), create(KNOWN), same(True)],
            CREATED,
        ),
        ([create(lost()), create(Unreachable("down")), create(CREATED)], CREATED),
        # another transaction is open under the key, and ends
        ([create(locked()), create(KNOWN), same(True)], KNOWN),
        (
            [
                create(lost("7")),
                status("in progress"),
                create(locked()),
                status("committed"),
                create(KNOWN),
                same(True),
            ],
            CREATED,
        ),
        # the check of a repeat is lost
        ([create(KNOWN), same(lost()), create(KNOWN), same(True)], KNOWN),
    ],
)
def test_it_ends_right(script: Sequence[Answer], result: CreatedJobs) -> None:
    assert Database(*script).create() == result


def test_a_failure_before_commit_is_not_repeated() -> None:
    refused = NotApplied("no", code="42501")
    with pytest.raises(NotApplied) as caught:
        Database(create(refused)).create()
    assert caught.value is refused


@pytest.mark.parametrize("first", [CREATED, lost()], ids=["answered", "lost"])
def test_another_request_under_the_key_is_refused(first: Any) -> None:
    script = [create(KNOWN), same(False)]
    if first is not CREATED:
        script.insert(0, create(first))
    with pytest.raises(KeyReused, match="other jobs"):
        Database(*script).create()


def always(answer: Callable[[], Exception]) -> Callable[[Part], Any]:
    def carry_out(part: Part) -> Any:
        if isinstance(part, OnDatabase):
            part.transaction.close()
            raise answer()
        return None

    return carry_out


@pytest.mark.parametrize("failure", [lambda: lost("7"), locked])
def test_what_cannot_be_settled_is_said_to_be_unknown(failure: Callable[[], Exception]) -> None:
    clock = iter(range(100))
    plan = create_jobs(REQUEST, timeouts=Timeouts(settle_s=5), clock=lambda: float(next(clock)))
    with pytest.raises(OutcomeUnknown):
        drive(plan, always(failure))
    assert next(clock) < 20


def test_an_unknown_outcome_tells_what_stood_in_the_way_of_finding_out() -> None:
    answers = iter([lost("7"), *[Unreachable("nothing was applied: no connection could be made")] * 50])
    clock = iter(range(100))
    plan = create_jobs(REQUEST, timeouts=Timeouts(settle_s=3), clock=lambda: float(next(clock)))
    with pytest.raises(OutcomeUnknown) as caught:
        drive(plan, always(lambda: next(answers)))
    assert caught.value.transaction_id == "7"
    assert "no connection could be made" in caught.value.__notes__[0]
