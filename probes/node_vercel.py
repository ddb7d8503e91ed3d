"""@vercel/postgres: its pool for the transaction, its `sql` and `createClient()` asked once."""

from __future__ import annotations

from repro.persistence import endpoints
from repro.probe import main, node

PROBE = node.database(
    "node.vercel",
    "websocket",
    "@vercel/postgres",
    "vercel.mjs",
    predict=lambda request: [
        endpoints.websocket_endpoint(request.database_url, request.settings.neon_ws_proxy)
    ],
    notes=lambda driver: [f"{way}: {came}" for way, came in driver.bridge.ask("others").items()],
)

if __name__ == "__main__":
    main(PROBE)
