"""Of very many events the first and the last are kept, and it is said how many are not."""

from __future__ import annotations

from typing import Any

import pytest

from repro.document.schema import validate_event
from repro.events import Event, Peer
from repro.observe import trail
from repro.observe.trail import Trail


def trace_line(number: int) -> dict[str, Any]:
    event = Event("connect", float(number), number + 0.5, src="hook", peer=Peer("127.0.0.1", 5432))
    return event.as_json(seq=number, pid=1, origin=0.0)


def trail_of(count: int) -> Trail:
    found = Trail()
    for number in range(1, count + 1):
        found.take(trace_line(number))
    return found


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trail, "FIRST", 10)
    monkeypatch.setattr(trail, "LAST", 4)


@pytest.mark.parametrize("count", [0, 1, 10, 11, 14])
def test_what_fits_is_kept_whole(count: int) -> None:
    found = trail_of(count)
    assert found.lines() == [trace_line(number) for number in range(1, count + 1)]
    assert found.left_out == 0


def test_of_more_the_first_and_the_last_are_kept_and_a_note_stands_between() -> None:
    found = trail_of(1_020)

    lines = found.lines()

    assert [line["seq"] for line in lines] == [*range(1, 11), 10, *range(1_017, 1_021)]
    assert found.left_out == 1_006
    assert (lines[10]["op"], lines[10]["text"]) == ("note", "here 1,006 events are not kept")
    assert lines[9]["t"] <= lines[10]["t"] <= lines[11]["t"]
    validate_event(lines[10])


def test_what_events_have_in_common_is_in_memory_once() -> None:
    first, second = trail_of(2).lines()

    assert first["peer"] is second["peer"]
    assert {id(name) for name in first} == {id(name) for name in second}
