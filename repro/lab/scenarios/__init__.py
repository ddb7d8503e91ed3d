"""The scenarios, one module a layer: what the lab breaks on purpose, and the cause that must be found."""

from __future__ import annotations

from collections.abc import Mapping

from repro.lab.scenarios import (
    commit_ambiguity,
    config,
    dns,
    outbox,
    pooler,
    proxy,
    redis_tcp,
    serverless_http,
    startup_auth,
    tcp,
    tls,
    transaction,
    upstash_rest,
    version_regression,
    websocket,
)
from repro.lab.scenarios.scenario import Scenario

SCENARIOS: tuple[Scenario, ...] = (
    *config.SCENARIOS,
    *proxy.SCENARIOS,
    *serverless_http.SCENARIOS,
    *version_regression.SCENARIOS,
    *dns.SCENARIOS,
    *tls.SCENARIOS,
    *startup_auth.SCENARIOS,
    *pooler.SCENARIOS,
    *tcp.SCENARIOS,
    *websocket.SCENARIOS,
    *commit_ambiguity.SCENARIOS,
    *transaction.SCENARIOS,
    *redis_tcp.SCENARIOS,
    *upstash_rest.SCENARIOS,
    *outbox.SCENARIOS,
)

BY_NAME: Mapping[str, Scenario] = {scenario.name: scenario for scenario in SCENARIOS}
