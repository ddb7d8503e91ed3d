"""Faults before the lab's own servers: what the server has done, and what the client knows of it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from urllib.parse import urlsplit

import asyncpg
import httpx
import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from repro.lab.faults import (
    Cut,
    Fault,
    FaultRelay,
    HttpExchange,
    HttpRequest,
    PostgresMessage,
    Replace,
    Silence,
    WebSocketPayload,
    after_commit_was_applied,
    after_push_was_applied,
    answer_lost,
    answered_instead,
    answered_wrongly,
    before_commit_arrives,
    before_push_arrives,
    http_answer,
)
from repro.lab.neon import messages
from repro.lab.neon.messages import MessageBuffer
from repro.lab.process import Lab


def upstream(url: str) -> tuple[str, int]:
    return "127.0.0.1", urlsplit(url if "://" in url else f"ws://{url}").port or 0


def through(lab: Lab, relay: FaultRelay) -> str:
    url = urlsplit(lab.environment["DATABASE_URL"])
    return f"postgresql://{url.username}:{url.password}@127.0.0.1:{relay.port}{url.path}?sslmode=disable"


@pytest.fixture
def table(lab: Lab) -> Iterator[str]:
    """The name of an empty table ``(n int)``."""
    name = f"fault_{secrets.token_hex(6)}"
    with psycopg.connect(lab.environment["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(f"CREATE TABLE {name} (n int)")
        yield name
        connection.execute(f"DROP TABLE {name}")


def rows(lab: Lab, table: str) -> int:
    with psycopg.connect(lab.environment["DATABASE_URL"]) as connection:
        counted = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    assert counted is not None
    return int(counted[0])


COMMITS = pytest.mark.parametrize(
    ("fault", "applied"),
    [
        (after_commit_was_applied(), 1),
        (after_commit_was_applied(Cut(reset=True)), 1),
        (Fault(lambda: PostgresMessage("server", b"C", b"COMMIT\0")), 1),
        (before_commit_arrives(), 0),
        (before_commit_arrives(Cut(reset=True)), 0),
    ],
    ids=["applied", "applied-reset", "applied-message", "lost", "lost-reset"],
)


@COMMITS
def test_a_commit_of_psycopg_is_applied_or_not_and_the_client_cannot_tell(
    lab: Lab, table: str, fault: Fault, applied: int
) -> None:
    with FaultRelay(upstream(lab.environment["DATABASE_URL"]), fault) as relay:
        with suppress(psycopg.OperationalError), psycopg.connect(through(lab, relay)) as connection:
            connection.execute(f"INSERT INTO {table} VALUES (%s)", (1,))
            with pytest.raises(psycopg.OperationalError):
                connection.commit()
        assert relay.fired == 1
        assert rows(lab, table) == applied
        with psycopg.connect(through(lab, relay)) as connection:
            connection.execute(f"INSERT INTO {table} VALUES (%s)", (2,))
    assert rows(lab, table) == applied + 1


@COMMITS
def test_a_commit_of_asyncpg_is_applied_or_not_and_the_client_cannot_tell(
    lab: Lab, table: str, fault: Fault, applied: int
) -> None:
    async def insert(url: str) -> None:
        connection = await asyncpg.connect(url)
        try:
            async with connection.transaction():
                await connection.execute(f"INSERT INTO {table} VALUES ($1)", 1)
        finally:
            connection.terminate()

    with FaultRelay(upstream(lab.environment["DATABASE_URL"]), fault) as relay:
        with pytest.raises((asyncpg.PostgresConnectionError, asyncpg.InterfaceError, OSError)):
            asyncio.run(insert(through(lab, relay)))
        assert relay.fired == 1
    assert rows(lab, table) == applied


def test_after_its_answer_has_arrived_a_commit_is_known(lab: Lab, table: str) -> None:
    fault = Fault(lambda: PostgresMessage("server", b"Z"), Cut(after=True), times=1)
    with FaultRelay(upstream(lab.environment["DATABASE_URL"]), fault) as relay:
        relay.disarm()
        with suppress(psycopg.OperationalError), psycopg.connect(through(lab, relay)) as connection:
            connection.execute(f"INSERT INTO {table} VALUES (1)")
            relay.arm()
            connection.commit()
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT 1")
        assert relay.fired == 1
    assert rows(lab, table) == 1


@pytest.mark.parametrize(
    ("fault", "applied"),
    [
        (Fault(lambda: WebSocketPayload("server", b"C\0\0\0\x0bCOMMIT\0")), 1),
        (after_commit_was_applied(), 1),
        (Fault(lambda: WebSocketPayload("client", b"COMMIT")), 0),
    ],
    ids=["applied", "applied-bytes", "lost"],
)
def test_a_commit_in_a_websocket_is_applied_or_not(lab: Lab, table: str, fault: Fault, applied: int) -> None:
    with (
        FaultRelay(upstream(lab.plain["NEON_WS_PROXY"]), fault) as relay,
        connect(f"ws://127.0.0.1:{relay.port}/v2", compression=None, proxy=None) as websocket,
    ):
        url = urlsplit(lab.environment["DATABASE_URL"])
        login = messages.startup({"user": str(url.username), "database": url.path[1:]})
        tell(websocket, login + messages.build(b"p", str(url.password).encode() + b"\0"))
        for sql in (b"BEGIN", b"INSERT INTO %s VALUES (1)" % table.encode()):
            tell(websocket, messages.query(sql))
        with pytest.raises(ConnectionClosed):
            tell(websocket, messages.query(b"COMMIT"))
        assert relay.fired == 1
    assert rows(lab, table) == applied


def tell(websocket: ClientConnection, message: bytes) -> None:
    """Send, and wait until Postgres is ready for more."""
    websocket.send(message)
    buffer = MessageBuffer(limit=1 << 20)
    kinds = [b""]
    while kinds[-1] != b"Z":
        data = websocket.recv(timeout=20)
        assert isinstance(data, bytes)
        buffer.feed(data)
        while (received := buffer.message()) is not None:
            kinds.append(received.kind)


@pytest.fixture
def key(lab: Lab) -> Iterator[str]:
    """A key that is removed afterwards."""
    name = f"fault:{secrets.token_hex(6)}"
    yield name
    with closing(redis.Redis.from_url(lab.plain["UPSTASH_REDIS_URL"])) as direct:
        direct.delete(name)


def value(lab: Lab, key: str) -> bytes | None:
    with closing(redis.Redis.from_url(lab.plain["UPSTASH_REDIS_URL"])) as direct:
        found = direct.get(key)
    assert found is None or isinstance(found, bytes)
    return found


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize(
    ("fault", "applied"),
    [
        (after_push_was_applied(), b"1"),
        (after_push_was_applied(Cut(reset=True)), b"1"),
        (after_push_was_applied(Silence()), b"1"),
        (answer_lost(b"EVAL"), b"1"),
        (before_push_arrives(), None),
    ],
    ids=["applied", "applied-reset", "applied-silence", "applied-bytes", "lost"],
)
def test_a_push_is_applied_or_not_and_the_client_cannot_tell(
    lab: Lab, key: str, fault: Fault, applied: bytes | None, protocol: int
) -> None:
    url = urlsplit(lab.plain["UPSTASH_REDIS_URL"])
    with FaultRelay(upstream(lab.plain["UPSTASH_REDIS_URL"]), fault) as relay:
        client = redis.Redis(
            "127.0.0.1", relay.port, password=url.password, protocol=protocol, socket_timeout=0.5,
            retry=Retry(NoBackoff(), 0),
        )  # fmt: skip
        with closing(client), pytest.raises((redis.ConnectionError, redis.TimeoutError)):
            client.eval("return redis.call('INCR', KEYS[1])", 1, key)
        assert relay.fired == 1
    assert value(lab, key) == applied


NO = http_answer("429 Too Many Requests", "no", "text/html")


@pytest.mark.parametrize(
    ("where", "applied"),
    [
        (lambda key: answered_wrongly(key, "429 Too Many Requests", "no"), b"1"),
        (lambda _: Fault(lambda: HttpExchange("POST / "), Replace(NO)), b"1"),
        (lambda key: answered_instead(key, "429 Too Many Requests", "no"), None),
        (lambda _: Fault(lambda: HttpRequest("POST / "), Replace(NO)), None),
    ],
    ids=["executed-bytes", "executed", "not-executed-bytes", "not-executed"],
)
def test_a_request_is_executed_or_not_and_another_answer_comes(
    lab: Lab, key: str, where: Callable[[bytes], Fault], applied: bytes | None
) -> None:
    headers = {"Authorization": f"Bearer {lab.environment['UPSTASH_REDIS_REST_TOKEN']}"}
    with (
        FaultRelay(upstream(lab.plain["UPSTASH_REDIS_REST_URL"]), where(key.encode())) as relay,
        httpx.Client(headers=headers, trust_env=False, base_url=f"http://127.0.0.1:{relay.port}") as client,
    ):
        assert client.get("/ping").json() == {"result": "PONG"}
        answer = client.post("/", json=["INCR", key])
        assert (answer.status_code, answer.text) == (429, "no")
        assert value(lab, key) == applied
        answer = client.post("/", json=["INCR", key])
        assert answer.json() == {"result": 1 + int(applied or 0)}
        assert relay.fired == 1
