"""What is particular to one library: how it is given the URL, and what it says to one it does not take."""

from __future__ import annotations

import asyncio
from contextlib import closing

import pytest
from psycopg import Error as PsycopgError
from sqlalchemy.exc import NoSuchModuleError

from repro.persistence.drivers import Driver, asyncpg, psycopg, sqlalchemy
from repro.persistence.drivers.placeholders import named, pyformat
from repro.persistence.settings import Settings
from repro.persistence.steps import Execute
from repro.persistence.transaction import single


def test_placeholders() -> None:
    assert pyformat("SELECT $1::int, $12, 5 % 2") == "SELECT %(p1)s::int, %(p12)s, 5 %% 2"
    assert named(["a", None]) == {"p1": "a", "p2": None}


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("postgresql://host.test/db", "postgresql+psycopg"),
        ("postgresql+asyncpg://host.test/db", "postgresql+psycopg"),
        ("postgres://host.test/db", "postgres"),
    ],
)
def test_sqlalchemy_is_given_the_url_that_a_user_would_write(url: str, name: str) -> None:
    assert sqlalchemy.url_for(f"{url}?sslmode=require", "psycopg").drivername == name
    assert dict(sqlalchemy.url_for(f"{url}?sslmode=require", "psycopg").query) == {"sslmode": "require"}


def test_sqlalchemy_s_own_words_for_postgres_urls() -> None:
    url = "postgres://u:p@host.test/db"
    with pytest.raises(NoSuchModuleError, match=r"sqlalchemy\.dialects:postgres"):
        sqlalchemy.connect(url)
    with pytest.raises(NoSuchModuleError, match=r"sqlalchemy\.dialects:postgres"):
        asyncio.run(sqlalchemy.connect_async(url))


def test_sslmode_reaches_asyncpg_through_sqlalchemy_as_it_is(settings: Settings) -> None:
    url = f"{settings.require_database()}?sslmode=require"
    with pytest.raises(TypeError, match="unexpected keyword argument 'sslmode'"):
        asyncio.run(sqlalchemy.connect_async(url))
    with closing(sqlalchemy.connect(url)) as driver:
        assert driver.run(single(Execute("SELECT 5 % 3")))[0] == (2,)


async def used_twice(settings: Settings) -> None:
    driver = await asyncpg.connect(f"{settings.require_database()}?sslmode=require")
    assert (await driver.run(single(Execute("SELECT 1"))))[0] == (1,)
    await driver.close()
    await driver.close()


def test_asyncpg_takes_the_same_url_and_closes_twice(settings: Settings) -> None:
    asyncio.run(used_twice(settings))


def test_a_timeout_in_the_url_goes_first() -> None:
    with pytest.raises(PsycopgError, match=r"connect_timeout"):
        psycopg.connect("postgresql://127.0.0.1:1/db?connect_timeout=never")


def test_a_server_that_ends_the_connection_leaves_the_statement_s_error(driver: Driver) -> None:
    with pytest.raises(Exception, match=r"(?i)terminating connection|closed") as caught:
        driver.run(single(Execute("SELECT pg_terminate_backend(pg_backend_pid())::text")))
    assert not isinstance(caught.value, AttributeError)
