"""Where something stands, counted."""

from __future__ import annotations

from repro.report.places import Places


def test_the_first_places_are_named_and_the_others_counted() -> None:
    here = Places(2)

    for place in ("a", "a", "b", "c", "c", "d", "a"):
        here.add(place)

    assert here.named == {"a": 3, "b": 1}
    assert (here.times, here.more) == (7, 2)
