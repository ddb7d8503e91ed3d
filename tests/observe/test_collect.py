"""What the lines of a probe add up to."""

from __future__ import annotations

import pytest

from repro.observe.catalog import CATALOG
from repro.observe.collect import Collected


@pytest.mark.parametrize(
    ("dropped", "note"),
    [(0, []), (1_234, ["its trace holds the first 100,000 events; 1,234 more are not kept"])],
)
def test_events_that_are_not_kept_are_told_of(dropped: int, note: list[str]) -> None:
    found = Collected(CATALOG[0], events_dropped=dropped)
    assert found.interrupted("interrupted")["notes"] == note

    found.said = {"notes": ["its own"]}

    assert found.outcome()["notes"] == ["its own", *note]


def test_who_had_said_its_outcome_was_not_interrupted() -> None:
    found = Collected(CATALOG[0])
    found.said = {"status": "pass"}

    assert found.interrupted("interrupted")["status"] == "pass"
