"""The relay, part by part, without a server."""

from __future__ import annotations

from typing import Any

import pytest

from repro.persistence.errors import NotApplied, OutcomeUnknown, PartlyApplied, Unreachable
from repro.persistence.model import Claim
from repro.persistence.outcome import NOT_PROVED
from repro.persistence.plan import OnDatabase, OnQueue, Part, Pause
from repro.persistence.queue import BATCH
from repro.persistence.relay import Destination, Pushed, push_pending
from repro.persistence.settings import Timeouts
from repro.persistence.steps import drive
from repro.persistence.transaction import ClaimInDoubt

CLAIM = Claim("orchestration", 1, "first", ("a", "b"))
LONG = Claim("orchestration", 1, "first", tuple(map(str, range(BATCH + 1))))
ALONE = Destination("jobs")
WITH_FALLBACK = Destination("jobs", endpoint="0123")


class World:
    """Answers the parts of a plan in order; what was asked is written down."""

    def __init__(self, *script: Any) -> None:
        self._script = list(script)
        self.asked: list[str] = []
        self.now = 0.0

    def carry_out(self, part: Part) -> Any:
        match part:
            case Pause(seconds):
                self.now += seconds
                return None
            case OnDatabase(transaction):
                self.asked.append(transaction.__name__)  # type: ignore[attr-defined]
                transaction.close()
            case OnQueue(conversation, fallback):
                self.asked.append("fallback" if fallback else "push")
                conversation.close()
        answer = self._script.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def push(self, destination: Destination = ALONE, limit: int | None = None) -> Pushed:
        plan = push_pending(destination, limit=limit, timeouts=Timeouts(settle_s=1), clock=lambda: self.now)
        pushed = drive(plan, self.carry_out)
        assert self._script == []
        return pushed


def test_claim_push_mark_until_nothing_is_pending() -> None:
    world = World(CLAIM, 2, True, CLAIM, 1, True, None)
    assert world.push() == Pushed(orchestrations=2, jobs=4, queued=3)
    assert world.asked == [*["claim_pending", "push", "mark_pushed"] * 2, "claim_pending"]


def test_a_limit_ends_it() -> None:
    world = World(CLAIM, 2, True)
    assert world.push(limit=1) == Pushed(1, 2, 2)


def test_an_orchestration_whose_jobs_are_gone_is_marked_and_does_not_stop_the_relay() -> None:
    world = World(Claim("empty", 1, "first", ()), True, CLAIM, 2, True, None)
    assert world.push() == Pushed(2, 2, 2)
    assert world.asked[:2] == ["claim_pending", "mark_pushed"]


def test_a_lost_answer_is_settled_by_the_same_push() -> None:
    world = World(CLAIM, OutcomeUnknown("lost"), 0, True, None)
    assert world.push() == Pushed(1, 2, 0)
    assert world.asked[:4] == ["claim_pending", "push", "push", "mark_pushed"]


IN_DOUBT = ClaimInDoubt("the answer to COMMIT was lost", CLAIM)


def test_a_claim_whose_answer_was_lost_is_taken_back_until_it_is() -> None:
    world = World(IN_DOUBT, Unreachable("nobody"), None, CLAIM, 2, True, None)
    assert world.push() == Pushed(orchestrations=1, jobs=2, queued=2)
    taken = ["claim_pending", "take_back", "take_back", "claim_pending"]
    assert world.asked == [*taken, "push", "mark_pushed", "claim_pending"]


def test_a_claim_that_cannot_be_taken_back_is_unknown() -> None:
    world = World(IN_DOUBT, *[Unreachable("nobody")] * 5)
    with pytest.raises(OutcomeUnknown, match="COMMIT was lost") as caught:
        world.push()
    assert "taking the claim back failed: nobody" in caught.value.__notes__


def test_a_lost_mark_is_set_again_and_not_pushed_again() -> None:
    world = World(CLAIM, 2, OutcomeUnknown("lost"), False, None)
    assert world.push() == Pushed(1, 2, 2)
    assert world.asked == ["claim_pending", "push", "mark_pushed", "mark_pushed", "claim_pending"]


