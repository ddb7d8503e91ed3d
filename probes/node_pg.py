"""pg, on a pool of its own."""

from __future__ import annotations

import os

from repro.persistence import endpoints
from repro.probe import main, node

PROBE = node.database(
    "node.pg",
    "tcp",
    "pg",
    "pg.mjs",
    predict=lambda request: endpoints.asyncpg_endpoints(request.database_url, os.environ),
)

if __name__ == "__main__":
    main(PROBE)
