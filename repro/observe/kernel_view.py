"""What the kernel sees of one probe, collected beside what the probe says of itself."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from repro.events import Event
from repro.observe.trail import Ends
from repro.trace.kernel import KernelSource, View
from repro.trace.tap import Tap

NOT_LINUX = View(None, "the kernel can be asked on Linux only")


class KernelView:
    """Starts a probe under the kernel's eyes, where that is possible; where it is not, it says why.

    Args:
        wanted: false for a repetition after a view that was lost.
        tap: lead connections through a tap.
    """

    def __init__(self, *, wanted: bool = True, tap: bool = False) -> None:
        self._seen: Ends[tuple[int, int, Event]] = Ends()
        usable = wanted and sys.platform.startswith("linux")
        self._tap = Tap(self._take) if usable and tap else None
        detour = None if self._tap is None else self._tap.detour
        self._source = KernelSource(self._take, detour=detour) if usable else None
        self._unseen = NOT_LINUX if wanted else View(None, "the view was lost in the first try", lost=True)

    def command(self, argv: Sequence[str]) -> list[str]:
        """What is to be started in the place of a command."""
        return list(argv) if self._source is None else self._source.command(argv)

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What the process has to inherit."""
        return () if self._source is None else self._source.descriptors

    def begin(self) -> None:
        """The process has been started."""
        if self._source is not None:
            self._source.watch()

    def end(self) -> None:
        """The process and all it started have ended. Safe to repeat."""
        if self._source is not None:
            self._source.stop()
        if self._tap is not None:
            self._tap.close()

    def view(self) -> View:
        """What could be seen."""
        return self._unseen if self._source is None else self._source.view()

    @property
    def is_whole(self) -> bool:
        """Whether all that was seen is kept."""
        return not self._seen.left_out

    def lines(self, origin: float) -> list[dict[str, Any]]:
        """What was seen, as trace lines.

        Args:
            origin: the run's start, in seconds of the monotonic clock.
        """
        return [
            event.as_json(seq=number, pid=process, origin=origin)
            for number, process, event in (*self._seen.first, *self._seen.last)
        ]

    def _take(self, process: int, event: Event) -> None:
        self._seen.take((self._seen.seen + 1, process, event))


def head(view: View) -> dict[str, Any]:
    """The line that says what the kernel's view was; it becomes part of the trace's visibility record."""
    return {
        **dict.fromkeys(("conn", "pid", "peer", "failure", "errno")),
        "seq": 0,
        "t0": 0.0,
        "t": 0.0,
        "src": "kernel",
        "op": "visibility",
        "kernel": view.source or "none",
        "kernel.reason": view.reason,
        "kernel.lost": view.lost,
    }
