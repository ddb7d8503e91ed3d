"""Servers that are stopped, killed and started again: what was promised before is there after it, once.

They are the tests' own, so that a role with few rights can be made on them too.
"""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

from repro.lab.account import unprivileged_account
from repro.lab.certificates import issue
from repro.lab.folders import LabFolder, data_parent
from repro.lab.guard import Guard
from repro.lab.postgres import Postgres
from repro.lab.postgres_binaries import find_postgres, for_account
from repro.lab.valkey import Valkey, find_valkey
from repro.persistence import (
    Job,
    OrchestrationPersistence,
    OrchestrationRequest,
    PersistenceError,
    Pool,
    Pushed,
    Settings,
    Timeouts,
    connect,
)
from repro.persistence.carrier import Carrier
from repro.persistence.drivers import Driver, raw
from repro.persistence.queue import read_back
from repro.persistence.schema import statements
from repro.persistence.steps import Begin, Commit, Execute, Rows, Transaction
from repro.persistence.transaction import count_jobs, single
from repro.persistence.transports import redis_tcp

PATIENT = Timeouts(settle_s=30.0)
QUEUE = "jobs"


@dataclass
class Servers:
    """Servers of the test's own; their event loop runs only while something is asked of it."""

    runner: asyncio.Runner
    postgres: Postgres
    valkey: Valkey

    def do(self, work: Coroutine[Any, Any, None]) -> None:
        self.runner.run(work)

    @property
    def settings(self) -> Settings:
        return Settings(
            database_url=f"{self.postgres.url}?sslmode=disable",
            redis_url=self.valkey.plain_url,
            timeouts=PATIENT,
        )


