"""What an application calls, on real servers; and what it is told when an answer is lost."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from contextlib import closing
from typing import Any

import psycopg
import pytest

from repro.persistence import (
    AsyncOrchestrationPersistence,
    Job,
    KeyReused,
    NotApplied,
    OrchestrationPersistence,
    OrchestrationRequest,
    Pushed,
    Settings,
)
from repro.persistence.drivers import Driver, asyncpg, raw
from repro.persistence.drivers.psycopg import PsycopgDriver
from repro.persistence.queue import push, read_back
from repro.persistence.steps import Transaction
from repro.persistence.transaction import claim_pending, count_jobs, mark_pushed, release
from repro.persistence.transports import Transport, redis_tcp, upstash_rest


def request_of(jobs: int = 3, key: str | None = None) -> OrchestrationRequest:
    return OrchestrationRequest(key or f"key-{uuid.uuid4()}", [Job("render", {"n": n}) for n in range(jobs)])


@pytest.fixture
def store(driver: Driver, queue: Transport, queue_name: str, schema: str) -> OrchestrationPersistence:
    return OrchestrationPersistence(driver, queue, queue_name=queue_name, schema=schema)


@pytest.fixture
def queue(settings: Settings) -> Any:
    with closing(redis_tcp.connect(str(settings.redis_url))) as transport:
        yield transport


def test_what_is_created_is_queued_once_and_in_order(
    store: OrchestrationPersistence, queue: Transport, queue_name: str
) -> None:
    first, second = request_of(3), request_of(2)
    for request in (first, second, first):
        assert store.create_jobs(request).job_ids == request.job_ids
    assert store.push_pending() == Pushed(orchestrations=2, jobs=5, queued=5)
    assert store.push_pending() == Pushed()
    assert queue.run(read_back(queue_name)) == [*first.job_ids, *second.job_ids]
    assert not store.create_jobs(first).created
    assert store.push_pending() == Pushed()


def test_a_limit_leaves_the_rest_for_later(store: OrchestrationPersistence) -> None:
    for _ in range(3):
        store.create_jobs(request_of(1))
    assert store.push_pending(limit=2).orchestrations == 2
    assert store.push_pending().orchestrations == 1


def test_a_key_of_another_request_is_refused(store: OrchestrationPersistence) -> None:
    store.create_jobs(request_of(2, key="one key"))
    with pytest.raises(KeyReused, match="other jobs"):
        store.create_jobs(request_of(3, key="one key"))


def test_the_async_store_does_the_same(settings: Settings, schema: str, queue_name: str) -> None:
    async def scenario() -> None:
        driver = await asyncpg.connect(settings.require_database())
        rest = await upstash_rest.connect_async(str(settings.rest_url), str(settings.rest_token))
        store = AsyncOrchestrationPersistence(driver, rest, queue_name=queue_name, schema=schema)
        request = request_of(3)
        try:
            assert (await store.create_jobs(request)).created
            assert not (await store.create_jobs(request)).created
            assert await store.push_pending() == Pushed(1, 3, 3)
            assert await rest.run(read_back(queue_name)) == list(request.job_ids)
            with pytest.raises(KeyReused, match="other jobs"):
                await store.create_jobs(request_of(1, key=request.idempotency_key))
        finally:
            await rest.close()
            await driver.close()

    asyncio.run(scenario())


def test_a_dead_relay_is_taken_over_and_its_token_is_worth_nothing(
    driver: Driver, observer: Driver, store: OrchestrationPersistence, schema: str
) -> None:
    request = request_of(2)
    store.create_jobs(request)
    dead = driver.run(claim_pending(lease_s=0, schema=schema))
    assert dead is not None
    assert dead.job_ids == request.job_ids
    alive = observer.run(claim_pending(lease_s=60, schema=schema))
    assert alive is not None
    assert (alive.orchestration_id, alive.token) == (dead.orchestration_id, dead.token + 1)
    assert driver.run(claim_pending(lease_s=60, schema=schema)) is None
    assert driver.run(mark_pushed(dead, schema=schema)) is False
    assert driver.run(release(dead, schema=schema)) is False
    assert observer.run(mark_pushed(alive, schema=schema)) is True
    assert observer.run(claim_pending(lease_s=60, schema=schema)) is None


def test_a_claim_that_is_given_back_can_be_taken_at_once(
    driver: Driver, store: OrchestrationPersistence, schema: str
) -> None:
    store.create_jobs(request_of(1))
    claim = driver.run(claim_pending(lease_s=60, schema=schema))
    assert claim is not None
    assert driver.run(release(claim, schema=schema)) is True
    assert driver.run(claim_pending(lease_s=60, schema=schema)) is not None


def claim_held_open(during: Callable[[], None], schema: str) -> Transaction[None]:
    """A relay that has claimed and not committed yet, while another one is at work."""
    inner = claim_pending(lease_s=60, schema=schema)
    rows = yield next(inner)
    step = inner.send(rows)
    rows = yield step
    step = inner.send(rows)
    during()
    inner.close()
    yield step


def test_two_relays_side_by_side_claim_different_orchestrations(
    observer: Driver, settings: Settings, schema: str, queue: Transport, queue_name: str
) -> None:
    store = OrchestrationPersistence(observer, queue, queue_name=queue_name, schema=schema)
    for _ in range(2):
        store.create_jobs(request_of(1))
    with closing(raw.connect(settings.require_database())) as other:
        other.run(claim_held_open(lambda: expect(store.push_pending(), Pushed(1, 1, 1)), schema))
    assert store.push_pending() == Pushed()


def expect(found: object, wanted: object) -> None:
    assert found == wanted


def test_jobs_pushed_by_a_relay_that_died_before_it_said_so_are_not_queued_again(
    driver: Driver, queue: Transport, queue_name: str, store: OrchestrationPersistence, schema: str
) -> None:
    request = request_of(3)
    store.create_jobs(request)
    claim = driver.run(claim_pending(lease_s=0, schema=schema))
    assert claim is not None
    queue.run(push(queue_name, claim.job_ids, generation=claim.generation))
    assert store.push_pending() == Pushed(1, 3, 0)
    assert queue.run(read_back(queue_name)) == list(request.job_ids)


def test_a_failed_push_gives_the_claim_back(
    driver: Driver, schema: str, queue_name: str, queue: Transport, settings: Settings
) -> None:
    with closing(upstash_rest.connect(str(settings.rest_url), "wrong-token")) as refused:
        failing = OrchestrationPersistence(driver, refused, queue_name=queue_name, schema=schema)
        failing.create_jobs(request_of(2))
        with pytest.raises(NotApplied) as caught:
            failing.push_pending()
    assert isinstance(caught.value.__cause__, upstash_rest.UpstashError)
    working = OrchestrationPersistence(driver, queue, queue_name=queue_name, schema=schema)
    assert working.push_pending() == Pushed(1, 2, 2)


def test_a_server_that_refuses_is_not_applied(
    driver: Driver, queue: Transport, schema: str, observer: Driver
) -> None:
    store = OrchestrationPersistence(driver, queue, schema=f"{schema}_that_is_not_there")
    with pytest.raises(NotApplied, match="the tables are not there") as caught:
        store.create_jobs(request_of(1))
    assert caught.value.code == "42P01"
    assert observer.run(count_jobs(str(uuid.uuid4()), schema=schema)) == 0


def test_inside_a_transaction_of_somebody_else_it_is_refused(
    settings: Settings, schema: str, observer: Driver
) -> None:
    """There COMMIT would make nothing durable, and what it called created could be rolled back."""
    request = request_of(1)
    with psycopg.connect(settings.require_database(), autocommit=True) as connection:
        store = OrchestrationPersistence(PsycopgDriver(connection, settings.timeouts), schema=schema)
        with connection.transaction():
            with pytest.raises(NotApplied, match="open on this connection already") as caught:
                store.create_jobs(request)
            connection.execute("SELECT 1")
        assert caught.value.code == "25001"
        assert store.create_jobs(request).created
    assert observer.run(count_jobs(request.orchestration_id, schema=schema)) == 1


def test_inside_a_transaction_of_somebody_else_it_is_refused_by_asyncpg_too(
    settings: Settings, schema: str
) -> None:
    async def scenario() -> None:
        driver = await asyncpg.connect(settings.require_database())
        store = AsyncOrchestrationPersistence(driver, schema=schema)
        async with driver._connection.transaction():
            with pytest.raises(NotApplied, match="open on this connection already"):
                await store.create_jobs(request_of(1))
        assert (await store.create_jobs(request_of(1))).created
        await driver.close()

    asyncio.run(scenario())
