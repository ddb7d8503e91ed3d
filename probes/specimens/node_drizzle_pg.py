"""drizzle-orm on pg, with a listener for errors: its failed rollback is what is heard of a lost COMMIT."""

from __future__ import annotations

import os

from repro.persistence import endpoints
from repro.probe import main, node

PROBE = node.database(
    "specimen.node-drizzle-pg",
    "tcp",
    "drizzle-orm",
    "drizzle_pg_quiet.mjs",
    predict=lambda request: endpoints.asyncpg_endpoints(request.database_url, os.environ),
)

if __name__ == "__main__":
    main(PROBE)
