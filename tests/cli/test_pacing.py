"""How far a bench is."""

from __future__ import annotations

import io
import sys

import pytest

from repro.cli.pacing import in_words, shown


def test_the_line_has_a_bar_and_what_is_left() -> None:
    line = in_words("measuring", 12, 24, 95.7)

    assert line == f"measuring   {'█' * 12}{'░' * 12} 12 of 24 rounds, at most 96 s left"


def test_it_is_ascii_where_nothing_else_can_be_shown() -> None:
    assert in_words("starting", 1, 12, 9.0, ascii_only=True).isascii()


@pytest.mark.parametrize(("done", "of"), [(0, 0), (0, 5), (5, 5), (1, 1000)])
def test_it_is_always_as_wide(done: int, of: int) -> None:
    bar = in_words("connecting", done, of, 1.0).split("  ")[-1]

    assert sum(bar.count(each) for each in "█░") == 24


def test_a_pipe_is_told_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = io.StringIO()
    monkeypatch.setattr(sys, "stderr", pipe)

    with shown({"TERM": "xterm"}) as progress:
        progress("measuring", 1, 2, 3.0)

    assert pipe.getvalue() == ""