def tables() -> Transaction[None]:
    yield Begin()
    for sql in statements("public"):
        yield Execute(sql)
    yield Commit()


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Postgres and a durable Valkey."""
    account = unprivileged_account()
    folder = LabFolder.create(data_parent(shared=account is not None))
    guard = Guard.start()
    guard.folder(folder.path)
    programs = folder.path / "programs"
    programs.mkdir()
    where: dict[str, Any] = {"addresses": ("127.0.0.1",), "guard": guard}
    postgres = Postgres(
        for_account(find_postgres(), account, programs), folder=folder.path / "pg", account=account, **where
    )
    valkey = Valkey(find_valkey(), folder=folder.path / "valkey", durable=True, **where)
    certificates = issue(["127.0.0.1"])

    async def start() -> None:
        postgres.begin()
        valkey.begin()
        await postgres.ready(certificates)
        await valkey.ready(certificates.write(Path(tmp_path_factory.mktemp("tls"))))

    async def stop() -> None:
        await asyncio.gather(postgres.stop(), valkey.stop())

    with asyncio.Runner() as runner:
        try:
            runner.run(start())
            with closing(raw.connect(f"{postgres.url}?sslmode=disable")) as driver:
                driver.run(tables())
            yield Servers(runner, postgres, valkey)
        finally:
            runner.run(stop())
            folder.remove()
            guard.dismiss()


@pytest.fixture(params=["psycopg", "raw", "sqlalchemy"])
def store(request: pytest.FixtureRequest, servers: Servers) -> Iterator[OrchestrationPersistence]:
    with connect(servers.settings, request.param, queue_name=QUEUE) as opened:
        yield opened


def request_of(jobs: int = 3) -> OrchestrationRequest:
    return OrchestrationRequest(f"key-{uuid.uuid4()}", [Job("render", {"n": n}) for n in range(jobs)])


def taken(servers: Servers) -> list[str]:
    """All that is queued; the queue is empty afterwards."""
    with closing(redis_tcp.connect(servers.valkey.plain_url)) as transport:
        found = transport.run(read_back(QUEUE))
        transport._client.delete(QUEUE)
    return found


@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
def test_what_was_created_outlives_postgres(
    servers: Servers, store: OrchestrationPersistence, *, kill: bool
) -> None:
    first, second = request_of(), request_of()
    assert store.create_jobs(first).status == "created"
    servers.do(servers.postgres.restart(kill=kill))
    assert store.create_jobs(first).status == "already_created"
    assert store.create_jobs(second).status == "created"
    assert store.push_pending() == Pushed(2, 6, 6)
    assert taken(servers) == [*first.job_ids, *second.job_ids]


@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
def test_what_was_queued_outlives_a_durable_valkey_and_comes_once(
    servers: Servers, store: OrchestrationPersistence, *, kill: bool
) -> None:
    request = request_of()
    store.create_jobs(request)
    assert store.push_pending() == Pushed(1, 3, 3)
    servers.do(servers.valkey.restart(kill=kill))
    with closing(redis_tcp.connect(servers.valkey.plain_url)) as transport:
        assert transport.run(read_back(QUEUE)) == list(request.job_ids)
    later = request_of()
    store.create_jobs(later)
    assert store.push_pending() == Pushed(1, 3, 3)
    assert taken(servers) == [*request.job_ids, *later.job_ids]


class Worker(threading.Thread):
    """Creates and pushes until it is told to stop; what fails is done again, as a caller would."""

    def __init__(self, store: OrchestrationPersistence) -> None:
        super().__init__()
        self.created: list[OrchestrationRequest] = []
        self.failures = 0
        self.busy = threading.Event()
        self._store = store
        self._stop_now = threading.Event()

    def run(self) -> None:
        while not self._stop_now.is_set():
            request = request_of(2)
            self._until_done(lambda wanted=request: self._store.create_jobs(wanted))
            self.created.append(request)
            self._until_done(self._store.push_pending)
            if len(self.created) >= 5:
                self.busy.set()

    def _until_done(self, call: Any) -> None:
        due = time.monotonic() + 60
        while time.monotonic() < due:
            try:
                call()
            except PersistenceError:
                self.failures += 1
            else:
                return
        raise AssertionError("it never works")

    def stop(self) -> None:
        self._stop_now.set()
        self.join(120)
        assert not self.is_alive()


@pytest.mark.parametrize("server", ["postgres", "valkey"])
@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
def test_in_the_middle_of_work_nothing_is_lost_and_nothing_comes_twice(
    servers: Servers, store: OrchestrationPersistence, server: str, *, kill: bool
) -> None:
    worker = Worker(store)
    worker.start()
    try:
        for _ in range(3):
            worker.busy.clear()
            assert worker.busy.wait(60)
            servers.do(getattr(servers, server).restart(kill=kill))
    finally:
        worker.stop()
    store.push_pending()
    queued = taken(servers)
    assert queued == [job for request in worker.created for job in request.job_ids]


def test_the_rights_that_the_page_names_are_enough(servers: Servers) -> None:
    """``docs/persistence.md`` names them."""
    with psycopg.connect(**servers.postgres._superuser() | {"dbname": "app"}, autocommit=True) as superuser:
        superuser.execute("CREATE ROLE limited LOGIN PASSWORD 'word'")
        superuser.execute("GRANT USAGE ON SCHEMA public TO limited")
        superuser.execute("GRANT SELECT, INSERT ON orchestrations, jobs, outbox TO limited")
        superuser.execute("GRANT UPDATE ON outbox TO limited")
    url = f"postgresql://limited:word@127.0.0.1:{servers.postgres.port}/app?sslmode=disable"
    request = request_of()
    with connect(replace(servers.settings, database_url=url), queue_name=QUEUE) as limited:
        assert limited.create_jobs(request).status == "created"
        assert limited.create_jobs(request).status == "already_created"
        assert limited.push_pending() == Pushed(1, 3, 3)
    assert taken(servers) == list(request.job_ids)


class CrashesAtCommit:
    """A driver under which the server is killed when COMMIT is about to be sent.

    Args:
        inner: a connected driver.
        crash: is told the rows of the last statement.
    """

    def __init__(self, inner: Driver, crash: Callable[[Rows], None]) -> None:
        self._inner, self._crash = inner, crash
        self.server, self.not_sent, self.not_reached = inner.server, inner.not_sent, inner.not_reached
        self.close = inner.close

    @property
    def usable(self) -> bool:
        return self._inner.usable

    def run(self, generator: Generator[Any, Any, Any]) -> Any:
        return self._inner.run(self._crashing(generator))

    def _crashing(self, generator: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        answer = Rows()
        try:
            step = next(generator)
            while True:
                if isinstance(step, Commit):
                    self._crash(answer)
                try:
                    answer = yield step
                except Exception as error:  # noqa: BLE001 - it belongs to the generator
                    step = generator.throw(error)
                else:
                    step = generator.send(answer)
        except StopIteration as done:
            return done.value


@pytest.fixture
def sluggish(servers: Servers) -> Iterator[str]:
    """The URL of a server that writes its log late: what was not committed is lost with a crash."""
    url = f"{servers.postgres.url}?sslmode=disable"

    def alter(*settings: str) -> None:
        with psycopg.connect(**servers.postgres._superuser(), autocommit=True) as connection:
            for setting in settings:
                connection.execute(f"ALTER SYSTEM {setting}")
            connection.execute("SELECT pg_reload_conf()")

    alter("SET wal_writer_delay = '10s'", "SET bgwriter_delay = '10s'")
    yield url
    alter("RESET wal_writer_delay", "RESET bgwriter_delay")


def test_a_transaction_id_that_a_crash_has_given_to_another_proves_nothing(
    servers: Servers, sluggish: str
) -> None:
    given_to_another = list[int]()

    def next_id() -> int:
        with closing(raw.connect(sluggish)) as driver:
            return int(driver.run(single(Execute("SELECT txid_current()::text")))[0][0] or 0)

    def crash(entered: Rows) -> None:
        in_doubt = int(entered[0][0] or 0)
        servers.do(servers.postgres.restart(kill=True))
        given = next_id()
        assert given <= in_doubt, "the log was written before the crash: this run proves nothing"
        while given < in_doubt:
            given = next_id()
        given_to_another.append(given)

    opened = count()

    def opener() -> Carrier:
        driver = raw.connect(sluggish)
        return CrashesAtCommit(driver, crash) if next(opened) == 0 else driver

    pool = Pool(opener)
    request = request_of()
    with closing(OrchestrationPersistence(pool, timeouts=PATIENT)) as store:
        store.create_jobs(request)
    assert len(given_to_another) == 1
    with closing(raw.connect(sluggish)) as driver:
        assert driver.run(count_jobs(request.orchestration_id)) == 3
