"""The push of job ids over Upstash's REST interface."""

from __future__ import annotations

from repro.persistence import endpoints
from repro.probe import PushProbe, main

PROBE = PushProbe(
    name="push.upstash-rest",
    transport="http",
    package="httpx",
    uses="repro.persistence.transports.upstash_rest",
    predict=lambda request: [endpoints.rest_endpoint(request.rest[0])],
    connect=lambda transport, request: transport.connect(*request.rest),
)

if __name__ == "__main__":
    main(PROBE)
