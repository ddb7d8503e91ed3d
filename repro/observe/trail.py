"""The events that are kept of one probe: a driver that reconnects without end must not fill the memory."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Mapping
from typing import Any

FIRST = 12_000
"""Events kept of a probe's begin."""

LAST = 3_000
"""Events kept of its end, where what failed stands."""

Line = dict[str, Any]


class Trail:
    """Takes a probe's events as they come; of very many the first and the last are kept."""

    def __init__(self) -> None:
        self._first: list[Line] = []
        self._last: deque[Line] = deque(maxlen=LAST)
        self._seen = 0
        self._peers: dict[tuple[Any, Any], Line] = {}

    def take(self, line: Line) -> None:
        """Take the next event."""
        self._seen += 1
        (self._first if len(self._first) < FIRST else self._last).append(self._slim(line))

    @property
    def left_out(self) -> int:
        """How many in the middle are not kept."""
        return self._seen - len(self._first) - len(self._last)

    def lines(self) -> list[Line]:
        """What is kept, in order; where something is left out, a note says so."""
        if not self.left_out:
            return [*self._first, *self._last]
        return [*self._first, _gap(self._first[-1], self.left_out), *self._last]

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
