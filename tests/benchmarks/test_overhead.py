"""The package against the same statements by hand, on each driver: one transaction with three jobs."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import asyncpg
import httpx
import psycopg
import pytest
import sqlalchemy
from pytest_benchmark.fixture import BenchmarkFixture
from sqlalchemy.ext.asyncio import create_async_engine

from repro.persistence import Job, OrchestrationRequest, Settings, connect, connect_async
from repro.persistence.drivers import neon_http, neon_websocket, raw
from repro.persistence.drivers.placeholders import pyformat
from repro.persistence.drivers.sqlalchemy import url_for
from repro.persistence.steps import Execute
from repro.persistence.text_format import to_text
from repro.persistence.transaction import insert_jobs, insert_outbox
from tests.benchmarks.conftest import Paired

ROUNDS = 500
GATEWAY_ROUNDS = 150
"""Through one of the lab's gateways, which is Python itself and takes ten times as long."""


def request_of() -> OrchestrationRequest:
    return OrchestrationRequest(f"key-{uuid.uuid4()}", [Job("render", {"n": n}) for n in range(3)])


def statements(schema: str) -> list[Execute]:
    request = request_of()
    return [insert_jobs(request, schema=schema), insert_outbox(request, schema=schema)]


def by_name(statement: Execute) -> dict[str, Any]:
    return {f"p{number}": each for number, each in enumerate(statement.params, 1)}


ByHand = Callable[[], object]


@contextmanager
def by_psycopg(settings: Settings, schema: str) -> Iterator[ByHand]:
    with psycopg.connect(settings.require_database(), autocommit=True) as connection:
        connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
        yield lambda: on_psycopg(connection, schema)


def on_psycopg(connection: psycopg.Connection[Any], schema: str) -> None:
    with connection.transaction():
        for each in statements(schema):
            cursor = connection.execute(pyformat(each.sql), by_name(each))
            cursor.fetchall()


@contextmanager
def by_websocket(settings: Settings, schema: str) -> Iterator[ByHand]:
    with closing(
        neon_websocket.connect(settings.require_database(), endpoint=settings.neon_ws_proxy)
    ) as driver:
        yield lambda: on_psycopg(driver._connection, schema)


@contextmanager
def by_sqlalchemy(settings: Settings, schema: str) -> Iterator[ByHand]:
    engine = sqlalchemy.create_engine(
        url_for(settings.require_database(), "psycopg"),
        poolclass=sqlalchemy.NullPool,
        isolation_level="READ COMMITTED",
    )
    with engine.connect() as connection:

        def run() -> None:
            with connection.begin():
                for each in statements(schema):
                    connection.exec_driver_sql(pyformat(each.sql), by_name(each)).fetchall()

        yield run
    engine.dispose()


@contextmanager
def by_asyncpg(settings: Settings, schema: str) -> Iterator[ByHand]:
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(settings.require_database()))

        async def run() -> None:
            async with connection.transaction(isolation="read_committed"):
                for each in statements(schema):
                    await connection.fetch(each.sql, *each.params)

        yield lambda: runner.run(run())
        runner.run(connection.close())


@contextmanager
def by_raw(settings: Settings, schema: str) -> Iterator[ByHand]:
    with closing(raw.connect(settings.require_database())) as driver:

        def run() -> None:
            driver._begin()
            for each in statements(schema):
                driver._execute(each)
            driver._commit()

        yield run


def http_headers(settings: Settings) -> dict[str, str]:
    headers: dict[str, str] = neon_http._limits(settings.require_database(), settings.timeouts)["headers"]
    return headers


def http_body(schema: str) -> str:
    queries = [
        {"query": each.sql, "params": [to_text(value) for value in each.params]}
        for each in statements(schema)
    ]
    return json.dumps({"queries": queries})


@contextmanager
def by_http(settings: Settings, schema: str) -> Iterator[ByHand]:
    with httpx.Client(headers=http_headers(settings)) as client:

        def run() -> None:
            answer = client.post(str(settings.neon_fetch_endpoint), content=http_body(schema))
            assert answer.json()["results"]

        yield run


