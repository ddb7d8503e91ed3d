"""Wrong on purpose: Neon's package from 1.0 on, called over HTTP as it was before."""

from __future__ import annotations

from repro.persistence import endpoints
from repro.probe import main, node

PROBE = node.database(
    "specimen.node-neon-called",
    "http",
    "@neondatabase/serverless",
    "neon_http_called.mjs",
    predict=lambda request: [
        endpoints.http_endpoint(request.database_url, request.settings.neon_fetch_endpoint)
    ],
)

if __name__ == "__main__":
    main(PROBE)
