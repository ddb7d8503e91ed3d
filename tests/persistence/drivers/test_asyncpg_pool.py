"""A store on the application's own pool of asyncpg."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from repro.persistence import (
    AsyncOrchestrationPersistence,
    Job,
    NotApplied,
    OrchestrationRequest,
    Settings,
    Timeouts,
    Unreachable,
)
from repro.persistence.drivers.asyncpg_pool import borrowing_from
from repro.persistence.steps import Begin, Commit, Execute, Transaction

HURRIED = Timeouts(connect_s=0.2, statement_s=0.3)


def request_of() -> OrchestrationRequest:
    return OrchestrationRequest(f"key-{uuid.uuid4()}", [Job("render", {"n": 1})])


@asynccontextmanager
async def own_pool(settings: Settings, size: int) -> AsyncIterator[asyncpg.Pool]:
    async with asyncpg.create_pool(settings.require_database(), min_size=0, max_size=size) as pool:
        yield pool
        assert pool.get_idle_size() == pool.get_size(), "all that was borrowed was given back"


def test_more_callers_than_connections_are_served_and_all_is_given_back(
    settings: Settings, schema: str
) -> None:
    async def run() -> None:
        async with own_pool(settings, 2) as pool:
            store = AsyncOrchestrationPersistence(borrowing_from(pool), schema=schema)
            wanted = [request_of() for _ in range(8)]
            created = await asyncio.gather(*map(store.create_jobs, wanted))
            assert [each.job_ids for each in created] == [each.job_ids for each in wanted]
            assert all(each.created for each in created)
            assert pool.get_size() == 2
            await store.close()
            assert await pool.fetchval("SELECT 1") == 1, "the pool stays the application's"

    asyncio.run(run())


def test_what_is_overdue_ends_the_connection_and_the_pool_makes_another(settings: Settings) -> None:
    def slow(seconds: float) -> Transaction[None]:
        yield Begin()
        yield Execute(f"SELECT pg_sleep({seconds})::text")
        yield Commit()

    async def run() -> None:
        async with own_pool(settings, 1) as pool:
            database = borrowing_from(pool, timeouts=HURRIED)
            with pytest.raises(NotApplied) as caught:
                await database.run(slow(20))
            assert isinstance(caught.value.__cause__, TimeoutError)
            await database.run(slow(0))

    asyncio.run(run())


def test_a_pool_whose_connections_are_all_taken_is_unreachable(settings: Settings) -> None:
    async def run() -> None:
        async with own_pool(settings, 1) as pool:
            store = AsyncOrchestrationPersistence(borrowing_from(pool, timeouts=HURRIED))
            async with pool.acquire():
                with pytest.raises(Unreachable):
                    await store.create_jobs(request_of())

    asyncio.run(run())
