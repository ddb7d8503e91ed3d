"""Saving an orchestration, without I/O: once, however often it is asked for and whatever is lost.

A COMMIT whose answer was lost is settled by the same INSERT again: its unique key waits for a transaction
that is still open. A bare SELECT would not do, as it can run before a COMMIT that is still on its way. What
became of the transaction's id only tells whether the rows that are found are this call's own.
"""

from __future__ import annotations

import time
from dataclasses import replace

from repro.persistence import transaction
from repro.persistence.errors import KeyReused, NotApplied, OutcomeUnknown
from repro.persistence.model import CreatedJobs, OrchestrationRequest
from repro.persistence.plan import Clock, OnDatabase, Patience, Plan
from repro.persistence.settings import Timeouts

LOCK_NOT_AVAILABLE = "55P03"
"""The SQLSTATE by which a wait ends that took ``lock_timeout``."""


def create_jobs(
    request: OrchestrationRequest,
    *,
    schema: str = "public",
    timeouts: Timeouts = Timeouts(),  # noqa: B008 - it is frozen
    clock: Clock = time.monotonic,
) -> Plan[CreatedJobs]:
    """Save an orchestration and its jobs, all or none.

    Args:
        request: what to save.
        schema: where the tables are.
        timeouts: of these, ``lock_s`` and ``settle_s``.
        clock: tells the time.

    Raises:
        KeyReused: if the key belongs to a request with other jobs.
        NotApplied: if nothing was saved.
        OutcomeUnknown: if it could not be found out within ``settle_s``, or another transaction under the
            same key stays open.
    """
    try:
        return (yield from _attempt(request, schema, timeouts))
    except OutcomeUnknown as lost:
        return (yield from _settled(request, schema, timeouts, lost, Patience(timeouts.settle_s, clock)))


def _attempt(request: OrchestrationRequest, schema: str, timeouts: Timeouts) -> Plan[CreatedJobs]:
    """Save; where the key was known already, make sure that it stands for the same jobs."""
    lock_ms = timeouts.lock_ms
    try:
        created: CreatedJobs = yield OnDatabase(
            transaction.create_jobs(request, schema=schema, lock_ms=lock_ms)
        )
    except NotApplied as refused:
        if refused.code != LOCK_NOT_AVAILABLE:
            raise
        raise _StillOpen(
            "another transaction under this idempotency key is still open: it may be applied yet"
        ) from refused
    if not created.created:
        same: bool = yield OnDatabase(transaction.same_request(request, schema=schema))
        if not same:
            raise KeyReused("nothing was applied: the idempotency key belongs to a request with other jobs")
    return created


class _StillOpen(OutcomeUnknown):
    """The key's fate is in the hands of a transaction that has not ended."""


def _settled(
    request: OrchestrationRequest, schema: str, timeouts: Timeouts, lost: OutcomeUnknown, patience: Patience
) -> Plan[CreatedJobs]:
    """Find out what became of an attempt whose answer was lost.

    Raises:
        OutcomeUnknown: the newest one, if the time is up.
    """
    while (pause := patience.pause()) is not None:
        yield pause
        try:
            ours = yield from _committed(lost)
            found = yield from _attempt(request, schema, timeouts)
            return replace(found, created=found.created or ours)
        except _StillOpen:
            continue  # the transaction in doubt stays the one to ask about
        except OutcomeUnknown as again:
            again.transaction_id = again.transaction_id or lost.transaction_id
            lost = again
        except KeyReused:
            raise
        except NotApplied as failure:
            lost.add_note(f"finding out failed: {failure}")
    raise lost


def _committed(lost: OutcomeUnknown) -> Plan[bool]:
    """Whether a transaction of that id has committed.

    It tells whose the rows are, never that they are there: a server that has crashed gives an id that it had
    not written down to somebody else.
    """
    if lost.transaction_id is None:
        return False
    status: str | None = yield OnDatabase(transaction.commit_status(lost.transaction_id))
    return status == "committed"
