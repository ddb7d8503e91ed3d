"""A run of a million events: how long each command takes, against a tenth of it, and how much memory."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.benchmarks.long_runs import write

MOST_MB = 200
LINEAR = 1.5
"""What ten times the events may take, over ten times the time."""

COMMANDS = {
    "report.md": ["report", "RUN", "--for", "nobody"],
    "--for psycopg": ["report", "RUN", "--for", "psycopg"],
    "report.html": ["report", "RUN", "--format", "html"],
    "junit": ["report", "RUN", "--format", "junit"],
    "--preview": ["report", "RUN", "--preview"],
    "diff": ["diff", "RUN", "RUN"],
    "decide": ["decide", "RUN", "--force", "--out", "OUT"],
}


@dataclass(frozen=True)
class Cost:
    """What a command took: seconds of the processor, and MB at most."""

    seconds: float
    mb: float


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Runs by how many probes and events they have."""
    folder = tmp_path_factory.mktemp("runs")
    sizes = {"1 x 100,000": (1, 100_000), "1 x 500,000": (1, 500_000), "1 x 1,000,000": (1, 1_000_000)}
    sizes |= {"100 x 10,000": (100, 10_000)}
    return {name: write(folder / name.replace(" ", ""), *size) for name, size in sizes.items()}


def cost(command: list[str], run: Path, out: Path) -> Cost:
    """Carry a command out in a process of its own."""
    words = [{"RUN": str(run), "OUT": str(out)}.get(word, word) for word in command]
    return cost_of("repro", *words)


def cost_of(module: str, *words: str) -> Cost:
    """Run a module in a process of its own."""
    child = subprocess.Popen(
        [sys.executable, "-m", module, *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert child.stderr is not None
    said = child.stderr.read().decode()
    child.stderr.close()
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0, said
    return Cost(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


@pytest.mark.parametrize("name", COMMANDS)
def test_time_is_linear_and_memory_flat(
    name: str, runs: dict[str, Path], tmp_path: Path, say: Callable[[str], None]
) -> None:
    costs = {size: cost(COMMANDS[name], run, tmp_path) for size, run in runs.items()}

    told = ", ".join(f"{size}: {each.seconds:.1f} s {each.mb:.0f} MB" for size, each in costs.items())
    say(f"{name:<14}{told}")
    assert max(each.mb for each in costs.values()) <= MOST_MB
    assert costs["1 x 1,000,000"].seconds <= 10 * LINEAR * costs["1 x 100,000"].seconds


def test_a_million_events_are_recorded_and_diagnosed(say: Callable[[str], None]) -> None:
    sizes = {"10 x 10,000": ("10", "10000"), "10 x 100,000": ("10", "100000")}
    costs = {size: cost_of("tests.benchmarks.recording", *words) for size, words in sizes.items()}

    told = ", ".join(f"{size}: {each.seconds:.1f} s {each.mb:.0f} MB" for size, each in costs.items())
    say(f"{'recorded':<14}{told}")
    assert max(each.mb for each in costs.values()) <= MOST_MB
    assert costs["10 x 100,000"].seconds <= 10 * LINEAR * costs["10 x 10,000"].seconds
