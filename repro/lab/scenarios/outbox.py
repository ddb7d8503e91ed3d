"""The database and the queue, written one after the other."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

from repro.lab.faults import Cut, Fault, RespReply
from repro.lab.process import Lab
from repro.lab.scenarios.redis_tcp import queue_behind
from repro.lab.scenarios.scenario import Scenario, Scene
from repro.lab.scenarios.targets import DATABASE, QUEUE, of_the_lab, url


@contextlib.contextmanager
def _both(lab: Lab) -> Iterator[Scene]:
    yield of_the_lab(lab, *DATABASE, *QUEUE, UPSTASH_REDIS_URL=lab.plain["UPSTASH_REDIS_URL"])


@contextlib.contextmanager
def _without_the_queue(lab: Lab) -> Iterator[Scene]:
    """The database is well, and nothing listens at the queue's address."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        gone = url(lab.plain["UPSTASH_REDIS_URL"], host="127.0.0.1", port=held.getsockname()[1])
        yield of_the_lab(lab, *DATABASE, *QUEUE, UPSTASH_REDIS_URL=gone)


SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        name="ob-fallback-duplicate",
        cause="ob-fallback-duplicate",
        title="the answer to a push over Redis TCP is lost, and the application pushes again over REST",
        stage=queue_behind(Fault(lambda: RespReply("RPUSH", "EVAL"), Cut(), times=None)),
        only=("specimen.fallback-push",),
        proof="confirmed",
    ),
    Scenario(
        name="ob-push-before-commit",
        cause="ob-push-before-commit",
        title="the jobs are pushed inside a transaction that then fails",
        stage=_both,
        only=("specimen.push-before-commit",),
        proof="confirmed",
    ),
    Scenario(
        name="ob-commit-then-push-lost",
        cause="ob-commit-then-push-lost",
        title="the transaction commits, and the push after it does not reach the queue",
        stage=_without_the_queue,
        only=("specimen.commit-then-push",),
        proof="confirmed",
    ),
)
