"""What the tests of the Upstash gateway share: a client of the lab's gateway, and keys of their own."""

from __future__ import annotations

import secrets
import ssl
from collections.abc import Callable, Iterator
from urllib.parse import unquote, urlsplit

import httpx
import pytest
import redis

from repro.lab.process import Lab


@pytest.fixture(scope="session")
def server(lab: Lab) -> Iterator[redis.Redis]:
    """A direct connection to the lab's Valkey."""
    url, ca = lab.environment["UPSTASH_REDIS_URL"], lab.environment["SSL_CERT_FILE"]
    with redis.Redis.from_url(url, ssl_ca_certs=ca) as connection:
        yield connection


@pytest.fixture
def key(server: redis.Redis) -> Iterator[str]:
    """A key that is removed afterwards, as are those that continue it."""
    name = f"upstash:{secrets.token_hex(6)}"
    yield name
    for found in server.scan_iter(f"{name}*"):
        server.delete(found)


@pytest.fixture(scope="session")
def rest(lab: Lab) -> Iterator[httpx.Client]:
    """An HTTP client of the gateway, over TLS, with the token that may write."""
    context = ssl.create_default_context(cafile=lab.environment["SSL_CERT_FILE"])
    headers = {"Authorization": f"Bearer {lab.environment['UPSTASH_REDIS_REST_TOKEN']}"}
    base = lab.environment["UPSTASH_REDIS_REST_URL"]
    with httpx.Client(verify=context, trust_env=False, timeout=30, base_url=base, headers=headers) as client:
        yield client


@pytest.fixture(scope="session")
def reading(lab: Lab) -> dict[str, str]:
    """The headers of a client that may only read."""
    return {"Authorization": f"Bearer {lab.read_only_token}"}


@pytest.fixture(scope="session")
def address(lab: Lab) -> tuple[str, int]:
    """Host and port of the lab's Valkey, without TLS."""
    url = urlsplit(lab.plain["UPSTASH_REDIS_URL"])
    assert url.hostname is not None
    assert url.port is not None
    return url.hostname, url.port


@pytest.fixture(scope="session")
def password(lab: Lab) -> str:
    """The password of the lab's Valkey."""
    return unquote(urlsplit(lab.environment["UPSTASH_REDIS_URL"]).password or "")


@pytest.fixture(scope="session")
def run(rest: httpx.Client) -> Callable[..., httpx.Response]:
    """Run one command given as words."""

    def run(*words: object, headers: dict[str, str] | None = None) -> httpx.Response:
        return rest.post("/", json=list(words), headers=headers)

    return run
