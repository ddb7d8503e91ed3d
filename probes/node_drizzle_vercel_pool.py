"""drizzle-orm on @vercel/postgres with createPool()."""

from __future__ import annotations

from repro.persistence import endpoints
from repro.probe import main, node

PROBE = node.database(
    "node.drizzle-vercel-pool",
    "websocket",
    "drizzle-orm",
    "drizzle_vercel_pool.mjs",
    predict=lambda request: [
        endpoints.websocket_endpoint(request.database_url, request.settings.neon_ws_proxy)
    ],
)

if __name__ == "__main__":
    main(PROBE)
