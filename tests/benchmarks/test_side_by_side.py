"""`repro run` of all Python probes, against each probe alone: what running them side by side adds.

Nothing can be faster than the slowest probe alone, nor than the sum of all divided by the processors. The lab
runs already, so that its start is told apart; before the rounds everything is run once, so that files are
warm.
"""

from __future__ import annotations

import itertools
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from repro.lab.process import Lab
from repro.observe.catalog import CATALOG, Entry
from repro.observe.plan import Plan, available_cores
from repro.observe.progress import Silent
from repro.observe.run import observe

ROUNDS = 3
MOST = 1.3

Way = Callable[[Sequence[Entry]], None]


def observed(lab: Lab) -> Way:
    """The probes alone: their processes, from the first's start to the last's end."""
    numbers = itertools.count()

    def run(entries: Sequence[Entry]) -> None:
        plan = Plan(f"s{next(numbers)}", "env", dict(lab.environment), entries, commit=True)
        outcomes = observe(plan, Silent()).outcomes
        assert [each["status"] for each in outcomes] == ["pass"] * len(entries)

    return run


def commanded(lab: Lab, folder: Path) -> Way:
    """The command as a person types it: the interpreter's start, the probes, the report."""
    numbers = itertools.count()
    environ = {**os.environ, **lab.environment}

    def run(entries: Sequence[Entry]) -> None:
        only = ",".join(entry.name for entry in entries)
        out = str(folder / str(next(numbers)))
        command = ["-m", "repro", "run", "--target", "env", "--commit", "--only", only, "--out", out]
        subprocess.run([sys.executable, *command], env=environ, capture_output=True, check=True)

    return run


def seconds(way: Way, entries: Sequence[Entry]) -> float:
    began = time.perf_counter()
    way(entries)
    return time.perf_counter() - began


def medians(way: Way) -> tuple[float, Mapping[str, float]]:
    """Seconds of all side by side, and of each alone; all and each take turns."""
    way(CATALOG)
    whole: list[float] = []
    alone: dict[str, list[float]] = {entry.name: [] for entry in CATALOG}
    for _ in range(ROUNDS):
        whole.append(seconds(way, CATALOG))
        for entry in CATALOG:
            alone[entry.name].append(seconds(way, [entry]))
    return statistics.median(whole), {name: statistics.median(times) for name, times in alone.items()}


@pytest.mark.parametrize("what", ["the probes", "repro run"])
def test_side_by_side(what: str, lab: Lab, tmp_path: Path, say: Callable[[str], None]) -> None:
    way = observed(lab) if what == "the probes" else commanded(lab, tmp_path)

    whole_s, alone_s = medians(way)

    slowest = max(alone_s, key=alone_s.__getitem__)
    shared_s = sum(alone_s.values()) / available_cores()
    ratio = whole_s / max(alone_s[slowest], shared_s)
    say(
        f"{what}: {whole_s:.2f} s for all, {ratio:.2f} x the larger of {alone_s[slowest]:.2f} s ({slowest}) "
        f"and {shared_s:.2f} s (the sum of all, divided by {available_cores()} processors)"
    )
    assert ratio <= MOST


def test_the_start_of_the_lab(say: Callable[[str], None]) -> None:
    """No limit of its own: it is what `repro run` waits for besides, while the drivers load."""

    def start() -> float:
        began = time.perf_counter()
        with Lab.launch() as lab:
            lab.wait_ready(60)
            return time.perf_counter() - began

    say(f"the lab's start: {statistics.median(start() for _ in range(ROUNDS)):.2f} s")
