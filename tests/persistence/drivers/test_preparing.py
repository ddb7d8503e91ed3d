"""Statements are prepared where the connection leads straight to its backend, and never behind a pooler."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace

import psycopg
import pytest

from repro.lab.pooler import Pooling, lacks_pooler, pooler
from repro.lab.scenarios.targets import url
from repro.persistence.drivers import Driver
from repro.persistence.drivers.preparing import ASKED_AT, Preparing
from repro.persistence.settings import Settings
from repro.persistence.steps import Execute
from repro.persistence.transaction import single
from tests.persistence.conftest import CONNECTORS, Connector

KEPT = "SELECT count(*)::int FROM pg_prepared_statements WHERE statement LIKE 'SELECT 1::int%' AND name <> ''"
SQL = (Execute("SELECT 1::int + $1::int", (1,)), Execute("SELECT 2::int + $1::int", (1,)))

over_tcp = pytest.mark.parametrize(
    "connector",
    [each for each in CONNECTORS if each.name in {"psycopg", "psycopg-async", "asyncpg"}
     or each.name.startswith("sqlalchemy")],
    ids=lambda connector: connector.name,
)  # fmt: skip


def kept(driver: Driver) -> object:
    return driver.run(single(Execute(KEPT)))[0][0]


@over_tcp
def test_a_statement_is_prepared_once_the_backend_has_said_that_it_is_the_one(
    connector: Connector, settings: Settings
) -> None:
    with closing(connector(settings)) as driver:
        for _ in range(ASKED_AT - 2):
            driver.run(single(SQL[0]))
        assert kept(driver) == 0
        for _ in range(3):
            assert driver.run(single(SQL[0]))[0][0] == 2
        assert kept(driver) == 1


@pytest.fixture
def one_backend(settings: Settings) -> Iterator[Settings]:
    """A pooler whose clients take turns on one backend, and that follows no prepared statements."""
    direct = settings.require_database()
    with pooler(direct, Pooling(default_pool_size=1, max_prepared_statements=0)) as running:
        yield replace(settings, database_url=url(direct, host="127.0.0.1", port=running.port))


@pytest.mark.skipif(lacks_pooler() is not None, reason=str(lacks_pooler()))
@over_tcp
def test_behind_a_pooler_nobody_runs_the_statement_of_another(
    connector: Connector, one_backend: Settings
) -> None:
    with ExitStack() as stack:
        drivers = [stack.enter_context(closing(connector(one_backend))) for _ in SQL]
        for _ in range(2 * ASKED_AT):
            assert [each.run(single(sql))[0][0] for each, sql in zip(drivers, SQL, strict=True)] == [2, 3]
        assert kept(drivers[0]) == 0


@pytest.mark.skipif(lacks_pooler() is not None, reason=str(lacks_pooler()))
def test_it_can_fail_a_client_that_prepares_gets_the_statement_of_another(one_backend: Settings) -> None:
    with ExitStack() as stack:
        clients = [
            stack.enter_context(psycopg.connect(one_backend.require_database(), autocommit=True)) for _ in SQL
        ]
        clients[0].execute("SELECT 1::int + 1", prepare=True)
        with pytest.raises(psycopg.errors.DuplicatePreparedStatement):
            clients[1].execute("SELECT 2::int + 1", prepare=True)


def test_it_is_asked_once_and_never_on_a_connection_of_somebody_else() -> None:
    ours, theirs = Preparing(allowed=True), Preparing(allowed=False)
    assert [ours.due() for _ in range(ASKED_AT + 3)].index(True) == ASKED_AT - 1
    assert not any(ours.due() for _ in range(ASKED_AT))
    assert not any(theirs.due() for _ in range(2 * ASKED_AT))
