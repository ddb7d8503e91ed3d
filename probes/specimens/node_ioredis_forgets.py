"""Wrong on purpose: ioredis with autoResendUnfulfilledCommands switched off and no commandTimeout."""

from __future__ import annotations

from repro.persistence import endpoints
from repro.probe import main, node

PROBE = node.push(
    "specimen.node-ioredis-forgets",
    "tcp",
    "ioredis",
    "ioredis_forgets.mjs",
    predict=lambda request: [endpoints.redis_endpoint(request.redis_url)],
)


if __name__ == "__main__":
    main(PROBE)
