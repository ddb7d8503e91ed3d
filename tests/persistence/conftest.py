"""Every driver and every transport as one kind of thing, so that one suite runs over all of them."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest

from repro.lab.process import Lab
from repro.persistence.drivers import (
    AsyncDriver,
    Driver,
    asyncpg,
    neon_http,
    neon_websocket,
    psycopg,
    raw,
    sqlalchemy,
)
from repro.persistence.queue import Command, Conversation
from repro.persistence.schema import create_schema, drop_schema
from repro.persistence.settings import Settings
from repro.persistence.steps import Begin, Commit, Execute, Transaction
from repro.persistence.transports import AsyncTransport, Transport, redis_tcp, upstash_rest

T = TypeVar("T")


class Awaited:
    """An awaited driver or transport, used as a sync one: it lives on a loop of its own."""

    def __init__(self, connect: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        self._runner = asyncio.Runner()
        try:
            self.inner: AsyncDriver | AsyncTransport = self._runner.run(connect())
        except BaseException:
            self._runner.close()
            raise
        self.interactive = getattr(self.inner, "interactive", True)
        self.server = self.inner.server
        self.not_sent = self.inner.not_sent
        self.not_reached = self.inner.not_reached

    @property
    def usable(self) -> bool:
        return self.inner.usable

    def run(self, generator: Any) -> Any:
        return self._runner.run(self.inner.run(generator))

    def close(self) -> None:
        with self._runner:
            self._runner.run(self.inner.close())


@dataclass(frozen=True)
class Connector:
    """How one driver is connected to a target."""

    name: str
    connect: Callable[[Settings], Driver]

    def __call__(self, settings: Settings) -> Driver:
        return self.connect(settings)


def _url(settings: Settings) -> str:
    return settings.require_database()


CONNECTORS = [
    Connector("psycopg", lambda s: psycopg.connect(_url(s), timeouts=s.timeouts)),
    Connector(
        "psycopg-async", lambda s: Awaited(lambda: psycopg.connect_async(_url(s), timeouts=s.timeouts))
    ),
    Connector("asyncpg", lambda s: Awaited(lambda: asyncpg.connect(_url(s), timeouts=s.timeouts))),
    Connector("sqlalchemy-psycopg", lambda s: sqlalchemy.connect(_url(s), timeouts=s.timeouts)),
    Connector(
        "sqlalchemy-asyncpg",
        lambda s: Awaited(lambda: sqlalchemy.connect_async(_url(s), timeouts=s.timeouts)),
    ),
    Connector(
        "neon-http", lambda s: neon_http.connect(_url(s), endpoint=s.neon_fetch_endpoint, timeouts=s.timeouts)
    ),
    Connector(
        "neon-http-async",
        lambda s: Awaited(
            lambda: neon_http.connect_async(_url(s), endpoint=s.neon_fetch_endpoint, timeouts=s.timeouts)
        ),
    ),
    Connector(
        "neon-websocket",
        lambda s: neon_websocket.connect(_url(s), endpoint=s.neon_ws_proxy, timeouts=s.timeouts),
    ),
    Connector(
        "neon-websocket-async",
        lambda s: Awaited(
            lambda: neon_websocket.connect_async(_url(s), endpoint=s.neon_ws_proxy, timeouts=s.timeouts)
        ),
    ),
    Connector("raw", lambda s: raw.connect(_url(s), timeouts=s.timeouts)),
]

TRANSPORTS: dict[str, Callable[[Settings], Transport]] = {
    "redis-tcp": lambda s: redis_tcp.connect(str(s.redis_url), timeouts=s.timeouts),
    "redis-tcp-async": lambda s: Awaited(
        lambda: redis_tcp.connect_async(str(s.redis_url), timeouts=s.timeouts)
    ),
    "upstash-rest": lambda s: upstash_rest.connect(str(s.rest_url), str(s.rest_token), timeouts=s.timeouts),
    "upstash-rest-async": lambda s: Awaited(
        lambda: upstash_rest.connect_async(str(s.rest_url), str(s.rest_token), timeouts=s.timeouts)
    ),
}


@pytest.fixture
def settings(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The lab's settings; its CA is the one that is trusted."""
    for name in ("SSL_CERT_FILE", "PGHOSTADDR", "PGSSLMODE", "PGCHANNELBINDING"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", lab.environment["SSL_CERT_FILE"])
    return Settings.from_environment(lab.environment)


@pytest.fixture(params=CONNECTORS, ids=lambda connector: connector.name)
def connector(request: pytest.FixtureRequest) -> Connector:
    """How each driver in turn is connected."""
    found: Connector = request.param
    return found


@pytest.fixture
def driver(connector: Connector, settings: Settings) -> Iterator[Driver]:
    """Each driver in turn, connected to the lab."""
    with closing(connector(settings)) as connected:
        yield connected


@pytest.fixture(params=TRANSPORTS)
def transport(request: pytest.FixtureRequest, settings: Settings) -> Iterator[Transport]:
    """Each transport in turn, connected to the lab."""
    with closing(TRANSPORTS[request.param](settings)) as connected:
        yield connected


@pytest.fixture
def tcp(settings: Settings) -> Iterator[Transport]:
    """Redis TCP to the lab."""
    with closing(TRANSPORTS["redis-tcp"](settings)) as connected:
        yield connected


@pytest.fixture
def observer(settings: Settings) -> Iterator[Driver]:
    """A second connection, that sees what is committed."""
    with closing(raw.connect(settings.require_database(), timeouts=settings.timeouts)) as connected:
        yield connected


@pytest.fixture
def schema(observer: Driver) -> Iterator[str]:
    """A schema of the test's own, with the tables in it."""
    name = f"test_{uuid.uuid4().hex}"
    observer.run(each(create_schema(name)))
    yield name
    observer.run(each([drop_schema(name)]))


@pytest.fixture
def queue_name(settings: Settings) -> Iterator[str]:
    """A queue of the test's own, removed with all its marks."""
    name = f"test:{uuid.uuid4().hex}"
    yield name
    with closing(TRANSPORTS["redis-tcp"](settings)) as connected:
        connected.run(_removed(name))


def _removed(name: str) -> Conversation[None]:
    keys = yield Command(("KEYS", f"*{name}*"))
    if isinstance(keys, list) and keys:
        yield Command(("DEL", *map(str, keys)))


def each(statements: list[str]) -> Transaction[None]:
    """The statements, one after the other, in one transaction."""
    yield Begin()
    for sql in statements:
        yield Execute(sql)
    yield Commit()
