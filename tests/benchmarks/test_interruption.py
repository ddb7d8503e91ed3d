"""Stopped at many instants of its life, every command leaves nothing behind (some minutes).

``pytest tests/benchmarks/test_interruption.py``
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from repro.lab.process import Lab
from tests.end_to_end.interrupting import (
    COMMANDS,
    SIGNALS,
    in_good_order,
    lasts_s,
    left_on,
    no_half_written_run,
    stopped,
)

INSTANTS = 24
"""Evenly over the time that the command takes, and a tenth more."""


@pytest.fixture(scope="module")
def own_lab() -> Iterator[Lab]:
    with Lab.launch() as lab:
        lab.wait_ready(60)
        yield lab


@pytest.mark.parametrize("name", COMMANDS)
def test_a_signal_at_many_instants(
    own_lab: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    to_stop = COMMANDS[name]
    command = to_stop.on(own_lab, tmp_path)
    whole_s = lasts_s(command, to_stop)
    wrong = []
    for place in range(INSTANTS):
        number = SIGNALS[place % 3]
        instant_s = 1.1 * whole_s * place / INSTANTS
        found = stopped(command, to_stop.words, instant_s=instant_s, number=number)
        try:
            in_good_order(to_stop, found, number)
            assert left_on(own_lab) == []
            no_half_written_run(tmp_path)
        except AssertionError as error:
            wrong.append(f"{number.name} at {instant_s:.2f} s: {error}")
    with capsys.disabled():
        sys.stdout.write(f"\n{name}: {INSTANTS} instants over {1.1 * whole_s:.1f} s, {len(wrong)} wrong\n")

    assert not wrong, "\n".join(wrong)
