"""The events that are kept of one probe: a driver that reconnects without end must not fill the memory."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

FIRST = 12_000
"""Events kept of a probe's begin."""

LAST = 3_000
"""Events kept of its end, where what failed stands."""

Line = dict[str, Any]
T = TypeVar("T")


class Ends(Generic[T]):
    """Takes things as they come; of very many the first and the last are kept."""

    def __init__(self) -> None:
        self.first: list[T] = []
        self.last: deque[T] = deque(maxlen=LAST)
        self.seen = 0

    def take(self, each: T) -> None:
        """Take the next one."""
        self.seen += 1
        (self.first if len(self.first) < FIRST else self.last).append(each)

    @property
    def left_out(self) -> int:
        """How many in the middle are not kept."""
        return self.seen - len(self.first) - len(self.last)


class Trail:
    """Takes a probe's events as they come, and keeps their `Ends`."""

    def __init__(self) -> None:
        self._ends: Ends[Line] = Ends()
        self._peers: dict[tuple[Any, Any], Line] = {}

    def take(self, line: Line) -> None:
        """Take the next event."""
        self._ends.take(self._slim(line))

    @property
    def left_out(self) -> int:
        """How many in the middle are not kept."""
        return self._ends.left_out

    def lines(self) -> list[Line]:
        """What is kept, in order; where something is left out, a note says so."""
        first, last = self._ends.first, self._ends.last
        gap = [_gap(first[-1], self.left_out)] if self.left_out else []
        return [*first, *gap, *last]

    def _slim(self, line: Line) -> Line:
        """The same event with the names and the far end that it has in common with others."""
        slim = {sys.intern(name): value for name, value in line.items()}
        peer = slim.get("peer")
        if isinstance(peer, dict):
            slim["peer"] = self._peers.setdefault((peer.get("address"), peer.get("port")), peer)
        return slim


def _gap(before: Mapping[str, Any], left_out: int) -> Line:
    return {
        **dict.fromkeys(("conn", "pid", "peer", "failure", "errno")),
        "seq": before["seq"],
        "t0": before["t"],
        "t": before["t"],
        "src": "observer",
        "op": "note",
        "text": f"here {left_out:,} events are not kept",
    }
