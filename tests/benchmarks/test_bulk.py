"""Ten thousand jobs in one call, against COPY and executemany into the same tables."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from typing import Any

import asyncpg
import psycopg
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from repro.persistence import Job, OrchestrationRequest, Settings, connect, connect_async
from repro.persistence.schema import quoted
from tests.benchmarks.conftest import Paired

JOBS = 10_000
ROUNDS = 12


def request_of() -> OrchestrationRequest:
    return OrchestrationRequest(f"key-{uuid.uuid4()}", [Job("render", {"n": n}) for n in range(JOBS)])


def rows_of(request: OrchestrationRequest) -> list[tuple[Any, ...]]:
    return [
        (job_id, request.orchestration_id, position, job.kind, job.payload_json)
        for position, (job_id, job) in enumerate(zip(request.job_ids, request.jobs, strict=True), 1)
    ]


ORCHESTRATION = ("id", "idempotency_key", "fingerprint")
COLUMNS = ("id", "orchestration_id", "position", "kind", "payload")

Run = Callable[[], object]
Way = Callable[[Settings, str], AbstractContextManager[Run]]


@contextmanager
def by_psycopg(
    insert: Callable[[psycopg.Connection[Any], str, list[Any]], None], settings: Settings, schema: str
) -> Iterator[Run]:
    """The same transaction, its jobs inserted in another way."""
    name = quoted(schema)
    with psycopg.connect(settings.require_database(), autocommit=True) as connection:

        def run() -> None:
            request = request_of()
            with connection.transaction():
                connection.execute(
                    f"INSERT INTO {name}.orchestrations ({', '.join(ORCHESTRATION)}) VALUES (%s, %s, %s)",
                    (request.orchestration_id, request.idempotency_key, request.fingerprint),
                )
                insert(connection, schema, rows_of(request))
                connection.execute(
                    f"INSERT INTO {name}.outbox (orchestration_id) VALUES (%s)", (request.orchestration_id,)
                )

        yield run


def copy(connection: psycopg.Connection[Any], schema: str, rows: list[Any]) -> None:
    with connection.cursor().copy(f"COPY {quoted(schema)}.jobs ({', '.join(COLUMNS)}) FROM STDIN") as into:
        for row in rows:
            into.write_row(row)


def executemany(connection: psycopg.Connection[Any], schema: str, rows: list[Any]) -> None:
    sql = f"INSERT INTO {quoted(schema)}.jobs ({', '.join(COLUMNS)}) VALUES (%s, %s, %s, %s, %s::jsonb)"
    with connection.cursor() as cursor:
        cursor.executemany(sql, rows)


@contextmanager
def by_asyncpg(settings: Settings, schema: str) -> Iterator[Run]:
    """The same transaction with asyncpg's own COPY, which is binary."""
    name = quoted(schema)
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(settings.require_database()))

        async def run() -> None:
            request = request_of()
            async with connection.transaction():
                await connection.execute(
                    f"INSERT INTO {name}.orchestrations ({', '.join(ORCHESTRATION)}) VALUES ($1, $2, $3)",
                    request.orchestration_id, request.idempotency_key, request.fingerprint,
                )  # fmt: skip
                await connection.copy_records_to_table(
                    "jobs", schema_name=schema, records=rows_of(request), columns=COLUMNS
                )
                await connection.execute(
                    f"INSERT INTO {name}.outbox (orchestration_id) VALUES ($1)", request.orchestration_id
                )

        yield lambda: runner.run(run())
        runner.run(connection.close())


@contextmanager
def package(name: str, settings: Settings, schema: str) -> Iterator[Run]:
    if name == "psycopg":
        with connect(settings, name, schema=schema) as store:
            yield lambda: store.create_jobs(request_of())
        return
    with asyncio.Runner() as runner:
        opened = connect_async(settings, name, schema=schema)
        yield lambda: runner.run(opened.create_jobs(request_of()))
        runner.run(opened.close())


WAYS: dict[str, tuple[str, Way]] = {
    "COPY": ("psycopg", partial(by_psycopg, copy)),
    "executemany": ("psycopg", partial(by_psycopg, executemany)),
    "copy_records_to_table": ("asyncpg", by_asyncpg),
}


@pytest.mark.parametrize("name", WAYS)
def test_bulk(
    name: str,
    settings: Settings,
    schema: str,
    benchmark: BenchmarkFixture,
    paired: Paired,
    say: Callable[[str], None],
) -> None:
    driver, way = WAYS[name]
    with ExitStack() as stack:
        ours = stack.enter_context(package(driver, settings, schema))
        theirs = stack.enter_context(way(settings, schema))
        ratio, ours_ms, theirs_ms = paired(ours, theirs, ROUNDS)
        benchmark.extra_info["ratio"] = ratio
        benchmark.pedantic(ours, rounds=3)
    say(f"{JOBS} jobs by {driver} {ours_ms:6.1f} ms, {name} {theirs_ms:6.1f} ms, ratio {ratio:.3f}")
