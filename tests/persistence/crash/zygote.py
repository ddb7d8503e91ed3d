"""Runs applications that are killed: reads one round a line, forks a child for it, and says how it ended.

It is a program of its own with one thread, so that it may fork; all that a child needs is imported before.
The first line on standard input is the environment, each other one a `Round`. For each round there is one
line on standard output: the keys whose creation the child was told to have worked, and whether it was killed.
"""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import sys
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

from repro.persistence import Job, OrchestrationRequest, Settings, queue
from repro.persistence.opening import connect, connect_async
from repro.persistence.pool import AsyncPool, Pool
from repro.persistence.store import AsyncOrchestrationPersistence, OrchestrationPersistence

CHILD_S = 60.0
"""Seconds that a child may live."""

JOBS = 3

WITHOUT_DEDUPLICATION = """\
for i = 2, #ARGV do redis.call('RPUSH', KEYS[1], ARGV[i]) end
return #ARGV - 1"""


@dataclass(frozen=True)
class Round:
    """One application that creates, relays, and is killed.

    Args:
        driver: of `repro.persistence.opening`; one with ``async:`` before it is awaited.
        transport: ``tcp`` or ``rest``.
        keys: what it creates, each with its push.
        schema: where the tables are.
        queue_name: the list's key.
        kill_at: the instant, counted over all steps: twice a step, before and after it. None: never.
        kill_after_s: seconds after its start instead.
        deduplicate: False for a push that queues whatever it is given.
    """

    driver: str
    transport: str
    keys: list[str]
    schema: str
    queue_name: str
    kill_at: int | None = None
    kill_after_s: float | None = None
    deduplicate: bool = True


@dataclass
class Fate:
    """Counts instants, and kills this process at one of them."""

    at: int | None
    seen: int = field(default=0)

    def instant(self) -> None:
        self.seen += 1
        if self.seen == self.at:
            os.kill(os.getpid(), signal.SIGKILL)

    def mortal(self, generator: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        """The same, with an instant before and after each of its steps."""
        try:
            step = next(generator)
            while True:
                self.instant()
                try:
                    answer = yield step
                except Exception as error:  # noqa: BLE001 - it belongs to the generator
                    step = generator.throw(error)
                else:
                    self.instant()
                    step = generator.send(answer)
        except StopIteration as done:
            return done.value


def main() -> None:
    environment = json.loads(sys.stdin.readline())
    os.environ.update(environment)
    for line in sys.stdin:
        sys.stdout.write(json.dumps(run_round(Round(**json.loads(line)))) + "\n")
        sys.stdout.flush()


def run_round(each: Round) -> dict[str, Any]:
    """Fork a child for a round and see it end."""
    acknowledged, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(acknowledged)
        live(each, write)
    os.close(write)
    with open(acknowledged, "rb") as pipe:  # noqa: PTH123 - a descriptor
        _end(pid, each.kill_after_s)
        keys = pipe.read().decode().split()
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    if code not in {0, -signal.SIGKILL}:
        raise SystemExit(f"a child ended with {code}: {each}")
    return {"acknowledged": keys, "killed": code != 0}


def _end(pid: int, after_s: float | None) -> None:
    """Wait for a child's end, and kill it when its time has come."""
    pidfd = os.pidfd_open(pid)
    try:
        ended, _, _ = select.select([pidfd], [], [], CHILD_S if after_s is None else after_s)
        if not ended:
            os.kill(pid, signal.SIGKILL)
    finally:
        os.close(pidfd)


def live(each: Round, acknowledge: int) -> None:
    """The application; it never returns."""
    code = 1
    try:
        if not each.deduplicate:
            queue.PUSH_SCRIPT = WITHOUT_DEDUPLICATION
        fate = Fate(each.kill_at)
        awaited, _, driver = each.driver.rpartition(":")
        if awaited:
            asyncio.run(_live_async(each, driver, fate, acknowledge))
        else:
            _live(each, driver, fate, acknowledge)
        code = 0
    finally:
        os._exit(code)


class _Mortal:
    """A pool, sync or awaited, whose users die at an instant."""

    def __init__(self, pool: Pool | AsyncPool, fate: Fate) -> None:
        self._pool, self._fate = pool, fate
        self.close = pool.close

    def run(self, generator: Generator[Any, Any, Any]) -> Any:
        return self._pool.run(self._fate.mortal(generator))


def _doomed(store: Any, fate: Fate) -> Any:
    store._database, store._queue = _Mortal(store._database, fate), _Mortal(store._queue, fate)
    return store


def _settings(transport: str) -> Settings:
    other = "UPSTASH_REDIS_REST" if transport == "tcp" else "UPSTASH_REDIS_URL"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(other)}
    return Settings.from_environment(kept)


def request_of(key: str) -> OrchestrationRequest:
    return OrchestrationRequest(key, [Job("render", {"n": number}) for number in range(JOBS)])


def _live(each: Round, driver: str, fate: Fate, acknowledge: int) -> None:
    opened = connect(_settings(each.transport), driver, queue_name=each.queue_name, schema=each.schema)
    store: OrchestrationPersistence = _doomed(opened, fate)
    for key in each.keys:
        store.create_jobs(request_of(key))
        os.write(acknowledge, f"{key}\n".encode())
        store.push_pending(lease_s=1)
    store.close()


async def _live_async(each: Round, driver: str, fate: Fate, acknowledge: int) -> None:
    opened = connect_async(_settings(each.transport), driver, queue_name=each.queue_name, schema=each.schema)
    store: AsyncOrchestrationPersistence = _doomed(opened, fate)
    for key in each.keys:
        await store.create_jobs(request_of(key))
        os.write(acknowledge, f"{key}\n".encode())
        await store.push_pending(lease_s=1)
    await store.close()


def _warm_up() -> None:
    """Import what children use, so that they need not."""
    nowhere = Settings(database_url="postgresql://x@localhost:1/x", redis_url="redis://localhost:1",
                       rest_url="http://localhost:1", rest_token="x")  # fmt: skip
    for driver in ("psycopg", "sqlalchemy", "neon_http", "neon_websocket", "raw"):
        connect(nowhere, driver)
    for driver in ("asyncpg", "psycopg", "sqlalchemy", "neon_http"):
        connect_async(nowhere, driver)


if __name__ == "__main__":
    _warm_up()
    main()
