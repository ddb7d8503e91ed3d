"""The push of job ids by @upstash/redis."""

from __future__ import annotations

from repro.persistence import endpoints
from repro.probe import main, node

PROBE = node.push(
    "node.upstash",
    "http",
    "@upstash/redis",
    "upstash.mjs",
    predict=lambda request: [endpoints.rest_endpoint(request.rest[0])],
)

if __name__ == "__main__":
    main(PROBE)
