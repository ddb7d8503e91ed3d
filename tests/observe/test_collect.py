"""What the lines of a probe add up to."""

from __future__ import annotations

import pytest

from repro.events import Event, Peer
from repro.observe.catalog import CATALOG
from repro.observe.collect import Collected
from repro.observe.trail import FIRST, LAST

LEFT_OUT = "its trace holds the first 12,000 events and the last 3,000; 1,234 between them are not kept"


@pytest.mark.parametrize(("left_out", "note"), [(0, []), (1_234, [LEFT_OUT])])
def test_events_that_are_not_kept_are_told_of(left_out: int, note: list[str]) -> None:
    found = Collected(CATALOG[0])
    line = Event("connect", 0.0, 1.0, peer=Peer("127.0.0.1", 1)).as_json(seq=1, pid=1, origin=0.0)
    for _ in range(FIRST + LAST + left_out):
        found.trail.take(line)
    assert found.interrupted("interrupted")["notes"] == note

    found.said = {"notes": ["its own"]}

    assert found.outcome()["notes"] == ["its own", *note]


def test_who_had_said_its_outcome_was_not_interrupted() -> None:
    found = Collected(CATALOG[0])
    found.said = {"status": "pass"}

    assert found.interrupted("interrupted")["status"] == "pass"