@contextmanager
def by_async_http(settings: Settings, schema: str) -> Iterator[ByHand]:
    with asyncio.Runner() as runner:
        client = httpx.AsyncClient(headers=http_headers(settings))

        async def run() -> None:
            answer = await client.post(str(settings.neon_fetch_endpoint), content=http_body(schema))
            assert answer.json()["results"]

        yield lambda: runner.run(run())
        runner.run(client.aclose())


@contextmanager
def by_async_psycopg(settings: Settings, schema: str) -> Iterator[ByHand]:
    with asyncio.Runner() as runner:
        connection = runner.run(psycopg.AsyncConnection.connect(settings.require_database(), autocommit=True))
        runner.run(connection.set_isolation_level(psycopg.IsolationLevel.READ_COMMITTED))

        yield lambda: runner.run(on_async_psycopg(connection, schema))
        runner.run(connection.close())


async def on_async_psycopg(connection: psycopg.AsyncConnection[Any], schema: str) -> None:
    async with connection.transaction():
        for each in statements(schema):
            cursor = await connection.execute(pyformat(each.sql), by_name(each))
            await cursor.fetchall()


@contextmanager
def by_async_websocket(settings: Settings, schema: str) -> Iterator[ByHand]:
    with asyncio.Runner() as runner:
        opening = neon_websocket.connect_async(settings.require_database(), endpoint=settings.neon_ws_proxy)
        driver = runner.run(opening)
        yield lambda: runner.run(on_async_psycopg(driver._connection, schema))
        runner.run(driver.close())


@contextmanager
def by_async_sqlalchemy(settings: Settings, schema: str) -> Iterator[ByHand]:
    engine = create_async_engine(
        url_for(settings.require_database(), "asyncpg"),
        poolclass=sqlalchemy.NullPool,
        isolation_level="READ COMMITTED",
    )
    with asyncio.Runner() as runner:
        connection = runner.run(engine.connect().start())

        async def run() -> None:
            async with connection.begin():
                for each in statements(schema):
                    (await connection.exec_driver_sql(each.sql, tuple(each.params))).fetchall()

        yield lambda: runner.run(run())
        runner.run(connection.close())
        runner.run(engine.dispose())


WAYS = {
    "psycopg": by_psycopg,
    "sqlalchemy": by_sqlalchemy,
    "neon_http": by_http,
    "neon_websocket": by_websocket,
    "raw": by_raw,
    "async:asyncpg": by_asyncpg,
    "async:psycopg": by_async_psycopg,
    "async:sqlalchemy": by_async_sqlalchemy,
    "async:neon_http": by_async_http,
    "async:neon_websocket": by_async_websocket,
}


@contextmanager
def package(name: str, settings: Settings, schema: str) -> Iterator[ByHand]:
    awaited, _, driver = name.rpartition(":")
    if not awaited:
        with connect(settings, driver, schema=schema) as store:
            yield lambda: store.create_jobs(request_of())
        return
    with asyncio.Runner() as runner:
        opened = connect_async(settings, driver, schema=schema)
        yield lambda: runner.run(opened.create_jobs(request_of()))
        runner.run(opened.close())


@pytest.mark.parametrize("name", WAYS)
def test_overhead(
    name: str,
    settings: Settings,
    schema: str,
    benchmark: BenchmarkFixture,
    paired: Paired,
    say: Callable[[str], None],
) -> None:
    with ExitStack() as stack:
        ours = stack.enter_context(package(name, settings, schema))
        by_hand = stack.enter_context(WAYS[name](settings, schema))
        ratio, ours_ms, by_hand_ms = paired(ours, by_hand, GATEWAY_ROUNDS if "neon" in name else ROUNDS)
        benchmark.extra_info["ratio"] = ratio
        benchmark.pedantic(ours, rounds=50, warmup_rounds=5)
    say(f"{name:<20} {ours_ms:6.2f} ms, by hand {by_hand_ms:6.2f} ms, ratio {ratio:.3f}")
