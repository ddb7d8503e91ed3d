"""The push of job ids over Redis TCP, by redis-py."""

from __future__ import annotations

from repro.persistence import endpoints
from repro.probe import PushProbe, main

PROBE = PushProbe(
    name="push.redis-tcp",
    transport="tcp",
    package="redis",
    uses="repro.persistence.transports.redis_tcp",
    predict=lambda request: [endpoints.redis_endpoint(request.redis_url)],
    connect=lambda transport, request: transport.connect(request.redis_url),
)

if __name__ == "__main__":
    main(PROBE)
