"""Serverless drivers before a database that is not theirs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from repro.lab.faults.fronts import refusing_logins
from repro.lab.faults.servers import Handler, answering, error_of_neon, hanging_up, serving
from repro.lab.listeners import is_free
from repro.lab.process import Lab
from repro.lab.scenarios.scenario import Scenario, Scene, Stage
from repro.lab.scenarios.targets import database_served_by, of_the_lab, url

_HTTPS_PORT = 443
_JSON = "application/json"
_LIMIT = "Too many connections attempts"
_QUOTA = "Your account or project has exceeded the compute time quota. Upgrade your plan to increase limits."


@contextlib.contextmanager
def _as_it_stands(lab: Lab) -> Iterator[Scene]:
    """The lab's Postgres, and nothing that points serverless drivers to a gateway."""
    yield of_the_lab(lab, "DATABASE_URL", "POSTGRES_URL")


@contextlib.contextmanager
def _by_address(lab: Lab) -> Iterator[Scene]:
    changed = url(lab.environment["DATABASE_URL"], host="127.0.0.1", query="sslmode=disable")
    yield of_the_lab(lab, DATABASE_URL=changed, POSTGRES_URL=changed)


def _endpoint_served_by(handler: Handler) -> Stage:
    """The lab's Postgres, and something else where its SQL over HTTP should be."""

    @contextlib.contextmanager
    def stage(lab: Lab) -> Iterator[Scene]:
        with serving(handler) as port:
            there = f"http://127.0.0.1:{port}/sql"
            yield of_the_lab(lab, "DATABASE_URL", "POSTGRES_URL", NEON_FETCH_ENDPOINT=there)

    return stage


def _lacks_443() -> str | None:
    return None if is_free(_HTTPS_PORT) else "something listens on port 443 of this machine"


_HTTP = ("tcp.psycopg", "http.neon")

_NODE_SERVERLESS = ("node.drizzle-vercel-sql", "node.drizzle-vercel-pool", "node.vercel", "node.neon-http")

SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        name="sl-localhost-443",
        cause="sl-localhost-443",
        title="serverless drivers are given the URL of a local Postgres",
        stage=_as_it_stands,
        only=("tcp.psycopg", "http.neon", "ws.neon"),
        explains=("http.neon", "ws.neon"),
        proof="confirmed",
        lacks=_lacks_443,
    ),
    Scenario(
        name="sl-localhost-443-node",
        cause="sl-localhost-443",
        title="drizzle-orm on @vercel/postgres is given the URL of a local Postgres",
        stage=_as_it_stands,
        only=("node.pg", *_NODE_SERVERLESS),
        explains=_NODE_SERVERLESS,
        proof="confirmed",
        lacks=_lacks_443,
    ),
    Scenario(
        name="sl-derived-endpoint",
        cause="sl-derived-endpoint",
        title="SQL over HTTP is given a literal address",
        stage=_by_address,
        only=_HTTP,
        explains=("http.neon",),
        proof="confirmed",
    ),
    Scenario(
        name="sl-derived-endpoint-node",
        cause="sl-derived-endpoint",
        title="@neondatabase/serverless over HTTP is given a literal address",
        stage=_by_address,
        only=("node.pg", "node.neon-http"),
        explains=("node.neon-http",),
        proof="confirmed",
    ),
    Scenario(
        name="sl-rate-limited",
        cause="sl-rate-limited",
        title="Neon's proxy answers 429",
        stage=_endpoint_served_by(answering("429 Too Many Requests", f'{{"message":"{_LIMIT}"}}', _JSON)),
        only=(*_HTTP, "node.neon-http"),
        explains=("http.neon", "node.neon-http"),
        proof="confirmed",
    ),
    Scenario(
        name="sl-quota",
        cause="sl-quota",
        title="Neon's control plane refuses for a quota, over HTTP",
        stage=_endpoint_served_by(answering("402 Payment Required", f'{{"message":"{_QUOTA}"}}', _JSON)),
        only=(*_HTTP, "node.neon-http"),
        explains=("http.neon", "node.neon-http"),
        proof="confirmed",
    ),
    Scenario(
        name="sl-quota-tcp",
        cause="sl-quota",
        title="Neon's control plane refuses for a quota, over TCP",
        stage=database_served_by(refusing_logins(error_of_neon(_QUOTA))),
        only=("tcp.raw", "tcp.psycopg", "tcp.asyncpg"),
        proof="confirmed",
    ),
    Scenario(
        name="sl-fetch-dropped",
        cause="sl-fetch-dropped",
        title="what should be Neon's endpoint ends every connection",
        stage=_endpoint_served_by(hanging_up),
        only=(*_HTTP, "node.neon-http"),
        explains=("http.neon", "node.neon-http"),
        proof="confirmed",
    ),
)
