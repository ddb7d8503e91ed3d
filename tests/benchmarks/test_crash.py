"""A thousand applications, killed: ``tests/persistence/crash`` at length."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pytest_benchmark.fixture import BenchmarkFixture

from repro.lab.process import Lab
from repro.persistence import Settings
from repro.persistence.drivers import Driver
from repro.persistence.transports import Transport
from tests.persistence.crash.harness import Tally, crash, drain, placed, scattered, tally

PLACED, SCATTERED = 600, 400


def test_a_thousand_deaths(
    lab: Lab,
    settings: Settings,
    observer: Driver,
    tcp: Transport,
    schema: str,
    queue_name: str,
    benchmark: BenchmarkFixture,
    say: Callable[[str], None],
) -> None:
    rounds = [*placed(PLACED, schema, queue_name), *scattered(SCATTERED, schema, queue_name, seed=1)]

    def run() -> Tally:
        killed, acknowledged = crash(rounds, lab.environment)
        drain(settings, observer, schema, queue_name)
        return tally(len(rounds), killed, acknowledged, observer, tcp, schema, queue_name)

    found = benchmark.pedantic(run, rounds=1)
    say(str(found))
    assert found == replace(found, lost=0, doubled=0, disordered=0, unknown=0)
