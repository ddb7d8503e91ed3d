"""A WebSocket that carries bytes to a server, and knows nothing of them, as Neon's wsproxy does."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Iterator

from websockets.asyncio.server import ServerConnection, serve

from repro.lab.faults.fronts import in_a_thread
from repro.lab.listeners import Port, localhost_addresses


@contextlib.contextmanager
def websocket_pipe(upstream: int, context: ssl.SSLContext) -> Iterator[int]:
    """Serve wss on every address of ``localhost``, until the block ends.

    Args:
        upstream: the port of the server on 127.0.0.1.
        context: a server's.
    """
    port = Port.reserve(localhost_addresses())
    try:
        with in_a_thread(_serving(port, upstream, context)):
            yield port.number
    finally:
        port.close()


@contextlib.asynccontextmanager
async def _serving(port: Port, upstream: int, context: ssl.SSLContext) -> AsyncIterator[None]:
    async def pipe(client: ServerConnection) -> None:
        inner, outer = await asyncio.open_connection("127.0.0.1", upstream)
        try:
            await _carried(client, inner, outer)
        finally:
            outer.close()

    async with contextlib.AsyncExitStack() as stack:
        for listener in port.listen():
            await stack.enter_async_context(serve(pipe, sock=listener, ssl=context))
        yield


async def _carried(
    client: ServerConnection, inner: asyncio.StreamReader, outer: asyncio.StreamWriter
) -> None:
    async def downward() -> None:
        while data := await inner.read(65536):
            await client.send(data)
        await client.close()

    async def upward() -> None:
        async for message in client:
            outer.write(message if isinstance(message, bytes) else message.encode())
            await outer.drain()
        outer.close()

    await asyncio.gather(upward(), downward(), return_exceptions=True)
