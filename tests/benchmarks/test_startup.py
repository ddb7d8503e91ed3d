"""How soon a command answers, against an interpreter that does nothing."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.benchmarks.conftest import Paired

ROUNDS = 40
REPRO = Path(sysconfig.get_path("scripts")) / "repro"
BARE = [sys.executable, "-c", "pass"]


def started(*command: str | Path) -> Callable[[], object]:
    """What runs a command to its end and shows nothing of it."""
    return lambda: subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)


@pytest.mark.skipif(not REPRO.exists(), reason="the package is not installed")
@pytest.mark.parametrize(
    ("arguments", "most"),
    [
        (["--help"], 3.0),
        (["run", "--help"], 4.5),
        (["explain", "tcp-refused"], 15.0),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_answers_at_once(
    paired: Paired, say: Callable[[str], None], arguments: list[str], most: float
) -> None:
    ratio, ours, bare = paired(started(REPRO, *arguments), started(*BARE), ROUNDS)

    say(f"repro {' '.join(arguments)}: {ours:.0f} ms, {ratio:.2f} x a bare interpreter's {bare:.0f} ms")
    assert ratio <= most
