from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from repro.lab.upstash.pool import Pool, ServerUnreachable


def use(
    address: tuple[str, int], password: str, work: Callable[[Pool], Awaitable[Any]], **options: Any
) -> Any:
    async def run() -> Any:
        pool = Pool(address, password, **options)
        try:
            return await work(pool)
        finally:
            await pool.close()

    return asyncio.run(asyncio.wait_for(run(), 30))


def test_connections_are_kept_and_bounded(address: tuple[str, int], password: str) -> None:
    async def work(pool: Pool) -> set[Any]:
        replies = await asyncio.gather(*(pool.exchange([[b"CLIENT", b"ID"]]) for _ in range(20)))
        return {number for (number,) in replies}

    assert 1 <= len(use(address, password, work, size=3)) <= 3


def test_an_exchange_that_was_broken_off_takes_its_connection_along(
    address: tuple[str, int], password: str
) -> None:
    async def work(pool: Pool) -> tuple[Any, Any]:
        before = await pool.exchange([[b"CLIENT", b"ID"]])
        blocked = asyncio.create_task(pool.exchange([[b"BLPOP", b"no-such-list", b"0"]]))
        await asyncio.sleep(0)
        blocked.cancel()
        await asyncio.gather(blocked, return_exceptions=True)
        return before, await pool.exchange([[b"CLIENT", b"ID"]])

    before, after = use(address, password, work, size=1)
    assert before != after


def test_a_server_that_stays_silent(address: tuple[str, int], password: str) -> None:
    async def work(pool: Pool) -> None:
        await pool.exchange([[b"BLPOP", b"no-such-list", b"0"]])

    with pytest.raises(ServerUnreachable, match="in time"):
        use(address, password, work, deadline_s=0.2)


def test_a_connection_that_the_server_closed_is_replaced(address: tuple[str, int], password: str) -> None:
    async def work(pool: Pool) -> Any:
        (number,) = await pool.exchange([[b"CLIENT", b"ID"]])
        other = Pool(address, password)
        await other.exchange([[b"CLIENT", b"KILL", b"ID", str(number).encode()]])
        await other.close()
        for _ in range(1000):  # the loop must see the end of the connection first
            await asyncio.sleep(0)
            if not pool._idle[0].is_open:
                break
        return number, (await pool.exchange([[b"CLIENT", b"ID"]]))[0]

    before, after = use(address, password, work)
    assert before != after


@pytest.mark.parametrize("answer", [b"+OK\r\n", b"+OK\r\nHTTP/1.1\r\n"], ids=["closes", "speaks no RESP"])
def test_a_server_that_breaks_off_is_not_asked_again(answer: bytes) -> None:
    received: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"AUTH\r\n$1\r\np\r\n")
        writer.write(answer)
        received.append(await reader.read(100))
        writer.close()

    async def run() -> None:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            pool = Pool(server.sockets[0].getsockname(), "p")
            with pytest.raises(ServerUnreachable, match="cannot be reached"):
                await pool.exchange([[b"RPUSH", b"k", b"v"]])

    asyncio.run(asyncio.wait_for(run(), 30))
    assert len(received) == 1
