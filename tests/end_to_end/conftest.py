"""Runs the command line as a person does: in a process of its own, from an empty folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from repro.lab.process import Lab
from repro.observe.process import SETTINGS

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 120


@dataclass(frozen=True)
class Command:
    """The command line, with nothing of this process's own target in its environment."""

    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    module: str = "repro"

    def environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if name not in SETTINGS}
        return {**inherited, "PYTHONPATH": str(ROOT), **self.variables}

    def arguments(self, *arguments: str) -> Sequence[str]:
        return [sys.executable, "-m", self.module, *arguments]

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.arguments(*arguments),
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            env=self.environment(),
            timeout=DEADLINE_S,
            stdin=subprocess.DEVNULL,
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.arguments(*arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
        )


@pytest.fixture
def command(tmp_path: Path) -> Callable[..., Command]:
    """Makes a command line with these variables in its environment."""

    def make(**variables: str) -> Command:
        return Command(tmp_path, variables)

    return make


@pytest.fixture(scope="module")
def own_lab() -> Iterator[Lab]:
    """A lab whose passwords a test may change."""
    with Lab.launch() as lab:
        lab.wait_ready(60)
        yield lab
