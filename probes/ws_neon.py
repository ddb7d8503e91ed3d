"""Neon's WebSocket: psycopg through a tunnel to /v2."""

from __future__ import annotations

from repro.persistence import endpoints
from repro.probe import DatabaseProbe, main
from repro.probe.versions import libpq, versions_of

PROBE = DatabaseProbe(
    name="ws.neon",
    transport="websocket",
    package="websockets",
    uses="repro.persistence.drivers.neon_websocket",
    predict=lambda request: [
        endpoints.websocket_endpoint(request.database_url, request.settings.neon_ws_proxy)
    ],
    connect=lambda driver, request: driver.connect(
        request.database_url, endpoint=request.settings.neon_ws_proxy
    ),
    versions=lambda: {**versions_of("psycopg"), **libpq()},
    notes=lambda driver: [
        "txrepro's own client of Neon's WebSocket: psycopg enters it through a Unix socket",
        *(f"removed inside the tunnel: {name}" for name in driver.removed),
    ],
)

if __name__ == "__main__":
    main(PROBE)
