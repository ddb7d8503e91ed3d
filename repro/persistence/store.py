"""What an application calls: jobs are saved with their outbox entry, then pushed to the queue."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, TypeVar

from repro.persistence import relay, transaction
from repro.persistence.errors import NotApplied
from repro.persistence.outcome import translated
from repro.persistence.relay import OnDatabase, OnQueue, Part, Pushed
from repro.persistence.steps import drive, drive_async

if TYPE_CHECKING:
    from repro.persistence.drivers import AsyncDriver, Driver
    from repro.persistence.model import CreatedJobs, OrchestrationRequest
    from repro.persistence.transports import AsyncTransport, Transport

DEFAULT_QUEUE = "jobs"
"""The key of the list that workers take from."""

T = TypeVar("T")


class OrchestrationPersistence:
    """Saves orchestrations and pushes their jobs, through the driver and the transport that it is given.

    Args:
        driver: runs the transactions; it stays the caller's.
        queue: carries out the push; it stays the caller's.
        queue_name: the key of the list.
        schema: where the tables are.
    """

    def __init__(
        self, driver: Driver, queue: Transport, *, queue_name: str = DEFAULT_QUEUE, schema: str = "public"
    ) -> None:
        self._driver = driver
        self._queue = queue
        self._queue_name = queue_name
        self._schema = schema

    def create_jobs(self, request: OrchestrationRequest) -> CreatedJobs:
        """Save an orchestration and its jobs, all or none. Safe to repeat with the same request.

        Raises:
            NotApplied: if nothing was saved, or the key belongs to another request.
            OutcomeUnknown: if the answer to COMMIT was lost; the same call settles it.
        """
        return self._run(_create_jobs(request, self._schema))

    def push_pending(self, *, lease_s: int = relay.DEFAULT_LEASE_S, limit: int | None = None) -> Pushed:
        """Push what is saved and not queued yet, the oldest first. Safe to repeat, and side by side.

        Args:
            lease_s: for how many seconds an orchestration that is being pushed is nobody else's.
            limit: how many orchestrations at most; None is all.

        Raises:
            NotApplied: if the database or the queue refused, or cannot be reached; what was pushed before
                stays so.
            OutcomeUnknown: if an answer was lost; the next call settles it.
        """
        return self._run(
            relay.push_pending(self._queue_name, schema=self._schema, lease_s=lease_s, limit=limit)
        )

    def _run(self, plan: Generator[Part, Any, T]) -> T:
        return drive(plan, self._carry_out)

    def _carry_out(self, part: Part) -> object:
        match part:
            case OnDatabase(each):
                return self._driver.run(translated(each, self._driver.not_sent))
            case OnQueue(conversation):
                return self._queue.run(translated(conversation, self._queue.not_sent))


class AsyncOrchestrationPersistence:
    """An `OrchestrationPersistence` that is awaited; arguments, results and errors are the same."""

    def __init__(
        self,
        driver: AsyncDriver,
        queue: AsyncTransport,
        *,
        queue_name: str = DEFAULT_QUEUE,
        schema: str = "public",
    ) -> None:
        self._driver = driver
        self._queue = queue
        self._queue_name = queue_name
        self._schema = schema

    async def create_jobs(self, request: OrchestrationRequest) -> CreatedJobs:
        """Save an orchestration and its jobs; see `OrchestrationPersistence.create_jobs`."""
        return await self._run(_create_jobs(request, self._schema))

    async def push_pending(self, *, lease_s: int = relay.DEFAULT_LEASE_S, limit: int | None = None) -> Pushed:
        """Push what is saved and not queued yet; see `OrchestrationPersistence.push_pending`."""
        return await self._run(
            relay.push_pending(self._queue_name, schema=self._schema, lease_s=lease_s, limit=limit)
        )

    async def _run(self, plan: Generator[Part, Any, T]) -> T:
        return await drive_async(plan, self._carry_out)

    async def _carry_out(self, part: Part) -> object:
        match part:
            case OnDatabase(each):
                return await self._driver.run(translated(each, self._driver.not_sent))
            case OnQueue(conversation):
                return await self._queue.run(translated(conversation, self._queue.not_sent))


def _create_jobs(request: OrchestrationRequest, schema: str) -> Generator[Part, Any, CreatedJobs]:
    """Save; where the key was known already, make sure that it stands for the same jobs."""
    created: CreatedJobs = yield OnDatabase(transaction.create_jobs(request, schema=schema))
    if not created.created:
        same: bool = yield OnDatabase(transaction.same_request(request, schema=schema))
        if not same:
            raise NotApplied("the idempotency key belongs to a request with other jobs")
    return created
