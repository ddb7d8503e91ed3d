"""The outbox relay, without I/O: claim, push, mark.

The push happens outside any transaction. Killed between any two steps it leaves a lease that runs out; the
next relay then pushes the same jobs again, and the server queues those once.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeAlias

from repro.persistence import queue, transaction
from repro.persistence.model import Claim
from repro.persistence.steps import Transaction

DEFAULT_LEASE_S = 60
"""Longer than a push may take: a thousand jobs a command, five seconds each at most."""


@dataclass(frozen=True, slots=True)
class OnDatabase:
    """A part of a plan that is a transaction."""

    transaction: Transaction[Any]


@dataclass(frozen=True, slots=True)
class OnQueue:
    """A part of a plan that is a conversation with the queue."""

    conversation: queue.Conversation[Any]


Part: TypeAlias = OnDatabase | OnQueue

Plan: TypeAlias = Generator[Part, Any, Any]
"""Parts that are carried out one after the other, each answered with what it returned."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a relay has done.

    Args:
        orchestrations: how many it has pushed whole.
        jobs: how many jobs these have.
        queued: how many of the jobs had not been queued before.
    """

    orchestrations: int = 0
    jobs: int = 0
    queued: int = 0


def push_pending(
    queue_name: str, *, schema: str = "public", lease_s: int = DEFAULT_LEASE_S, limit: int | None = None
) -> Generator[Part, Any, Pushed]:
    """Push what is pending, the oldest orchestration first, until nothing is.

    Args:
        queue_name: the list's key.
        schema: where the tables are.
        lease_s: for how many seconds a claimed orchestration is nobody else's.
        limit: how many orchestrations at most; None is all.
    """
    orchestrations = jobs = queued = 0
    while limit is None or orchestrations < limit:
        claim: Claim | None = yield OnDatabase(transaction.claim_pending(lease_s=lease_s, schema=schema))
        if claim is None:
            break
        queued += yield from _push_claim(claim, queue_name, schema)
        orchestrations += 1
        jobs += len(claim.job_ids)
    return Pushed(orchestrations, jobs, queued)


def _push_claim(claim: Claim, queue_name: str, schema: str) -> Generator[Part, Any, int]:
    try:
        queued: int = yield OnQueue(queue.push(queue_name, claim.job_ids))
    except Exception as error:
        yield from _release(claim, schema, error)
        raise
    yield OnDatabase(transaction.mark_pushed(claim, schema=schema))
    return queued


def _release(claim: Claim, schema: str, error: Exception) -> Generator[Part, Any, None]:
    """Give the claim back after a failed push; where that fails too, the lease ends by itself."""
    try:
        yield OnDatabase(transaction.release(claim, schema=schema))
    except Exception as failure:  # noqa: BLE001 - the push's own error is the one to raise
        error.add_note(f"giving the claim back failed too: {type(failure).__name__}")
