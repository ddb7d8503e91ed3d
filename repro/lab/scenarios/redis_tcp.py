"""The queue over Redis TCP."""

from __future__ import annotations

from repro.lab.scenarios.scenario import Scenario

SCENARIOS: tuple[Scenario, ...] = ()
