"""By default ioredis sends a push again when its answer is lost; here jobs have marks."""

from __future__ import annotations

from repro.persistence import endpoints
from repro.probe import main, node

PROBE = node.push(
    "specimen.node-ioredis-marked",
    "tcp",
    "ioredis",
    "ioredis_resends.mjs",
    predict=lambda request: [endpoints.redis_endpoint(request.redis_url)],
)


if __name__ == "__main__":
    main(PROBE)
