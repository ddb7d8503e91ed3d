"""Neon's serverless package over HTTP: one batch."""

from __future__ import annotations

from repro.persistence import endpoints
from repro.probe import main, node

PROBE = node.database(
    "node.neon-http",
    "http",
    "@neondatabase/serverless",
    "neon_http.mjs",
    predict=lambda request: [
        endpoints.http_endpoint(request.database_url, request.settings.neon_fetch_endpoint)
    ],
)

if __name__ == "__main__":
    main(PROBE)
