"""What tests everywhere share: one running lab."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from repro.lab.process import Lab

BENCHMARKS = Path(__file__).with_name("benchmarks")

settings.register_profile("same", derandomize=True)
settings.register_profile("random", settings.get_profile("default"), max_examples=1_000)
settings.load_profile("same")


def pytest_configure() -> None:
    """Signals mean what they mean on a terminal, also where a shell started the tests in its background.

    Such a shell has its children ignore SIGINT, and ``nohup`` SIGHUP; what ignores a signal hands that on.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


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
