"""The outbox relay, without I/O: claim, push, mark.

The push happens outside any transaction. Killed between any two steps it leaves a lease that runs out; the
next relay then pushes the same jobs again, and the server queues those once. For the same reason a push whose
answer was lost is settled by pushing again.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from repro.persistence import queue, transaction
from repro.persistence.errors import (
    NotApplied,
    OutcomeUnknown,
    PartlyApplied,
    PersistenceError,
    Unreachable,
)
from repro.persistence.model import Claim
from repro.persistence.outcome import NOT_PROVED
from repro.persistence.plan import Clock, OnDatabase, OnQueue, Patience, Plan
from repro.persistence.queue import DEDUPLICATION_WINDOW_S, Proof
from repro.persistence.settings import Timeouts
from repro.persistence.transaction import ClaimInDoubt

DEFAULT_LEASE_S = 60
"""Seconds in which a push should be done. One that takes longer is done by two relays, and still once."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the jobs go.

    Args:
        queue_name: the list's key.
        window_s: for how many seconds a job that has been queued is recognised.
        endpoint: the fingerprint of the preferred endpoint where there is a fallback to it, else None.

    Raises:
        ValueError: if the name is empty, or the window is.
    """

    queue_name: str
    window_s: int = DEDUPLICATION_WINDOW_S
    endpoint: str | None = None

    def __post_init__(self) -> None:
        if not self.queue_name:
            raise ValueError("a queue has a name")
        if self.window_s < 1:
            raise ValueError("a deduplication window is at least one second")


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a relay has done.

    Args:
        orchestrations: how many it has pushed whole.
        jobs: how many jobs these have.
        queued: how many of the jobs were queued by this call. Where an answer was lost, those that the lost
            command had queued are not among them.
        by_fallback: how many of the jobs took the fallback: the preferred endpoint was not reached.
    """

    orchestrations: int = 0
    jobs: int = 0
    queued: int = 0
    by_fallback: int = 0


def push_pending(
    destination: Destination,
    *,
    schema: str = "public",
    lease_s: int = DEFAULT_LEASE_S,
    limit: int | None = None,
    timeouts: Timeouts = Timeouts(),  # noqa: B008 - it is frozen
    clock: Clock = time.monotonic,
) -> Plan[Pushed]:
    """Push what is pending, the oldest orchestration first, until nothing is.

    Args:
        destination: where to.
        schema: where the tables are.
        lease_s: for how many seconds a claimed orchestration is nobody else's.
        limit: how many orchestrations at most; None is all.
        timeouts: of these, ``settle_s``.
        clock: tells the time.

    Raises:
        ValueError: if a lease is no time, or outlives the window in which its push is recognised.
        PersistenceError: what stopped it; a note says what had been pushed before.
    """
    _check(lease_s, limit, destination)
    done = Pushed()
    try:
        while limit is None or done.orchestrations < limit:
            claim = yield from _claimed(lease_s, schema, Patience(timeouts.settle_s, clock))
            if claim is None:
                break
            pushed = yield from _push_claim(claim, destination, schema, timeouts, clock)
            done = Pushed(
                done.orchestrations + 1,
                done.jobs + len(claim.job_ids),
                done.queued + pushed.queued,
                done.by_fallback + pushed.by_fallback,
            )
    except PersistenceError as error:
        if done.orchestrations:
            error.add_note(f"before that {done.orchestrations} orchestrations ({done.jobs} jobs) were pushed")
        raise
    return done


def _check(lease_s: int, limit: int | None, destination: Destination) -> None:
    if lease_s < 1:
        raise ValueError("a lease is at least one second")
    if lease_s >= destination.window_s:
        raise ValueError(
            f"a lease of {lease_s} s outlives the deduplication window of {destination.window_s} s: "
            "whoever takes over would queue the jobs again"
        )
    if limit is not None and limit < 0:
        raise ValueError("a limit is not negative")


def _claimed(lease_s: int, schema: str, patience: Patience) -> Plan[Claim | None]:
    """Claim what is pending. A claim whose answer was lost is taken back, so that nobody waits for its lease.

    Raises:
        OutcomeUnknown: if that could not be done in time, or it is not known what was claimed (over HTTP).
    """
    while True:
        try:
            claim: Claim | None = yield OnDatabase(transaction.claim_pending(lease_s=lease_s, schema=schema))
        except ClaimInDoubt as lost:
            yield from _taken_back(lost, schema, patience)
        else:
            return claim


def _taken_back(lost: ClaimInDoubt, schema: str, patience: Patience) -> Plan[None]:
    while (pause := patience.pause()) is not None:
        yield pause
        try:
            yield OnDatabase(transaction.take_back(lost.claim, schema=schema))
        except PersistenceError as failure:  # taken back twice is taken back once
            lost.add_note(f"taking the claim back failed: {failure}")
        else:
            return
    raise lost


