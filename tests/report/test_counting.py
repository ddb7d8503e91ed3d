"""Numbers of things in words, and the marks of what was left out."""

from __future__ import annotations

import pytest

from repro.report.counting import CUT, are, counted, left_out, more_in_run, times


@pytest.mark.parametrize(("number", "words"), [(0, "0 events"), (1, "1 event"), (1234, "1,234 events")])
def test_a_number_of_things(number: int, words: str) -> None:
    assert counted(number, "event") == words


def test_the_plural_of_a_word() -> None:
    assert counted(2, "address") == "2 addresses"
    assert counted(2, "entry", "entries") == "2 entries"
    assert times(1, 1) == "1 of 1 time"
    assert times(0, 3) == "0 of 3 times"


@pytest.mark.parametrize("number", [1, 2, 1200])
def test_every_mark_of_a_cut_is_read_with_its_number(number: int) -> None:
    marks = [
        left_out(number, "line"),
        left_out(number, "link"),
        f"{are(number, 'step')} left out",
        f"{are(number, 'step')} on more connections, and not drawn",
        more_in_run(number, "probe"),
        more_in_run(number, "failing probe"),
        more_in_run(number, "finding"),
        f"{counted(number, 'link')} left out",
    ]
    for mark in marks:
        found = CUT.search(mark)
        assert found is not None, mark
        assert found.lastgroup is not None
        assert found[found.lastgroup] == f"{number:,}"
