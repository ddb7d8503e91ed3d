"""What the gateway allows, in sizes and times."""

from __future__ import annotations

from dataclasses import dataclass

_MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of the gateway.

    Args:
        request_bytes: longest body of a ``POST /sql``; Neon's default.
        response_bytes: longest response to it; Neon's default.
        connect_s: seconds to reach Postgres.
        login_s: seconds from a WebSocket's start to a completed login, the client's part included.
        request_s: seconds that a ``POST /sql`` may take, after which its query is cancelled.
    """

    request_bytes: int = 10 * _MEBIBYTE
    response_bytes: int = 10 * _MEBIBYTE
    connect_s: float = 5.0
    login_s: float = 20.0
    request_s: float = 120.0
