"""What the tests of the Neon gateway share: a table, the lab's endpoint, and apps in this process."""

from __future__ import annotations

import asyncio
import secrets
import ssl
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
from psycopg import sql

from repro.lab.process import Lab

DRIVER_HEADERS = {"Neon-Raw-Text-Output": "true", "Neon-Array-Mode": "true"}


@pytest.fixture(scope="session")
def database(lab: Lab) -> Iterator[psycopg.Connection[Any]]:
    """A direct connection to the lab's Postgres, in autocommit."""
    url, ca = lab.environment["DATABASE_URL"], lab.environment["SSL_CERT_FILE"]
    with psycopg.connect(url, autocommit=True, sslmode="verify-full", sslrootcert=ca) as connection:
        yield connection


@pytest.fixture
def table(database: psycopg.Connection[Any]) -> Iterator[str]:
    """The qualified name of an empty table ``(id serial primary key, name text unique)``."""
    schema = f"neon_{secrets.token_hex(6)}"
    database.execute(f"create schema {schema}")
    database.execute(f"create table {schema}.jobs (id serial primary key, name text unique)")
    yield f"{schema}.jobs"
    database.execute(f"drop schema {schema} cascade")


@pytest.fixture(scope="session")
def awkward() -> Iterator[tuple[dict[str, str], str]]:
    """The environment of a lab of its own, and its user's password, full of characters that need care."""
    password = f"p@ss :/%+\"'\\=é {secrets.token_hex(4)}"
    with Lab.launch() as own:
        own.wait_ready(60)
        url, ca = own.environment["DATABASE_URL"], own.environment["SSL_CERT_FILE"]
        with psycopg.connect(url, autocommit=True, sslmode="verify-full", sslrootcert=ca) as connection:
            connection.execute(sql.SQL("alter role current_user password {}").format(sql.Literal(password)))
        yield own.environment, password


@pytest.fixture(scope="session")
def postgres(lab: Lab) -> tuple[str, int]:
    """Host and port of the lab's Postgres."""
    url = urlsplit(lab.environment["DATABASE_URL"])
    assert url.hostname is not None
    assert url.port is not None
    return url.hostname, url.port


@pytest.fixture(scope="session")
def trusting(lab: Lab) -> ssl.SSLContext:
    """A client's context that trusts the lab."""
    return ssl.create_default_context(cafile=lab.environment["SSL_CERT_FILE"])


@pytest.fixture(scope="session")
def client(trusting: ssl.SSLContext) -> Iterator[httpx.Client]:
    """An HTTP client that trusts the lab."""
    with httpx.Client(verify=trusting, trust_env=False, timeout=30) as client:
        yield client


@pytest.fixture(scope="session")
def post(lab: Lab, client: httpx.Client) -> Callable[..., httpx.Response]:
    """Post a document to the lab's ``/sql`` as the drivers do, with further headers."""
    environment = lab.environment

    def post(document: Any, headers: dict[str, str] | None = None) -> httpx.Response:
        string = {"Neon-Connection-String": environment["DATABASE_URL"]}
        return client.post(
            environment["NEON_FETCH_ENDPOINT"],
            json=document,
            headers={**string, **DRIVER_HEADERS, **(headers or {})},
        )

    return post


@pytest.fixture(scope="session")
def post_to() -> Callable[..., httpx.Response]:
    """Post a document to an app in this process."""

    def post_to(app: Any, url: str, document: Any, headers: dict[str, str] | None = None) -> httpx.Response:
        async def run() -> httpx.Response:
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://gateway.test") as client:
                string = {"Neon-Connection-String": url}
                return await client.post(
                    "/sql", json=document, headers={**string, **DRIVER_HEADERS, **(headers or {})}
                )

        return asyncio.run(run())

    return post_to