@dataclass(frozen=True, slots=True)
class _Batch:
    """What became of some of an orchestration's jobs: how many were queued now, and how many how."""

    queued: int = 0
    by_fallback: int = 0


def _push_claim(
    claim: Claim, destination: Destination, schema: str, timeouts: Timeouts, clock: Clock
) -> Plan[_Batch]:
    try:
        pushed = yield from _push_all(claim, destination, timeouts, clock)
    except PersistenceError as error:
        yield from _release(claim, schema, error)
        raise
    yield from _mark(claim, schema, Patience(timeouts.settle_s, clock))
    return pushed


def _mark(claim: Claim, schema: str, patience: Patience) -> Plan[None]:
    """Say that a claim's jobs are queued. Said twice is said once, so a lost answer is settled by a repeat.

    Raises:
        PartlyApplied: if the time is up; the jobs are queued, and pushed again when the lease has ended.
    """
    while True:
        try:
            yield OnDatabase(transaction.mark_pushed(claim, schema=schema))
        except (NotApplied, OutcomeUnknown) as error:
            pause = patience.pause()
            if pause is None:
                raise PartlyApplied(
                    f"an orchestration's jobs are queued, but the database could not be told: {error}"
                ) from error
        else:
            return
        yield pause


def _push_all(claim: Claim, destination: Destination, timeouts: Timeouts, clock: Clock) -> Plan[_Batch]:
    """Push an orchestration's jobs, one batch after the other, so that their order holds.

    Raises:
        PartlyApplied: if a later batch was refused.
    """
    done = queued = by_fallback = 0
    for batch in queue.batches(claim.job_ids):
        try:
            pushed = yield from _settled(
                batch, claim.generation, destination, Patience(timeouts.settle_s, clock)
            )
        except NotApplied as refused:
            if done == 0:
                raise
            raise PartlyApplied(
                f"{done} of an orchestration's {len(claim.job_ids)} jobs are queued, then {refused}"
            ) from refused
        done += len(batch)
        queued += pushed.queued
        by_fallback += pushed.by_fallback
    return _Batch(queued, by_fallback)


def _settled(
    batch: Sequence[str], generation: str, destination: Destination, patience: Patience
) -> Plan[_Batch]:
    """Push one batch; a lost answer is settled by the same push again, as the server knows every job.

    Raises:
        NotApplied: if it was refused, or nobody can be reached.
        OutcomeUnknown: if an answer was lost and the time is up.
    """
    lost: OutcomeUnknown | None = None
    while True:
        try:
            return (yield from _by_either(batch, generation, destination))
        except OutcomeUnknown as error:
            lost = error
        except NotApplied as error:
            if lost is None:
                raise
            lost.add_note(f"finding out failed: {error}")
        pause = patience.pause()
        if pause is None:
            raise lost
        yield pause


def _by_either(batch: Sequence[str], generation: str, destination: Destination) -> Plan[_Batch]:
    """Push through the preferred endpoint; where it cannot be reached, through the fallback.

    Raises:
        Unreachable: also where the fallback is there and has not proved to be the same database.
    """
    try:
        queued: int = yield OnQueue(_push(batch, generation, destination, "give"))
    except Unreachable as error:
        if destination.endpoint is None:
            raise
        unreachable = error
    else:
        return _Batch(queued)
    try:
        queued = yield OnQueue(_push(batch, generation, destination, "ask"), fallback=True)
    except NotApplied as refused:
        if refused.code != NOT_PROVED:
            raise
        raise Unreachable(
            f"{unreachable}; the fallback can be reached, but has not proved to be the same database: "
            "nothing was pushed into it through the preferred endpoint yet. One push while that can be "
            "reached proves it; or configure only the endpoint that can be reached"
        ) from unreachable
    return _Batch(queued, by_fallback=len(batch))


def _push(
    batch: Sequence[str], generation: str, destination: Destination, by: queue.ProofBy
) -> queue.Conversation[int]:
    proof = None if destination.endpoint is None else Proof(destination.endpoint, by)
    return queue.push(
        destination.queue_name, batch, generation=generation, window_s=destination.window_s, proof=proof
    )


def _release(claim: Claim, schema: str, error: PersistenceError) -> Plan[None]:
    """Give the claim back after a failed push; where that fails too, the lease ends by itself."""
    try:
        yield OnDatabase(transaction.release(claim, schema=schema))
    except PersistenceError as failure:
        error.add_note(f"giving the claim back failed too: {failure}")
