"""@vercel/postgres, with the neonConfig of another copy of Neon's package than its own."""

from __future__ import annotations

from repro.persistence import endpoints
from repro.probe import main, node

PROBE = node.database(
    "specimen.node-vercel-other-config",
    "websocket",
    "@vercel/postgres",
    "vercel_other_config.mjs",
    predict=lambda request: [
        endpoints.websocket_endpoint(request.database_url, request.settings.neon_ws_proxy)
    ],
)

if __name__ == "__main__":
    main(PROBE)
