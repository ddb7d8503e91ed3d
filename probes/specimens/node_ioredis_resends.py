"""Wrong on purpose: a plain RPUSH by ioredis, which by default sends it again after a lost answer."""

from __future__ import annotations

from dataclasses import replace

from repro.persistence import endpoints
from repro.probe import main, node
from repro.probe.retrying import Plainly

_MARKED = node.push(
    "specimen.node-ioredis-resends",
    "tcp",
    "ioredis",
    "ioredis_resends.mjs",
    predict=lambda request: [endpoints.redis_endpoint(request.redis_url)],
)
PROBE = replace(_MARKED, connect=lambda module, request: Plainly(_MARKED.connect(module, request)))

if __name__ == "__main__":
    main(PROBE)
