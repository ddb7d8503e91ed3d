"""The Neon gateway as one ASGI app."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp

from repro.lab.neon.answers import NotSupported
from repro.lab.neon.limits import Limits
from repro.lab.neon.sql import SqlEndpoint
from repro.lab.neon.tunnel import Tunnel


def create_app(*, postgres: tuple[str, int], limits: Limits | None = None) -> ASGIApp:
    """The gateway in front of one Postgres: ``POST /sql``, and a WebSocket on any path.

    A WebSocket whose path ends in ``/pipe`` (such as ``/v2/pipe``) carries raw bytes; every other asks for a
    cleartext password, as Neon does, and logs in by itself (see `Tunnel`).

    Args:
        postgres: host and port of the server. It is dialled without TLS, so it must be on this machine.
        limits: sizes and times; Neon's where they are known.
    """
    limits = limits or Limits()
    return Starlette(
        routes=[
            Route("/sql", SqlEndpoint(postgres, limits)),
            WebSocketRoute("/{path:path}", Tunnel(postgres, limits)),
            Route("/{path:path}", NotSupported()),
        ]
    )
