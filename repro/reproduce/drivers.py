"""What is known of each driver that a reproduction can be written for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Driver:
    """One driver.

    Args:
        probe: the probe whose driver it is.
        language: of the program.
        transport: as the probe has it.
        packages: what is installed for it, by the registry's names; the driver first.
        variable: where the target is.
        effect: the stage that applies the effect.
        keywords: arguments of the call that connects that production code has and a failure may not need.
        logs_in_apart: whether Postgres is spoken through what is opened first.
        observes: whether a program can ask which connection answers a statement.
        at_once: how many transactions the probe runs at once on the driver's own pool; none for 0.
    """

    probe: str
    language: Literal["python", "node"]
    transport: Literal["tcp", "http", "websocket"]
    packages: Sequence[str]
    variable: str = "DATABASE_URL"
    effect: Literal["commit", "push"] = "commit"
    keywords: Sequence[str] = ()
    logs_in_apart: bool = False
    observes: bool = True
    at_once: int = 0


_NO_CACHE = "statement_cache_size=0"
_NO_PREPARED = "prepare_threshold=None"
_NODE_AT_ONCE = 12
"""Two more than each of the pools of Node holds."""

_ALL = (
    Driver("tcp.psycopg", "python", "tcp", ("psycopg[binary]",), keywords=(_NO_PREPARED,)),
    Driver("tcp.psycopg-async", "python", "tcp", ("psycopg[binary]",), keywords=(_NO_PREPARED,)),
    Driver("tcp.asyncpg", "python", "tcp", ("asyncpg",), keywords=(_NO_CACHE,)),
    Driver(
        "orm.sqlalchemy-psycopg", "python", "tcp", ("sqlalchemy", "psycopg[binary]"), keywords=(_NO_PREPARED,)
    ),
    Driver(
        "orm.sqlalchemy-asyncpg", "python", "tcp", ("sqlalchemy[asyncio]", "asyncpg"), keywords=(_NO_CACHE,)
    ),
    Driver("http.neon", "python", "http", ("httpx",), observes=False),
    Driver("ws.neon", "python", "websocket", ("websockets", "psycopg[binary]"), logs_in_apart=True),
    Driver(
        "push.redis-tcp", "python", "tcp", ("redis",), "UPSTASH_REDIS_URL", "push", observes=False
    ),
    Driver(
        "push.upstash-rest", "python", "http", ("httpx",), "UPSTASH_REDIS_REST_URL", "push", observes=False
    ),
    Driver("node.pg", "node", "tcp", ("pg",), at_once=_NODE_AT_ONCE),
    Driver("node.neon-ws", "node", "websocket", ("@neondatabase/serverless", "ws"), at_once=_NODE_AT_ONCE),
    Driver("node.neon-http", "node", "http", ("@neondatabase/serverless",), observes=False),
    Driver(
        "node.vercel", "node", "websocket", ("@vercel/postgres",), "POSTGRES_URL", at_once=_NODE_AT_ONCE
    ),
    Driver(
        "node.drizzle-vercel-sql", "node", "websocket", ("drizzle-orm", "@vercel/postgres"),
        "POSTGRES_URL", at_once=_NODE_AT_ONCE,
    ),
    Driver(
        "node.drizzle-vercel-pool", "node", "websocket", ("drizzle-orm", "@vercel/postgres"),
        "POSTGRES_URL", at_once=_NODE_AT_ONCE,
    ),
    Driver("node.drizzle-pg", "node", "tcp", ("drizzle-orm", "pg"), at_once=_NODE_AT_ONCE),
    Driver("node.ioredis", "node", "tcp", ("ioredis",), "UPSTASH_REDIS_URL", "push", observes=False),
    Driver(
        "node.upstash", "node", "http", ("@upstash/redis",), "UPSTASH_REDIS_REST_URL", "push", observes=False
    ),
)  # fmt: skip

DRIVERS: Mapping[str, Driver] = {driver.probe: driver for driver in _ALL}
"""By the probe's name. The control and the specimens are not here: their driver is this project."""


def target_url(driver: Driver, variables: Mapping[str, str]) -> str:
    """The URL that a driver is given; empty where nothing is set.

    Args:
        driver: which one.
        variables: the target's settings, under their environment names.
    """
    if driver.effect == "push":
        return variables.get(driver.variable, "")
    database = variables.get("DATABASE_URL") or variables.get("POSTGRES_URL") or ""
    return variables.get(driver.variable) or database
