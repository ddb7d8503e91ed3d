"""From settings to a store: nothing is dialled, and what is missing is said."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from repro.persistence import (
    Job,
    OrchestrationPersistence,
    OrchestrationRequest,
    Settings,
    SettingsError,
    carrier,
)
from repro.persistence.opening import ASYNC_DRIVERS, DRIVERS, connect, connect_async
from repro.persistence.pool import Pool
from repro.persistence.steps import Rows, drive

DATABASE = Settings(database_url="postgresql://app:word@database.invalid/app")
TCP = Settings(database_url=DATABASE.database_url, redis_url="rediss://default:word@queue.invalid:6379")
REST = Settings(
    database_url=DATABASE.database_url, rest_url="https://queue.invalid", rest_token="a token"
)  # fmt: skip
BOTH = Settings(
    database_url=DATABASE.database_url,
    redis_url=TCP.redis_url,
    rest_url=REST.rest_url,
    rest_token=REST.rest_token,
)


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_store_dials_when_it_is_used(driver: str) -> None:
    connect(BOTH, driver).close()


@pytest.mark.parametrize("driver", ASYNC_DRIVERS)
def test_an_async_store_dials_when_it_is_used(driver: str) -> None:
    asyncio.run(connect_async(BOTH, driver).close())


@pytest.mark.parametrize(
    ("settings", "queue", "fallback"),
    [(DATABASE, False, False), (TCP, True, False), (REST, True, False), (BOTH, True, True)],
)
def test_the_queue_is_the_one_that_is_set_and_rest_its_fallback(
    settings: Settings, queue: bool, fallback: bool
) -> None:
    store = connect(settings)
    assert (store._queue is not None, store._fallback is not None) == (queue, fallback)
    endpoint = store._plans._destination.endpoint
    assert (endpoint is not None) == fallback
    assert "word" not in repr(vars(store._plans))


def test_without_a_queue_jobs_are_created_and_not_pushed() -> None:
    class Answering:
        server = carrier.DATABASE
        not_sent: tuple[type[BaseException], ...] = ()
        not_reached: tuple[type[BaseException], ...] = ()
        usable = True

        def run(self, generator: Any) -> Any:
            return drive(generator, lambda _: Rows([("1", 1, "first", "job")]))

        def close(self) -> None:
            """Nothing is open."""

    store = OrchestrationPersistence(Pool(Answering))
    assert store.create_jobs(OrchestrationRequest("key", [Job("render", {})])).created
    with pytest.raises(SettingsError, match=r"UPSTASH_REDIS_URL is not set"):
        store.push_pending()


@pytest.mark.parametrize("opened", [connect, connect_async])
def test_what_is_missing_is_said_at_once(opened: Any) -> None:
    with pytest.raises(SettingsError, match="DATABASE_URL is not set"):
        opened(Settings())
    with pytest.raises(ValueError, match="there is no driver 'odbc' here; there are"):
        opened(DATABASE, "odbc")
    other = "asyncpg" if opened is connect else "raw"
    with pytest.raises(ValueError, match=f"no driver '{other}' here; connect.* takes it; there are"):
        opened(DATABASE, other)


def test_a_fallback_needs_the_name_of_what_it_stands_in_for() -> None:
    pool = Pool(lambda: pytest.fail("dialled"))
    with pytest.raises(ValueError, match="fingerprint"):
        OrchestrationPersistence(pool, pool, fallback=pool)
    with pytest.raises(ValueError, match="fingerprint"):
        OrchestrationPersistence(pool, pool, endpoint="0123")
