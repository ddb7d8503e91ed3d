"""The queue over Upstash REST."""

from __future__ import annotations

from repro.lab.scenarios.scenario import Scenario

SCENARIOS: tuple[Scenario, ...] = ()