def test_a_mark_that_cannot_be_set_is_said_with_what_is_queued() -> None:
    for failure in (OutcomeUnknown("lost"), Unreachable("nothing was applied")):
        with pytest.raises(PartlyApplied, match="jobs are queued, but the database could not be told"):
            World(CLAIM, 2, *[failure] * 6).push()


@pytest.mark.parametrize("wrong", [{"lease_s": 0}, {"limit": -1}, {"lease_s": 60}])
def test_what_cannot_be_meant_is_refused_before_anything_is_done(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"at least one second|negative|outlives"):
        next(push_pending(Destination("jobs", window_s=60), **{"lease_s": 30} | wrong))


@pytest.mark.parametrize("wrong", [{"queue_name": ""}, {"queue_name": "jobs", "window_s": 0}])
def test_a_destination_that_is_none_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"has a name|at least one second"):
        Destination(**wrong)


def test_a_refusal_after_a_lost_answer_leaves_it_unknown() -> None:
    refusals = [NotApplied("the queue's memory is full", code="OOM")] * 5
    world = World(CLAIM, OutcomeUnknown("lost"), *refusals, True)
    with pytest.raises(OutcomeUnknown) as caught:
        world.push()
    assert any("memory is full" in note for note in caught.value.__notes__)
    assert world.asked[-1] == "release"


def test_a_refusal_gives_the_claim_back_at_once() -> None:
    refused = NotApplied("no", code="NOPERM")
    world = World(CLAIM, 2, True, CLAIM, refused, True)
    with pytest.raises(NotApplied) as caught:
        world.push()
    assert caught.value is refused
    assert caught.value.__notes__ == ["before that 1 orchestrations (2 jobs) were pushed"]
    assert world.asked[-2:] == ["push", "release"]


def test_a_release_that_fails_is_a_note_of_the_first_error() -> None:
    world = World(CLAIM, NotApplied("no"), OutcomeUnknown("lost too"))
    with pytest.raises(NotApplied) as caught:
        world.push()
    assert caught.value.__notes__[0] == "giving the claim back failed too: lost too"


def test_a_refused_second_batch_is_said_to_have_been_applied_in_part() -> None:
    world = World(LONG, BATCH, NotApplied("nothing was applied: x", code="OOM"), True)
    with pytest.raises(PartlyApplied, match=f"^{BATCH} of an orchestration's {BATCH + 1} jobs are queued"):
        world.push()


def test_the_fallback_is_used_only_where_nobody_is_reached() -> None:
    world = World(CLAIM, Unreachable("down"), 2, True, None)
    assert world.push(WITH_FALLBACK) == Pushed(1, 2, 2, by_fallback=2)
    assert world.asked[:4] == ["claim_pending", "push", "fallback", "mark_pushed"]
    for other in (NotApplied("refused", code="WRONGPASS"), NotApplied("all connections are in use")):
        world = World(CLAIM, other, True)
        with pytest.raises(NotApplied):
            world.push(WITH_FALLBACK)
        assert "fallback" not in world.asked


def test_without_a_fallback_nobody_is_nobody() -> None:
    world = World(CLAIM, Unreachable("down"), True)
    with pytest.raises(Unreachable):
        world.push()
    assert world.asked[-1] == "release"


def test_a_fallback_that_has_proved_nothing_gets_nothing() -> None:
    world = World(CLAIM, Unreachable("down"), NotApplied("x", code=NOT_PROVED), True)
    with pytest.raises(Unreachable, match=r"down; the fallback .* has not proved to be the same database"):
        world.push(WITH_FALLBACK)


def test_an_answer_lost_on_the_way_is_settled_through_the_fallback() -> None:
    world = World(CLAIM, OutcomeUnknown("lost"), Unreachable("down"), 0, True, None)
    assert world.push(WITH_FALLBACK) == Pushed(1, 2, 0, by_fallback=2)
    assert world.asked[1:4] == ["push", "push", "fallback"]


def test_an_answer_lost_on_the_way_stays_unknown_where_the_fallback_proves_nothing() -> None:
    steps = [Unreachable("down"), NotApplied("x", code=NOT_PROVED)] * 5
    world = World(CLAIM, OutcomeUnknown("lost"), *steps, True)
    with pytest.raises(OutcomeUnknown, match="lost"):
        world.push(WITH_FALLBACK)
