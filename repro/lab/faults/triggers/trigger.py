"""What all triggers are: readers of one connection that say where the thing they are named for stands."""

from __future__ import annotations

from typing import Literal, NamedTuple

from repro.lab.faults.triggers.stream import Reading, Stream, Unintelligible

Side = Literal["client", "server"]
"""Who has sent the bytes."""


class Mark(NamedTuple):
    """One end of the named thing.

    Args:
        what: which end.
        at: how many bytes of its side come before it.
    """

    what: Literal["begins", "ends"]
    at: int


class Trigger:
    """Finds a thing in a connection as often as it is there; where it does not understand, it finds none.

    It is fed both sides, each byte before it is handed on: what is an answer shows by what was asked before.

    Args:
        side: who sends the thing.
    """

    def __init__(self, side: Side) -> None:
        self.side = side
        self._marks: list[Mark] = []
        self._streams: dict[Side, Stream] = {"client": Stream(), "server": Stream()}
        self._readings: dict[Side, Reading[None]] = {
            "client": self._client(self._streams["client"]),
            "server": self._server(self._streams["server"]),
        }

    def feed(self, side: Side, data: bytes) -> list[Mark]:
        """Take bytes as they arrived; the marks that show by now, in their order."""
        stream = self._streams[side]
        stream.feed(data)
        try:
            if side in self._readings:
                next(self._readings[side])
        except (StopIteration, Unintelligible):
            del self._readings[side]
            stream.ignore()
        marks, self._marks = self._marks, []
        return marks

    @property
    def decided(self) -> int:
        """How many bytes of its side are certainly before the next thing; the others must wait."""
        return self._streams[self.side].decided

    def _client(self, stream: Stream) -> Reading[None]:  # noqa: ARG002 - for triggers that read this side
        """Read what the client sends."""
        yield from ()

    def _server(self, stream: Stream) -> Reading[None]:  # noqa: ARG002
        """Read what the server sends."""
        yield from ()

    def _begins(self, at: int) -> None:
        self._streams[self.side].clear()
        self._marks.append(Mark("begins", at))

    def _ends(self, at: int) -> None:
        self._marks.append(Mark("ends", at))
