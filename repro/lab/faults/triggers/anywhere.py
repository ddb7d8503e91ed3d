"""Triggers that know no protocol: some bytes wherever they are, and the answer to a request with some."""

from __future__ import annotations

from repro.lab.faults.triggers.stream import Reading, Stream
from repro.lab.faults.triggers.trigger import Side, Trigger

_CHUNK = 1 << 16


class Bytes(Trigger):
    """Some bytes in one direction.

    Args:
        side: who sends them.
        marker: what is looked for; not empty.

    Raises:
        ValueError: it is empty.
    """

    def __init__(self, side: Side, marker: bytes) -> None:
        super().__init__(side)
        self._marker = not_empty(marker)

    def _client(self, stream: Stream) -> Reading[None]:
        yield from self._search("client", stream)

    def _server(self, stream: Stream) -> Reading[None]:
        yield from self._search("server", stream)

    def _search(self, side: Side, stream: Stream) -> Reading[None]:
        while side == self.side:
            yield from stream.until(self._marker)
            self._begins(stream.position)
            yield from stream.skip(len(self._marker))
            self._ends(stream.position)


class AnswerTo(Trigger):
    """The answer to a request that holds some bytes, in a protocol where client and server take turns.

    RESP without pipelining and HTTP/1.1 are such: a request is all that the client sends between two answers.
    Where such an answer ends cannot be seen, so there is nothing after it.

    Args:
        marker: what the request holds, such as ``EVAL``; not empty.

    Raises:
        ValueError: it is empty.
    """

    def __init__(self, marker: bytes) -> None:
        super().__init__("server")
        self._marker = not_empty(marker)
        self._asked = False
        self._turn = 0

    def _client(self, stream: Stream) -> Reading[None]:
        recent, turn = b"", self._turn
        while True:
            data = yield from stream.some(_CHUNK)
            recent = recent + data if turn == self._turn else data
            turn = self._turn
            self._asked = self._asked or self._marker in recent
            recent = recent[max(0, len(recent) - len(self._marker) + 1) :]

    def _server(self, stream: Stream) -> Reading[None]:
        while True:
            yield from stream.peek(1)
            if self._asked:
                self._begins(stream.position)
            self._asked = False
            self._turn += 1
            yield from stream.some(_CHUNK)


def not_empty(marker: bytes) -> bytes:
    """The bytes themselves.

    Raises:
        ValueError: they are none.
    """
    if not marker:
        raise ValueError("the bytes to look for are none")
    return marker
