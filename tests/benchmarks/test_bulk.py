"""Ten thousand jobs in one call, against COPY and executemany into the same tables."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from repro.persistence import Job, OrchestrationRequest, Settings, connect
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


def around(connection: psycopg.Connection[Any], schema: str, insert: Callable[[list[Any]], None]) -> None:
    """The same transaction, its jobs inserted in another way."""
    request, name = request_of(), quoted(schema)
    with connection.transaction():
        connection.execute(
            f"INSERT INTO {name}.orchestrations (id, idempotency_key, fingerprint) VALUES (%s, %s, %s)",
            (request.orchestration_id, request.idempotency_key, request.fingerprint),
        )
        insert(rows_of(request))
        connection.execute(
            f"INSERT INTO {name}.outbox (orchestration_id) VALUES (%s)", (request.orchestration_id,)
        )


def by_copy(connection: psycopg.Connection[Any], schema: str) -> None:
    def insert(rows: list[Any]) -> None:
        columns = "id, orchestration_id, position, kind, payload"
        with connection.cursor().copy(f"COPY {quoted(schema)}.jobs ({columns}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)

    around(connection, schema, insert)


def by_executemany(connection: psycopg.Connection[Any], schema: str) -> None:
    def insert(rows: list[Any]) -> None:
        sql = f"INSERT INTO {quoted(schema)}.jobs (id, orchestration_id, position, kind, payload)"
        with connection.cursor() as cursor:
            cursor.executemany(f"{sql} VALUES (%s, %s, %s, %s, %s::jsonb)", rows)

    around(connection, schema, insert)


@pytest.mark.parametrize(("name", "way"), [("COPY", by_copy), ("executemany", by_executemany)])
def test_bulk(
    name: str,
    way: Callable[[psycopg.Connection[Any], str], None],
    settings: Settings,
    schema: str,
    benchmark: BenchmarkFixture,
    paired: Paired,
    say: Callable[[str], None],
) -> None:
    with (
        connect(settings, "psycopg", schema=schema) as store,
        psycopg.connect(settings.require_database(), autocommit=True) as connection,
    ):
        ratio, ours_ms, theirs_ms = paired(
            lambda: store.create_jobs(request_of()), lambda: way(connection, schema), ROUNDS
        )
        benchmark.extra_info["ratio"] = ratio
        benchmark.pedantic(lambda: store.create_jobs(request_of()), rounds=3)
    say(f"{JOBS} jobs {ours_ms:6.1f} ms, {name} {theirs_ms:6.1f} ms, ratio {ratio:.3f}")
