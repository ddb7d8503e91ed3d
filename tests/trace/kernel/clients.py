"""Programs that dial ``localhost`` in every way that a driver does. Run as a script: NAME PORT."""

# ruff: noqa: PLC0415 - each loads its own library only

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import suppress


def psycopg(port: int) -> None:
    import psycopg

    with suppress(psycopg.Error):
        psycopg.connect(f"postgresql://u:p@localhost:{port}/d", connect_timeout=2)


def psycopg_async(port: int) -> None:
    import psycopg

    async def dial() -> None:
        with suppress(psycopg.Error):
            await psycopg.AsyncConnection.connect(f"postgresql://u:p@localhost:{port}/d", connect_timeout=2)

    asyncio.run(dial())


async def _asyncpg(port: int) -> None:
    import asyncpg

    with suppress(OSError, asyncpg.PostgresError):
        await asyncpg.connect(f"postgresql://u:p@localhost:{port}/d", timeout=2)


def asyncpg_asyncio(port: int) -> None:
    asyncio.run(_asyncpg(port))


def asyncpg_uvloop(port: int) -> None:
    import uvloop

    uvloop.run(_asyncpg(port))


def sqlalchemy_psycopg(port: int) -> None:
    import sqlalchemy

    with suppress(sqlalchemy.exc.SQLAlchemyError):
        sqlalchemy.create_engine(f"postgresql+psycopg://u:p@localhost:{port}/d").connect()


def sqlalchemy_asyncpg(port: int) -> None:
    from sqlalchemy.ext.asyncio import create_async_engine

    async def dial() -> None:
        with suppress(OSError):
            await create_async_engine(f"postgresql+asyncpg://u:p@localhost:{port}/d").connect()

    asyncio.run(dial())


def httpx_sync(port: int) -> None:
    import httpx

    with suppress(httpx.HTTPError):
        httpx.post(f"http://localhost:{port}/sql", timeout=2)


def httpx_async(port: int) -> None:
    import httpx

    async def dial() -> None:
        async with httpx.AsyncClient(timeout=2) as client:
            with suppress(httpx.HTTPError):
                await client.post(f"http://localhost:{port}/sql")

    asyncio.run(dial())


def websockets_sync(port: int) -> None:
    from websockets.sync.client import connect

    with suppress(OSError):
        connect(f"ws://localhost:{port}/v2", open_timeout=2).__enter__()


def websockets_async(port: int) -> None:
    from websockets.asyncio.client import connect

    async def dial() -> None:
        with suppress(OSError):
            await connect(f"ws://localhost:{port}/v2", open_timeout=2)

    asyncio.run(dial())


def redis_sync(port: int) -> None:
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    with suppress(redis.RedisError), redis.Redis("localhost", port, retry=Retry(NoBackoff(), 0)) as client:
        client.ping()


def redis_async(port: int) -> None:
    import redis.asyncio as aioredis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff
    from redis.exceptions import RedisError

    async def dial() -> None:
        async with aioredis.Redis(host="localhost", port=port, retry=Retry(NoBackoff(), 0)) as client:
            with suppress(RedisError):
                await client.ping()

    asyncio.run(dial())


CLIENTS: dict[str, Callable[[int], None]] = {
    each.__name__: each
    for each in (
        *(psycopg, psycopg_async, asyncpg_asyncio, asyncpg_uvloop, sqlalchemy_psycopg, sqlalchemy_asyncpg),
        *(httpx_sync, httpx_async, websockets_sync, websockets_async, redis_sync, redis_async),
    )
}

if __name__ == "__main__":
    CLIENTS[sys.argv[1]](int(sys.argv[2]))
