"""A COMMIT whose answer was lost."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from urllib.parse import urlsplit

from repro.lab.faults import (
    Cut,
    Fault,
    FaultRelay,
    Silence,
    after_commit_was_applied,
    answer_lost,
    before_commit_arrives,
)
from repro.lab.process import Lab
from repro.lab.scenarios.scenario import Scenario, Scene, Stage
from repro.lab.scenarios.targets import DATABASE, database_behind, of_the_lab


def _endpoint_behind(fault: Fault) -> Stage:
    """The lab's SQL over HTTP behind a relay with a fault in it, without TLS."""

    @contextlib.contextmanager
    def stage(lab: Lab) -> Iterator[Scene]:
        endpoint = urlsplit(lab.plain["NEON_FETCH_ENDPOINT"])
        with FaultRelay(("127.0.0.1", endpoint.port or 0), fault) as relay:
            changed = f"http://127.0.0.1:{relay.port}{endpoint.path}"
            yield of_the_lab(lab, *DATABASE, NEON_FETCH_ENDPOINT=changed)

    return stage


_BATCH = b"queries"

SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        name="ca-commit-ack-lost",
        cause="ca-commit-ack-lost",
        title="the connection ends after COMMIT was applied and before its answer",
        stage=database_behind(after_commit_was_applied(Cut(), times=None)),
        only=("tcp.*", "orm.sqlalchemy-psycopg"),
        proof="confirmed",
    ),
    Scenario(
        name="ca-commit-ack-lost-reset",
        cause="ca-commit-ack-lost",
        title="the connection is reset before COMMIT arrives, which reads the same",
        stage=database_behind(before_commit_arrives(Cut(reset=True), times=None)),
        only=("tcp.raw", "tcp.psycopg", "tcp.asyncpg"),
        proof="confirmed",
    ),
    Scenario(
        name="ca-commit-hang",
        cause="ca-commit-hang",
        title="COMMIT is applied, and its answer never comes",
        stage=database_behind(after_commit_was_applied(Silence(), times=None)),
        only=("tcp.psycopg", "tcp.raw"),
        proof="confirmed",
    ),
    Scenario(
        name="ca-http-response-lost",
        cause="ca-http-response-lost",
        title="SQL over HTTP is carried out, and its answer is lost",
        stage=_endpoint_behind(answer_lost(_BATCH, Cut(), times=None)),
        only=("http.neon", "tcp.psycopg"),
        explains=("http.neon",),
        proof="confirmed",
    ),
    Scenario(
        name="ca-http-response-lost-node",
        cause="ca-http-response-lost",
        title="the same with Neon's own package",
        stage=_endpoint_behind(answer_lost(_BATCH, Cut(), times=None)),
        only=("node.neon-http", "tcp.psycopg"),
        explains=("node.neon-http",),
        proof="confirmed",
    ),
)
