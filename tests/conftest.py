"""What tests everywhere share: one running lab."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from repro.lab.process import Lab


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """A ready lab, one for the whole session: leave its servers running and its data as they were."""
    with Lab.launch() as running:
        running.wait_ready(60)
        yield running
