"""What tests everywhere share: one running lab."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from repro.lab.process import Lab

BENCHMARKS = Path(__file__).with_name("benchmarks")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Benchmarks run only where they are named: ``pytest tests/benchmarks``."""
    named = any("benchmarks" in argument for argument in config.args)
    return True if collection_path == BENCHMARKS and not named else None


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """A ready lab, one for the whole session: leave its servers running and its data as they were."""
    with Lab.launch() as running:
        running.wait_ready(60)
        yield running
