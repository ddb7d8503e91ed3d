"""Neon's serverless package over WebSocket, where nobody told it which WebSocket to take."""

from __future__ import annotations

from repro.persistence import endpoints
from repro.probe import main, node

PROBE = node.database(
    "specimen.node-neon-no-constructor",
    "websocket",
    "@neondatabase/serverless",
    "neon_ws_no_constructor.mjs",
    predict=lambda request: [
        endpoints.websocket_endpoint(request.database_url, request.settings.neon_ws_proxy)
    ],
)

if __name__ == "__main__":
    main(PROBE)
