"""Killed at any instant, no job is lost and none is queued twice once a relay has run.

``pytest tests/benchmarks/test_crash.py`` does the same a thousand times.
"""

from __future__ import annotations

from dataclasses import replace

from repro.lab.process import Lab
from repro.persistence import Settings
from repro.persistence.drivers import Driver
from repro.persistence.transports import Transport
from tests.persistence.crash.harness import LAST_INSTANT, Tally, crash, drain, placed, scattered, tally
from tests.persistence.crash.zygote import JOBS, Round

PLACED, SCATTERED = 2 * LAST_INSTANT, 40


def run(rounds: list[Round], lab: Lab, settings: Settings, observer: Driver, tcp: Transport) -> Tally:
    schema, queue_name = rounds[0].schema, rounds[0].queue_name
    killed, acknowledged = crash(rounds, lab.environment)
    drain(settings, observer, schema, queue_name)
    return tally(len(rounds), killed, acknowledged, observer, tcp, schema, queue_name)


def test_killed_anywhere_nothing_is_lost_and_nothing_comes_twice(
    lab: Lab, settings: Settings, observer: Driver, tcp: Transport, schema: str, queue_name: str
) -> None:
    rounds = [*placed(PLACED, schema, queue_name), *scattered(SCATTERED, schema, queue_name, seed=7)]
    found = run(rounds, lab, settings, observer, tcp)
    assert found == replace(found, lost=0, doubled=0, disordered=0, unknown=0)
    assert found.killed > len(rounds) / 2, "too few were killed to prove anything"
    assert found.jobs > len(rounds) / 2 * JOBS, "too few came far enough to prove anything"


def test_the_suite_can_fail(
    lab: Lab, settings: Settings, observer: Driver, tcp: Transport, schema: str, queue_name: str
) -> None:
    """Without deduplication jobs come twice, where an application dies between its push and its mark."""
    rounds = placed(LAST_INSTANT, schema, queue_name, deduplicate=False)
    found = run(rounds, lab, settings, observer, tcp)
    assert found.doubled > 0
    assert found.lost == 0
