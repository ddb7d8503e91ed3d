"""Nothing is wrong: whatever is found here is found wrongly."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from repro.lab.pooler import Pooling, lacks_pooler
from repro.lab.process import Lab
from repro.lab.scenarios.pooler import behind_a_pooler
from repro.lab.scenarios.scenario import Scenario, Scene, Stage, nothing
from repro.lab.scenarios.targets import DATABASE, QUEUE, of_the_lab, url

_PYTHON = ("tcp.*", "orm.*", "http.neon", "ws.neon", "push.*")


def _database(query: str) -> Stage:
    @contextlib.contextmanager
    def stage(lab: Lab) -> Iterator[Scene]:
        trusted = query.replace("CA", lab.environment["SSL_CERT_FILE"])
        yield of_the_lab(
            lab, *DATABASE, *QUEUE, DATABASE_URL=url(lab.environment["DATABASE_URL"], query=trusted)
        )

    return stage


@contextlib.contextmanager
def _plain(lab: Lab) -> Iterator[Scene]:
    changed = url(lab.environment["DATABASE_URL"], query="sslmode=disable")
    token = lab.environment["UPSTASH_REDIS_REST_TOKEN"]
    yield of_the_lab(lab, **{**lab.plain, "DATABASE_URL": changed, "UPSTASH_REDIS_REST_TOKEN": token})


def _scenario(
    name: str,
    title: str,
    stage: Stage,
    *,
    only: tuple[str, ...],
    commit: bool = False,
    lacks: Callable[[], str | None] = nothing,
) -> Scenario:
    return Scenario(
        name=f"healthy-{name}",
        cause=None,
        title=title,
        stage=stage,
        only=only,
        commit=commit,
        expects_a_finding=False,
        lacks=lacks,
    )


_NO_SQLALCHEMY_ON_ASYNCPG = ("tcp.*", "orm.sqlalchemy-psycopg", "http.neon", "ws.neon", "push.*")
"""asyncpg under SQLAlchemy takes no sslmode: with one in the URL it would be a finding."""

_POOLED = ("tcp.*", "orm.*")

HEALTHY = (
    _scenario(
        "defaults", "the defaults of every driver, TLS where it is offered", _database(""), only=_PYTHON
    ),
    _scenario("committed", "the same, written durably", _database(""), only=_PYTHON, commit=True),
    _scenario("plain", "without TLS, on every transport", _plain, only=_NO_SQLALCHEMY_ON_ASYNCPG),
    _scenario(
        "plain-committed", "the same, written durably", _plain, only=_NO_SQLALCHEMY_ON_ASYNCPG, commit=True
    ),
    _scenario("required", "TLS required", _database("sslmode=require"), only=_NO_SQLALCHEMY_ON_ASYNCPG),
    _scenario(
        "verified",
        "TLS required, the certificate verified",
        _database("sslmode=verify-full&sslrootcert=CA"),
        only=_NO_SQLALCHEMY_ON_ASYNCPG,
        commit=True,
    ),
    _scenario(
        "pooled-session",
        "behind PgBouncer, a server connection a session",
        behind_a_pooler(Pooling(pool_mode="session", ignore_startup_parameters=("extra_float_digits",))),
        only=_POOLED,
        commit=True,
        lacks=lacks_pooler,
    ),
    _scenario(
        "pooled-transaction",
        "behind PgBouncer, a server connection a transaction",
        behind_a_pooler(),
        only=_POOLED,
        commit=True,
        lacks=lacks_pooler,
    ),
)
