"""Neon's gateway before a Postgres that is there already: what serverless drivers lack on a laptop."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from repro.lab.certificates import issue
from repro.lab.faults.fronts import in_a_thread
from repro.lab.listeners import localhost_addresses

if TYPE_CHECKING:
    from repro.lab.gateways import Gateway


@contextlib.contextmanager
def gateway_before(host: str, port: int) -> Iterator[dict[str, str]]:
    """Serve Neon's protocols before a Postgres of this machine, on loopback, until the block ends.

    Args:
        host: its name or literal address, on this machine: it is dialled without TLS.
        port: its port.

    Returns:
        Where drivers find it and what they must trust, by the names of environment variables.

    Raises:
        LabError: no port can be had.
    """
    with tempfile.TemporaryDirectory(prefix="txrepro-gateway-") as folder:
        addresses = localhost_addresses()
        files = issue(addresses).write(Path(folder))
        from repro.lab.gateways import Gateway  # noqa: PLC0415 - loads a web framework
        from repro.lab.neon.app import create_app  # noqa: PLC0415

        gateway = Gateway("neon", create_app(postgres=(host, port)), addresses=addresses, tls=files)
        with in_a_thread(_serving(gateway)):
            yield {
                "NEON_FETCH_ENDPOINT": f"https://localhost:{gateway.port}/sql",
                "NEON_WS_PROXY": f"localhost:{gateway.port}/v2",
                "SSL_CERT_FILE": str(files.ca),
                "NODE_EXTRA_CA_CERTS": str(files.ca),
            }


@contextlib.asynccontextmanager
async def _serving(gateway: Gateway) -> AsyncIterator[None]:
    await gateway.start()
    try:
        yield
    finally:
        await gateway.stop()
