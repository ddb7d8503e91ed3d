"""What docs/persistence.md says: its programs run, its SQL works, its tables are those of the code."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import re
import subprocess
import sys
import threading
import types
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import redis
from psycopg import sql

from repro import persistence
from repro.lab.process import Lab
from repro.persistence import Job, OrchestrationRequest, PersistenceError, Settings, Timeouts, connect
from repro.persistence.relay import DEFAULT_LEASE_S

PAGE = (Path(__file__).parents[2] / "docs" / "persistence.md").read_text(encoding="utf-8")
PROGRAMS = dict(re.findall(r"```python\n# (\w+)\.py\n(.*?)```", PAGE, re.DOTALL))


def migration(*arguments: str) -> str:
    command = [sys.executable, "-m", "repro.persistence", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


@pytest.fixture
def url(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A database URL with the tables in its first schema, and an environment with it and the queue."""
    name = f"page_{uuid.uuid4().hex}"
    given = lab.environment["DATABASE_URL"]
    with psycopg.connect(given, autocommit=True) as connection:
        connection.execute(migration("--schema", name))
        for variable, value in lab.environment.items():
            monkeypatch.setenv(variable, value)
        monkeypatch.setenv("DATABASE_URL", given)
        yield name
        connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)))


@pytest.fixture
def tables(url: str, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> str:
    """The same, where programs that know of no schema find the tables."""
    monkeypatch.setenv("PGOPTIONS", f"-c search_path={url}")
    return url


@pytest.fixture
def queue(lab: Lab) -> Iterator[redis.Redis]:
    """The queue, empty before and after."""
    with closing(redis.Redis.from_url(lab.plain["UPSTASH_REDIS_URL"], decode_responses=True)) as client:
        yield client
        for key in [*client.scan_iter("jobs"), *client.scan_iter("{jobs}*")]:
            client.delete(key)


def program(name: str, schema: str = "public") -> dict[str, Any]:
    """Run a program of the page; the names it leaves. A store that it opens has its tables in a schema."""
    text = PROGRAMS[name]
    for opened in ('"asyncpg")', '"psycopg")', "borrowing_from(pool))"):
        text = text.replace(opened, f'{opened[:-1]}, schema="{schema}")')
    module = types.ModuleType(name)
    exec(compile(text, f"{name}.py", "exec"), module.__dict__)
    return module.__dict__


def test_a_handler_creates_once_and_says_what_happened(url: str) -> None:
    names = program("api", url)

    async def ask(client: httpx.AsyncClient, key: str, jobs: list[Any]) -> httpx.Response:
        return await client.post("/orchestrations", json=jobs, headers={"Idempotency-Key": key})

    async def scenario() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app=names["app"])
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            answers = [
                await ask(client, "one", [{"n": 1}, {"n": 2}]),
                await ask(client, "one", [{"n": 1}, {"n": 2}]),
                await ask(client, "one", [{"n": 3}]),
            ]
        await names["store"].close()
        return answers

    first, second, other = asyncio.run(scenario())
    assert (first.status_code, second.status_code, other.status_code) == (201, 200, 422)
    assert (first.json()["status"], second.json()["status"]) == ("created", "already_created")
    assert first.json()["ids"] == second.json()["ids"]


def test_relay_and_worker_do_every_job_also_after_a_death(tables: str, queue: redis.Redis) -> None:
    request = OrchestrationRequest("one", [Job("render", {"n": n}) for n in range(3)])
    with connect(Settings.from_environment(os.environ), schema=tables) as store:
        store.create_jobs(request)
    stop = threading.Event()
    relaying = threading.Thread(target=program("relay", tables)["relay"], args=(stop,))
    relaying.start()
    seen: list[tuple[str, str, Any]] = []

    def handle(job_id: str, kind: str, payload: Any) -> None:
        seen.append((job_id, kind, payload))
        if len(seen) == 2:
            raise RuntimeError("died at work")

    work = program("worker")["work"]
    try:
        with pytest.raises(RuntimeError, match="died at work"):
            work_until_it_dies(work, handle)
        assert queue.lrange("{jobs}:taken:one", 0, -1) == [request.job_ids[1]]
        assert work(handle, name="one") == 2
    finally:
        stop.set()
        relaying.join(30)
    assert [job_id for job_id, _, _ in seen] == [*request.job_ids[:2], *request.job_ids[1:]]
    assert seen[0][1:] == ("render", {"n": 0})
    assert queue.lrange("{jobs}:taken:one", 0, -1) == []


def work_until_it_dies(work: Any, handle: Any) -> None:
    """It returns when the queue is empty, which it is until the relay has pushed."""
    while True:
        work(handle, name="one")


def test_an_applications_own_connection_serves(url: str) -> None:
    names = program("own_connection")
    with closing(names["connection"]) as connection:
        assert isinstance(connection, psycopg.Connection)
        names["store"].close()
        assert not connection.closed, "it stays the application's"


def test_an_applications_own_pool_serves(url: str) -> None:
    wanted = OrchestrationRequest(f"key-{uuid.uuid4()}", [Job("render", {})])
    assert asyncio.run(program("own_pool", url)["save"](wanted)) == wanted.job_ids


def test_the_schema_can_be_applied_again_and_to_public(url: str, lab: Lab) -> None:
    with psycopg.connect(lab.environment["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(migration("--schema", url))
    assert "public.jobs" in migration().replace('"', "")
    assert "CREATE SCHEMA" not in migration()


@pytest.mark.parametrize("name", ["", "pg_temp", "x" * 64])
def test_what_is_no_schema_is_one_line(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "repro.persistence", "--schema", name],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert "error: --schema: " in done.stderr
    assert "Traceback" not in done.stderr


def test_cleaning_up_takes_what_is_done_with_and_old(url: str, lab: Lab, queue: redis.Redis) -> None:
    (cleaning,) = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
    with connect(Settings.from_environment(os.environ), schema=url) as store:
        store.create_jobs(OrchestrationRequest("old", [Job("render", {})]))
        store.push_pending()
        store.create_jobs(OrchestrationRequest("pending", [Job("render", {})]))
    with psycopg.connect(lab.environment["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(url)))
        connection.execute(
            "UPDATE outbox SET pushed_at = now() - interval '31 days' WHERE pushed_at IS NOT NULL"
        )
        connection.execute(cleaning)
        assert connection.execute("SELECT idempotency_key FROM orchestrations").fetchall() == [("pending",)]
        assert connection.execute("SELECT count(*) FROM jobs").fetchone() == (1,)


def test_the_rights_it_names_are_enough() -> None:
    (rights,) = re.findall(r"- \*\*Rights:\*\* (.*)", PAGE)
    assert re.findall(r"`([^`]+)`", rights) == ["USAGE", "SELECT", "INSERT", "UPDATE", "outbox"]


def test_every_error_and_every_timeout_is_in_its_table() -> None:
    errors = {
        name
        for name in persistence.__all__
        if isinstance(found := getattr(persistence, name), type) and issubclass(found, PersistenceError)
    }
    rows = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    assert errors - {"PersistenceError"} <= set(rows)
    defaults = {
        name: float(value) for name, value in re.findall(r"^\| `(\w+_s)` \| ([\d.]+) \|", PAGE, re.MULTILINE)
    }
    assert defaults == dataclasses.asdict(Timeouts())
    assert f"lease_s={DEFAULT_LEASE_S}" in PAGE
