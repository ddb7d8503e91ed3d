"""Neon's SQL over HTTP: the whole transaction as one POST."""

from __future__ import annotations

from repro.persistence import endpoints
from repro.probe import DatabaseProbe, main
from repro.probe.versions import versions_of

PROBE = DatabaseProbe(
    name="http.neon",
    transport="http",
    package="httpx",
    uses="repro.persistence.drivers.neon_http",
    predict=lambda request: [
        endpoints.http_endpoint(request.database_url, request.settings.neon_fetch_endpoint)
    ],
    connect=lambda driver, request: driver.connect(
        request.database_url, endpoint=request.settings.neon_fetch_endpoint
    ),
    versions=lambda: versions_of("httpcore"),
    notes=lambda _: ["txrepro's own client of Neon's SQL over HTTP, on httpx"],
)

if __name__ == "__main__":
    main(PROBE)
