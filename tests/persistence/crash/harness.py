"""Kills applications at many instants, lets a relay finish, and counts what was lost and what came twice."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from repro.persistence import OrchestrationRequest, Settings
from repro.persistence.drivers import Driver
from repro.persistence.opening import connect
from repro.persistence.queue import read_back
from repro.persistence.schema import quoted
from repro.persistence.steps import Execute
from repro.persistence.transaction import single
from repro.persistence.transports import Transport
from tests.persistence.crash.zygote import Round, request_of

LAST_INSTANT = 60
"""More instants than a round of two keys has: some rounds are not killed, and must end well."""

LONGEST_S = 0.12
"""Seconds within which a child is killed that is killed at random; most would end later."""

DRAIN_S = 60.0

KINDS = [
    ("psycopg", "tcp"),
    ("async:asyncpg", "rest"),
    ("raw", "tcp"),
    ("neon_http", "rest"),
    ("sqlalchemy", "tcp"),
    ("async:psycopg", "tcp"),
    ("neon_websocket", "rest"),
    ("async:sqlalchemy", "rest"),
    ("async:neon_http", "tcp"),
]
"""Drivers and transports, in turn."""


@dataclass(frozen=True)
class Tally:
    """What became of the jobs.

    Args:
        rounds: how many applications ran.
        killed: how many of them were killed.
        jobs: how many jobs are in the database.
        lost: jobs that are saved, or were said to be, and are not in the queue.
        doubled: jobs that are in the queue more than once.
        disordered: orchestrations whose jobs are in the queue in another order.
        unknown: jobs in the queue that are not saved.
    """

    rounds: int
    killed: int
    jobs: int
    lost: int
    doubled: int
    disordered: int
    unknown: int


def placed(count: int, schema: str, queue_name: str, *, deduplicate: bool = True) -> list[Round]:
    """Rounds that are killed at one instant after the other, each kind of application in turn."""
    return [
        Round(*KINDS[number % len(KINDS)], _keys(number), schema, queue_name,
              kill_at=number * 7 % LAST_INSTANT + 1, deduplicate=deduplicate)
        for number in range(count)
    ]  # fmt: skip


def scattered(count: int, schema: str, queue_name: str, *, seed: int) -> list[Round]:
    """Rounds that are killed at random times."""
    chance = random.Random(seed)
    return [
        Round(*KINDS[number % len(KINDS)], _keys(10_000 + number), schema, queue_name,
              kill_after_s=chance.uniform(0, LONGEST_S))
        for number in range(count)
    ]  # fmt: skip


def _keys(number: int) -> list[str]:
    """Each key is created by two rounds: the second one repeats what the first may have been killed in."""
    return [f"round-{number - 1}", f"round-{number}"]


def crash(rounds: Sequence[Round], environment: Mapping[str, str]) -> tuple[int, set[str]]:
    """Run and kill them; how many were killed, and the keys whose creation was acknowledged."""
    killed, acknowledged = 0, set[str]()
    with _zygote(environment) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for each in rounds:
            process.stdin.write(json.dumps(asdict(each)) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
            assert line, "the zygote has ended"
            ended = json.loads(line)
            killed += ended["killed"]
            acknowledged |= set(ended["acknowledged"])
    return killed, acknowledged


@contextmanager
def _zygote(environment: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, Path(__file__).with_name("zygote.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    ) as process:
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(dict(environment)) + "\n")
            process.stdin.flush()
            yield process
            process.stdin.close()
            process.wait(60)
        finally:
            process.kill()


def drain(settings: Settings, observer: Driver, schema: str, queue_name: str) -> None:
    """Relay until nothing is pending; leases of the killed have to run out first."""
    pending = f"SELECT count(*)::int FROM {quoted(schema)}.outbox WHERE pushed_at IS NULL"
    due = time.monotonic() + DRAIN_S
    with connect(settings, queue_name=queue_name, schema=schema) as store:
        while _rows(observer, pending)[0][0]:
            assert time.monotonic() < due, "something stays pending"
            store.push_pending(lease_s=1)


def tally(
    rounds: int, killed: int, acknowledged: set[str], observer: Driver, transport: Transport, schema: str,
    queue_name: str,
) -> Tally:  # fmt: skip
    """Compare the database, the queue, and what applications were told."""
    saved = [str(row[0]) for row in _rows(observer, f"SELECT id::text FROM {quoted(schema)}.jobs")]
    queued = transport.run(read_back(queue_name))
    requests = [request_of(key) for key in acknowledged]
    promised = {job for request in requests for job in request.job_ids}
    return Tally(
        rounds=rounds,
        killed=killed,
        jobs=len(saved),
        lost=len((set(saved) | promised) - set(queued)),
        doubled=sum(1 for count in Counter(queued).values() if count > 1),
        disordered=sum(1 for request in requests if not _in_order(request, queued)),
        unknown=len(set(queued) - set(saved)),
    )


def _in_order(request: OrchestrationRequest, queued: Sequence[str]) -> bool:
    own = set(request.job_ids)
    return [job for job in queued if job in own] == list(request.job_ids)


def _rows(observer: Driver, sql: str) -> list[Any]:
    return list(observer.run(single(Execute(sql))))
