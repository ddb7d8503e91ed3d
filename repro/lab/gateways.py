"""The lab's HTTP services: each one application, on a plain and on a TLS port."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from repro.lab.asgi import Application, AsgiServer
from repro.lab.certificates import TlsFiles
from repro.lab.errors import LabError
from repro.lab.listeners import Port


class Gateway:
    """One ASGI application, served twice."""

    def __init__(
        self, name: str, application: Application, *, addresses: tuple[str, ...], tls: TlsFiles
    ) -> None:
        self.name = name
        self._ports = (Port.reserve(addresses), Port.reserve(addresses))
        self._servers: list[AsgiServer] = []
        self._application = application
        self._tls = tls

    @property
    def port(self) -> int:
        """The port with TLS."""
        return self._ports[0].number

    @property
    def plain_port(self) -> int:
        """The port without TLS."""
        return self._ports[1].number

    async def start(self) -> None:
        """Serve on both ports.

        Raises:
            LabError: another program has taken a port meanwhile.
        """
        for port, tls in zip(self._ports, (self._tls, None), strict=True):
            try:
                server = AsgiServer(self._application, port.listen(), tls=tls)
            except OSError as error:
                raise LabError(
                    f"the {self.name} gateway cannot listen on port {port.number}: {error.strerror}"
                ) from error
            self._servers.append(server)
            await server.start()

    async def stop(self) -> None:
        """Stop serving."""
        await asyncio.gather(*(server.stop() for server in self._servers))
        for port in self._ports:
            port.close()


class Factories(NamedTuple):
    """What makes the application of each gateway."""

    neon: Callable[..., Application]
    upstash: Callable[..., Application]


def load_applications() -> Factories:
    """Load the gateways' own code, and with it a web framework."""
    from repro.lab.neon.app import create_app as neon  # noqa: PLC0415
    from repro.lab.upstash.app import create_app as upstash  # noqa: PLC0415

    return Factories(neon, upstash)
