"""Settings, and what each driver makes of them."""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import Iterator
from urllib.parse import urlsplit

from repro.lab.faults.servers import relaying, serving
from repro.lab.process import Lab
from repro.lab.scenarios.scenario import Scenario, Scene, Stage
from repro.lab.scenarios.targets import DATABASE, of_the_lab, url, with_database_url

_OTHER_LOOPBACK = "127.0.0.77"
"""On Linux the whole of 127.0.0.0/8 is loopback, so that 5432 is free there."""


def _without_tls(**environment: str) -> Stage:
    """The lab's Postgres as one that has no TLS, with something in the environment."""

    @contextlib.contextmanager
    def stage(lab: Lab) -> Iterator[Scene]:
        direct = lab.environment["DATABASE_URL"]
        with serving(relaying(urlsplit(direct).port or 0, tls=False)) as port:
            changed = url(direct, host="127.0.0.1", port=port, query="")
            scene = of_the_lab(lab, *DATABASE, DATABASE_URL=changed)
            yield Scene(scene.variables, {**scene.environment, **environment})

    return stage


@contextlib.contextmanager
def _on_the_default_port(lab: Lab) -> Iterator[Scene]:
    """The lab's Postgres on 5432, a URL without a port, and PGPORT with one where nobody listens."""
    direct = lab.environment["DATABASE_URL"]
    with serving(relaying(urlsplit(direct).port or 0), _OTHER_LOOPBACK, 5432), _closed_port() as closed:
        parts = urlsplit(url(direct, host=_OTHER_LOOPBACK, query="sslmode=disable"))
        netloc = parts.netloc.rpartition(":")[0]
        scene = of_the_lab(lab, *DATABASE, DATABASE_URL=parts._replace(netloc=netloc).geturl())
        yield Scene(scene.variables, {**scene.environment, "PGPORT": str(closed)})


@contextlib.contextmanager
def _closed_port() -> Iterator[int]:
    """A port that is taken and where nobody listens."""
    with socket.socket() as held:
        held.bind((_OTHER_LOOPBACK, 0))
        yield held.getsockname()[1]


def _no_second_loopback() -> str | None:
    try:
        with socket.socket() as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind((_OTHER_LOOPBACK, 5432))
    except OSError as error:
        return f"{_OTHER_LOOPBACK}:5432 cannot be bound ({error.strerror})"
    return None if sys.platform == "linux" else "a bound port is only held on Linux"


_ELSEWHERE = ("tcp.raw", "tcp.psycopg", "tcp.asyncpg")

SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        name="cfg-url-missing",
        cause="cfg-url-missing",
        title="the URL was put together from a host that was not set",
        stage=with_database_url(host="undefined"),
        only=_ELSEWHERE,
    ),
    Scenario(
        name="cfg-url-missing-user",
        cause="cfg-url-missing",
        title="the URL was put together from a user and a password that were not set",
        stage=with_database_url(user="undefined", password="undefined"),  # noqa: S106 - the word is the fault
        only=_ELSEWHERE,
    ),
    Scenario(
        name="cfg-sa-postgres-scheme",
        cause="cfg-sa-postgres-scheme",
        title="SQLAlchemy is given postgres://",
        stage=with_database_url(scheme="postgres"),
        only=("orm.*", "tcp.psycopg"),
        proof="confirmed",
    ),
    Scenario(
        name="cfg-scheme-crossed",
        cause="cfg-scheme-crossed",
        title="a raw driver is given SQLAlchemy's postgresql+asyncpg://",
        stage=with_database_url(scheme="postgresql+asyncpg"),
        only=("tcp.psycopg", "tcp.asyncpg", "orm.sqlalchemy-asyncpg"),
        proof="confirmed",
    ),
    Scenario(
        name="cfg-sa-asyncpg-sslmode",
        cause="cfg-sa-asyncpg-sslmode",
        title="asyncpg under SQLAlchemy is given sslmode",
        stage=with_database_url(query="sslmode=require"),
        only=("orm.sqlalchemy-asyncpg", "tcp.asyncpg"),
        proof="confirmed",
    ),
    Scenario(
        name="cfg-sa-asyncpg-sslmode-neon",
        cause="cfg-sa-asyncpg-sslmode",
        title="asyncpg under SQLAlchemy is given the URL of Neon's console",
        stage=with_database_url(query="sslmode=require&channel_binding=prefer"),
        only=("orm.sqlalchemy-asyncpg", "tcp.psycopg"),
        proof="confirmed",
    ),
    Scenario(
        name="cfg-asyncpg-unknown-param",
        cause="cfg-asyncpg-unknown-param",
        title="asyncpg hands channel_binding to the server",
        stage=with_database_url(query="sslmode=require&channel_binding=prefer"),
        only=("tcp.asyncpg", "tcp.psycopg"),
        proof="confirmed",
    ),
    Scenario(
        name="cfg-asyncpg-unknown-param-pgbouncer",
        cause="cfg-asyncpg-unknown-param",
        title="a URL made for Prisma, with pgbouncer=true",
        stage=with_database_url(query="pgbouncer=true"),
        only=("tcp.asyncpg", "tcp.psycopg", "tcp.raw"),
        proof="confirmed",
    ),
    Scenario(
        name="cfg-env-hijack",
        cause="cfg-env-hijack",
        title="PGSSLMODE wants TLS of a server that has none",
        stage=_without_tls(PGSSLMODE="require"),
        only=_ELSEWHERE,
        proof="confirmed",
    ),
    Scenario(
        name="cfg-env-hijack-port",
        cause="cfg-env-hijack",
        title="PGPORT gives a port to a URL that has none",
        stage=_on_the_default_port,
        only=_ELSEWHERE,
        proof="confirmed",
        lacks=_no_second_loopback,
    ),
    Scenario(
        name="cfg-vercel-pooled-check",
        cause="cfg-vercel-pooled-check",
        title="@vercel/postgres is given a URL that is not pooled",
        stage=with_database_url(host="127.0.0.1"),
        only=("node.vercel", "node.pg"),
        proof="confirmed",
    ),
    Scenario(
        name="cfg-wrong-database",
        cause="cfg-wrong-database",
        title="the database of the URL does not exist",
        stage=with_database_url(path="/absent"),
        only=_ELSEWHERE,
    ),
    Scenario(
        name="cfg-cross-event-loop",
        cause="cfg-cross-event-loop",
        title="a connection of asyncpg's is used in another event loop than its own",
        stage=with_database_url(),
        only=("specimen.cross-event-loop", "tcp.asyncpg"),
        explains=("specimen.cross-event-loop",),
        proof="confirmed",
        commit=True,
    ),
    Scenario(
        name="cfg-missing-greenlet",
        cause="cfg-missing-greenlet",
        title="an attribute that COMMIT expired is read outside of any await",
        stage=with_database_url(),
        only=("specimen.missing-greenlet", "orm.sqlalchemy-asyncpg"),
        explains=("specimen.missing-greenlet",),
        proof="confirmed",
        commit=True,
    ),
)
