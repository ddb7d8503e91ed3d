"""A pooler between the driver and Postgres."""

from __future__ import annotations

from repro.lab.scenarios.scenario import Scenario

SCENARIOS: tuple[Scenario, ...] = ()
