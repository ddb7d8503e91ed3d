"""The program with another package beside it, as pip would have installed it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def repro(site: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end.

    Args:
        site: the folder of the other package; it is the home of the program and where it runs.
        arguments: of `repro`.
        variables: of its environment, ``PATH`` among them if more than the system's is wanted.
    """
    return subprocess.run(
        [sys.executable, "-m", "repro", *arguments],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{ROOT}:{site}", "HOME": str(site), **variables},
        cwd=site,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
