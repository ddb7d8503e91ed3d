"""The Python client of Upstash, with its defaults (base64, one retry), through the gateway over TLS."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from upstash_redis import Redis
from upstash_redis.asyncio import Redis as AsyncRedis
from upstash_redis.errors import UpstashError

from repro.lab.process import Lab


class Target(NamedTuple):
    """Where the gateway is, and the token that may write."""

    url: str
    token: str


@pytest.fixture
def target(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Target:
    """URL and token for a client, which finds the lab's certificates by ``SSL_CERT_FILE``."""
    monkeypatch.setenv("SSL_CERT_FILE", lab.environment["SSL_CERT_FILE"])
    return Target(lab.environment["UPSTASH_REDIS_REST_URL"], lab.environment["UPSTASH_REDIS_REST_TOKEN"])


@pytest.fixture
def client(target: Target) -> Iterator[Redis]:
    """The synchronous client."""
    with Redis(*target) as client:
        yield client


@pytest.fixture
def key(client: Redis) -> Iterator[str]:
    """A key that is removed afterwards."""
    name = f"upstash-redis:{secrets.token_hex(6)}"
    yield name
    client.delete(name)


def test_push_and_read(client: Redis, key: str) -> None:
    assert client.rpush(key, "job-1", "jöb 2", "OK") == 3
    assert client.lrange(key, 0, -1) == ["job-1", "jöb 2", "OK"]
    assert client.get(f"{key}:absent") is None


def test_pipeline_and_transaction(client: Redis, key: str) -> None:
    for batch in (client.pipeline(), client.multi()):
        batch.rpush(key, "x")
        batch.llen(key)
        first, second = batch.exec()
        assert first == second
    assert client.lrange(key, 0, -1) == ["x", "x"]


def test_script(client: Redis, key: str) -> None:
    assert client.eval("return redis.call('set', KEYS[1], ARGV[1])", keys=[key], args=["v"]) in {"OK", True}
    assert client.get(key) == "v"


def test_errors_are_the_servers(client: Redis, key: str) -> None:
    client.set(key, "text")
    with pytest.raises(UpstashError, match="WRONGTYPE"):
        client.rpush(key, "x")


def test_a_reader_is_refused(lab: Lab, target: Target, key: str) -> None:
    with Redis(url=target.url, token=lab.read_only_token) as reader:
        assert reader.get(key) is None
        with pytest.raises(UpstashError, match="NOPERM"):
            reader.set(key, "x")


def test_the_asynchronous_client(target: Target, key: str) -> None:
    async def work() -> tuple[int, Any]:
        async with AsyncRedis(*target) as client:
            count = await client.rpush(key, "a", "b")
            transaction = client.multi()
            transaction.lrange(key, 0, -1)
            return count, (await transaction.exec())[0]

    assert asyncio.run(work()) == (2, ["a", "b"])
