"""Every scenario: the first finding, its proof, and nothing beside it. And nothing where nothing is wrong."""

from __future__ import annotations

import os

import pytest

from repro.cli.play import play
from repro.cli.session import new_run_id, node_packages
from repro.lab.process import Lab
from repro.lab.scenarios import SCENARIOS
from repro.lab.scenarios.healthy import HEALTHY
from repro.lab.scenarios.scenario import Scenario
from repro.probe.node import NODE_MISSING


@pytest.fixture(scope="module")
def packages() -> dict[str, str]:
    return node_packages()


@pytest.mark.parametrize("scenario", [*SCENARIOS, *HEALTHY], ids=lambda scenario: scenario.name)
def test_what_is_broken_is_found(scenario: Scenario, lab: Lab, packages: dict[str, str]) -> None:
    lacks = scenario.lacks()
    if scenario.needs_node and NODE_MISSING in packages and not os.environ.get("TXREPRO_REQUIRE_NODE"):
        lacks = packages[NODE_MISSING]
    if lacks is not None:
        pytest.skip(lacks)

    played = play(scenario, lab, run_id=new_run_id(), packages=packages)

    assert played.wrong() == []
    assert played.took_s < scenario.deadline_s + 5, "the deadline holds, with the placing of the fault"
