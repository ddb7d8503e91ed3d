"""Stopped at any moment: no server, no process, no half-written run, nothing on the target.

Many more instants of each command: ``pytest tests/benchmarks/test_interruption.py``.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from repro.lab.process import Lab
from tests.end_to_end.conftest import Command
from tests.end_to_end.interrupting import (
    COMMANDS,
    SIGNALS,
    in_good_order,
    lasts_s,
    left_on,
    no_half_written_run,
    schemas,
    stopped,
)

Make = Callable[..., Command]

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")

INSTANTS_S = (0.0, 0.6, 1.1, 1.7, 2.4)
"""Moments of a run: before the lab is up, while the first probes run, near the end."""

PARTS = (0.3, 0.6, 0.9)
"""Moments of a command, of the time that it takes."""


@pytest.mark.parametrize(
    ("instant_s", "number"), [(each, SIGNALS[place % 3]) for place, each in enumerate(INSTANTS_S)]
)
def test_a_signal_ends_a_run_and_everything_of_it(
    command: Make, tmp_path: Path, instant_s: float, number: int
) -> None:
    found = stopped(command(), ["run"], instant_s=instant_s, number=number)

    in_good_order(COMMANDS["run"], found, number)
    no_half_written_run(tmp_path)


@pytest.mark.parametrize("instant_s", INSTANTS_S[1:4])
def test_kill_9_takes_everything_down(command: Make, tmp_path: Path, instant_s: float) -> None:
    found = stopped(command(), ["run"], instant_s=instant_s, number=signal.SIGKILL)

    assert found.processes == set()
    no_half_written_run(tmp_path, empty_is_fine=True)  # the place that was tried for writing


@pytest.mark.parametrize("number", SIGNALS)
def test_what_is_there_when_the_signal_comes_is_removed(command: Make, own_lab: Lab, number: int) -> None:
    process = command(**own_lab.environment).start("run", "--commit", "--only", "tcp.*")
    with psycopg.connect(own_lab.environment["DATABASE_URL"], autocommit=True) as database:
        while not schemas(database):
            assert process.poll() is None
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)

    assert process.returncode == 130, errors
    assert left_on(own_lab) == []
    assert "left behind" not in errors


def test_a_second_ctrl_c_gives_the_removal_up_and_names_what_it_leaves(command: Make, own_lab: Lab) -> None:
    process = command(**own_lab.environment).start("run", "--commit", "--only", "tcp.*")
    assert process.stderr is not None
    with psycopg.connect(own_lab.environment["DATABASE_URL"], autocommit=True) as database:
        while not schemas(database):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        said = ""
        while "stopping: the probes are ended, and what they made is removed" not in said:
            line = process.stderr.readline()
            assert line, said
            said += line
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)

        left = schemas(database)
        for name in left:
            database.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)))

    assert process.returncode == 130
    assert "Traceback" not in errors
    told = [f'to remove it: DROP SCHEMA IF EXISTS "{name}" CASCADE' for name in left]
    assert [each for each in told if each not in errors] == [], errors
    no_half_written_run(command().folder)


@pytest.fixture(scope="module")
def durations() -> dict[str, float]:
    """What each command takes that nobody stops, in seconds, once it was measured."""
    return {}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("name", COMMANDS)
def test_a_signal_ends_any_command(
    own_lab: Lab, tmp_path: Path, durations: dict[str, float], name: str, part: float
) -> None:
    to_stop = COMMANDS[name]
    command = to_stop.on(own_lab, tmp_path)
    if name not in durations:
        durations[name] = lasts_s(command, to_stop)
    number = SIGNALS[PARTS.index(part)]

    found = stopped(command, to_stop.words, instant_s=part * durations[name], number=number)

    in_good_order(to_stop, found, number)
    assert left_on(own_lab) == []
    no_half_written_run(tmp_path)
