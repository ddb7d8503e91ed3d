"""The push of job ids by ioredis."""

from __future__ import annotations

from repro.persistence import endpoints
from repro.probe import main, node

PROBE = node.push(
    "node.ioredis",
    "tcp",
    "ioredis",
    "ioredis.mjs",
    predict=lambda request: [endpoints.redis_endpoint(request.redis_url)],
)

if __name__ == "__main__":
    main(PROBE)
