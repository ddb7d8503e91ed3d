"""Every scenario: the first finding, its proof, and nothing beside it. And nothing where nothing is wrong."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue

import pytest

from repro.cli.play import Played, play
from repro.cli.session import new_run_id, node_packages
from repro.lab.process import Lab
from repro.lab.scenarios import SCENARIOS
from repro.lab.scenarios.healthy import HEALTHY
from repro.lab.scenarios.scenario import Scenario
from repro.probe.node import NODE_MISSING

SIDE_BY_SIDE = 2
"""Scenarios that are played at once, each in a lab of its own: most of their time they wait for a timeout."""


@pytest.fixture(scope="module")
def packages() -> dict[str, str]:
    return node_packages()


@pytest.fixture(scope="module")
def played(
    request: pytest.FixtureRequest, packages: dict[str, str]
) -> Iterator[Callable[[Scenario], Played]]:
    """What a scenario came to. All that are tested are played in their order, ahead of their tests.

    What cannot be played here is skipped.
    """
    labs: SimpleQueue[Lab] = SimpleQueue()

    def play_in_a_lab(scenario: Scenario) -> Played:
        lab = labs.get()
        try:
            return play(scenario, lab, run_id=new_run_id(), packages=packages)
        finally:
            labs.put(lab)

    with ExitStack() as stack:
        for _ in range(SIDE_BY_SIDE):
            lab = stack.enter_context(Lab.launch())
            lab.wait_ready(60)
            labs.put(lab)
        players = ThreadPoolExecutor(SIDE_BY_SIDE)
        stack.callback(players.shutdown, cancel_futures=True)
        # asked before any is played: one may use what another one asks for
        lacks = {each.name: lacking(each, packages) for each in asked_for(request.session)}
        coming = {
            each.name: players.submit(play_in_a_lab, each)
            for each in asked_for(request.session)
            if lacks[each.name] is None
        }

        def outcome(scenario: Scenario) -> Played:
            reason = lacks[scenario.name]
            if reason is not None:
                pytest.skip(reason)
            return coming[scenario.name].result()

        yield outcome


def asked_for(session: pytest.Session) -> Iterator[Scenario]:
    """The scenarios of the tests that were asked for."""
    for item in session.items:
        if isinstance(item, pytest.Function) and item.path == Path(__file__):
            scenario = item.callspec.params["scenario"]
            assert isinstance(scenario, Scenario)
            yield scenario


def lacking(scenario: Scenario, packages: dict[str, str]) -> str | None:
    """Why a scenario cannot be played here."""
    if scenario.needs_node and NODE_MISSING in packages and not os.environ.get("TXREPRO_REQUIRE_NODE"):
        return packages[NODE_MISSING]
    return scenario.lacks()


@pytest.mark.parametrize("scenario", [*SCENARIOS, *HEALTHY], ids=lambda scenario: scenario.name)
def test_what_is_broken_is_found(scenario: Scenario, played: Callable[[Scenario], Played]) -> None:
    found = played(scenario)

    assert found.wrong() == []
    assert found.took_s < scenario.deadline_s + 5, "the deadline holds, with the placing of the fault"
