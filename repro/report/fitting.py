"""Fits a text into an issue: with as much of what may be long as there is room for."""

from __future__ import annotations

from collections.abc import Callable

from repro.report.failure import Room

LIMIT = 60_000
"""Characters of a report, fewer than which it has. GitHub refuses an issue's body of more than 65,536."""


def size(text: str) -> int:
    """The characters of a text as a browser counts them: two for one beyond the basic plane."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def fitted(render: Callable[[Room], str]) -> str:
    """A text with the most room with which it stays under the limit; with no room at all where none does.

    Args:
        render: makes the text with a given room; it is asked again and again, each time with less.
    """
    room = Room()
    while True:
        text = render(room)
        if size(text) < LIMIT or room.probes == 0:
            return text
        room = room.less()
