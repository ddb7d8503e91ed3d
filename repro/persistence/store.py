"""What an application calls: jobs are saved with their outbox entry, then pushed to the queue."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, TypeVar

from repro.persistence import creation, relay
from repro.persistence.errors import SettingsError
from repro.persistence.plan import OnDatabase, OnQueue, Part, Pause, Plan
from repro.persistence.pool import AsyncPool, Pool
from repro.persistence.queue import DEDUPLICATION_WINDOW_S
from repro.persistence.relay import DEFAULT_LEASE_S, Destination, Pushed
from repro.persistence.settings import Timeouts
from repro.persistence.steps import drive, drive_async

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from types import TracebackType
    from typing import Self

    from repro.persistence.carrier import AsyncCarrier, Carrier
    from repro.persistence.model import CreatedJobs, OrchestrationRequest

DEFAULT_QUEUE = "jobs"
"""The key of the list that workers take from."""

T = TypeVar("T")


class _Plans:
    """What both kinds of store have to do, as plans."""

    def __init__(
        self, *, queue_name: str, window_s: int, schema: str, endpoint: str | None, timeouts: Timeouts
    ) -> None:
        self._destination = Destination(queue_name, window_s, endpoint)
        self._schema = schema
        self._timeouts = timeouts

    def create_jobs(self, request: OrchestrationRequest) -> Plan[CreatedJobs]:
        return creation.create_jobs(request, schema=self._schema, timeouts=self._timeouts)

    def push_pending(self, lease_s: int, limit: int | None) -> Plan[Pushed]:
        return relay.push_pending(
            self._destination, schema=self._schema, lease_s=lease_s, limit=limit, timeouts=self._timeouts
        )


class OrchestrationPersistence:
    """Saves orchestrations and pushes their jobs. It may be used by several threads if its pools may.

    Args:
        database: runs the transactions: a pool of drivers, or one connected driver, which stays the caller's
            and is not replaced when its connection ends.
        queue: carries out the push: a pool of transports, or one connected transport; None for an
            application that leaves the push to others.
        fallback: used instead where ``queue`` cannot be reached, if it has proved to be the same database.
        endpoint: with ``fallback``, the fingerprint of the endpoint behind ``queue``
            (`repro.persistence.queue.fingerprint`).
        queue_name: the key of the list.
        window_s: for how many seconds a job that has been queued is recognised.
        schema: where the tables are.
        timeouts: of these, ``lock_s`` and ``settle_s``; the others are the drivers' and the transports'.

    Raises:
        ValueError: if there is a fallback and no endpoint, or the reverse; or the queue has no name or no
            window.
    """

    def __init__(
        self,
        database: Pool | Carrier,
        queue: Pool | Carrier | None = None,
        *,
        fallback: Pool | Carrier | None = None,
        endpoint: str | None = None,
        queue_name: str = DEFAULT_QUEUE,
        window_s: int = DEDUPLICATION_WINDOW_S,
        schema: str = "public",
        timeouts: Timeouts = Timeouts(),  # noqa: B008 - it is frozen
    ) -> None:
        _check_fallback(fallback, endpoint)
        self._plans = _Plans(
            queue_name=queue_name, window_s=window_s, schema=schema, endpoint=endpoint, timeouts=timeouts
        )
        self._database = _pool(database)
        self._queue = None if queue is None else _pool(queue)
        self._fallback = None if fallback is None else _pool(fallback)

    def create_jobs(self, request: OrchestrationRequest) -> CreatedJobs:
        """Save an orchestration and its jobs, all or none. Safe to repeat with the same request.

        A COMMIT whose answer is lost is settled before this returns, if that can be done within ``settle_s``.

        Raises:
            KeyReused: if the key belongs to a request with other jobs.
            NotApplied: if nothing was saved.
            OutcomeUnknown: if it may have been saved; the same call settles it.
        """
        return self._run(self._plans.create_jobs(request))

    def push_pending(self, *, lease_s: int = DEFAULT_LEASE_S, limit: int | None = None) -> Pushed:
        """Push what is saved and not queued yet, the oldest first. Safe to repeat, and side by side.

        Args:
            lease_s: for how many seconds an orchestration that is being pushed is nobody else's.
            limit: how many orchestrations at most; None is all.

        Raises:
            NotApplied: if the database or the queue refused, or cannot be reached; what was pushed before
                stays so.
            PartlyApplied: if the queue took a part of an orchestration; the next call pushes the rest.
            OutcomeUnknown: if an answer was lost; the next call settles it.
            SettingsError: if no queue was given.
        """
        return self._run(self._plans.push_pending(lease_s, limit))

    def _run(self, plan: Plan[T]) -> T:
        return drive(plan, self._carry_out)

    def _carry_out(self, part: Part) -> Any:
        match part:
            case OnDatabase(transaction):
                return self._database.run(transaction)
            case OnQueue(conversation, fallback):
                return _required(self._fallback if fallback else self._queue).run(conversation)
            case Pause(seconds):
                time.sleep(seconds)
                return None

    def close(self) -> None:
        """Close the pools, or what they keep. Connections that were given open stay so."""
        for pool in (self._database, self._queue, self._fallback):
            if pool is not None:
                pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncOrchestrationPersistence:
    """An `OrchestrationPersistence` that is awaited; arguments, results and errors are the same."""

    def __init__(
        self,
        database: AsyncPool | AsyncCarrier,
        queue: AsyncPool | AsyncCarrier | None = None,
        *,
        fallback: AsyncPool | AsyncCarrier | None = None,
        endpoint: str | None = None,
        queue_name: str = DEFAULT_QUEUE,
        window_s: int = DEDUPLICATION_WINDOW_S,
        schema: str = "public",
        timeouts: Timeouts = Timeouts(),  # noqa: B008 - it is frozen
    ) -> None:
        _check_fallback(fallback, endpoint)
        self._plans = _Plans(
            queue_name=queue_name, window_s=window_s, schema=schema, endpoint=endpoint, timeouts=timeouts
        )
        self._database = _async_pool(database)
        self._queue = None if queue is None else _async_pool(queue)
        self._fallback = None if fallback is None else _async_pool(fallback)

    async def create_jobs(self, request: OrchestrationRequest) -> CreatedJobs:
        """Save an orchestration and its jobs; see `OrchestrationPersistence.create_jobs`."""
        return await self._run(self._plans.create_jobs(request))

    async def push_pending(self, *, lease_s: int = DEFAULT_LEASE_S, limit: int | None = None) -> Pushed:
        """Push what is saved and not queued yet; see `OrchestrationPersistence.push_pending`."""
        return await self._run(self._plans.push_pending(lease_s, limit))

    def _run(self, plan: Plan[T]) -> Awaitable[T]:
        return drive_async(plan, self._carry_out)

    def _carry_out(self, part: Part) -> Awaitable[Any]:
        match part:
            case OnDatabase(transaction):
                return self._database.run(transaction)
            case OnQueue(conversation, fallback):
                return _required(self._fallback if fallback else self._queue).run(conversation)
            case Pause(seconds):
                return asyncio.sleep(seconds)

    async def close(self) -> None:
        """Close the pools, or what they keep. Connections that were given open stay so."""
        for pool in (self._database, self._queue, self._fallback):
            if pool is not None:
                await pool.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


AnyPool = TypeVar("AnyPool", Pool, AsyncPool)


def _pool(given: Pool | Carrier) -> Pool:
    return given if isinstance(given, Pool) else Pool.of(given)


def _async_pool(given: AsyncPool | AsyncCarrier) -> AsyncPool:
    return given if isinstance(given, AsyncPool) else AsyncPool.of(given)


def _required(pool: AnyPool | None) -> AnyPool:
    if pool is None:
        raise SettingsError(
            "UPSTASH_REDIS_URL", "cfg-url-missing", "is not set",
            "set it, or UPSTASH_REDIS_REST_URL with its token, where jobs are pushed",
        )  # fmt: skip
    return pool


def _check_fallback(fallback: object, endpoint: str | None) -> None:
    if (fallback is None) != (endpoint is None):
        raise ValueError("a fallback needs the fingerprint of the endpoint that it stands in for")
