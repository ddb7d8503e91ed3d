"""Drivers that were made for a serverless database: they derive where to dial, and dial something else."""

from __future__ import annotations

from repro.lab.scenarios.scenario import Scenario

SCENARIOS: tuple[Scenario, ...] = ()
