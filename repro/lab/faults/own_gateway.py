"""An Upstash gateway of a scenario's own, before the lab's Valkey: with the limits of a small plan."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from repro.lab.asgi import AsgiServer
from repro.lab.faults.fronts import in_a_thread
from repro.lab.listeners import Port
from repro.lab.process import Lab

if TYPE_CHECKING:
    from repro.lab.upstash.app import Limits
    from repro.lab.upstash.pool import Pool


@contextlib.contextmanager
def own_gateway(lab: Lab, limits: Limits) -> Iterator[str]:
    """Serve on 127.0.0.1, until the block ends. It takes the lab's own tokens.

    Args:
        lab: a running one.
        limits: of the plan.

    Returns:
        Its URL.
    """
    from repro.lab.upstash.app import create_app  # noqa: PLC0415 - loads a web framework

    valkey = urlsplit(lab.plain["UPSTASH_REDIS_URL"])
    application = create_app(
        redis=(valkey.hostname or "", valkey.port or 0),
        password=unquote(valkey.password or ""),
        token=lab.environment["UPSTASH_REDIS_REST_TOKEN"],
        read_only_token=lab.read_only_token,
        limits=limits,
    )
    port = Port.reserve(["127.0.0.1"])
    try:
        server = AsgiServer(application, port.listen())
        with in_a_thread(_serving(server, application.state.pool)):
            yield f"http://127.0.0.1:{port.number}"
    finally:
        port.close()


@contextlib.asynccontextmanager
async def _serving(server: AsgiServer, pool: Pool) -> AsyncIterator[None]:
    await server.start()
    try:
        yield
    finally:
        await server.stop()
        await pool.close()
