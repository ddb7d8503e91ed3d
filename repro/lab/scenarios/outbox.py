"""Rows and pushes that part."""

from __future__ import annotations

from repro.lab.scenarios.scenario import Scenario

SCENARIOS: tuple[Scenario, ...] = ()
