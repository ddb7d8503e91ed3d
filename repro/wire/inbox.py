"""What one side has sent and nobody has read yet; readers are generators that pause for missing bytes."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TypeVar

T = TypeVar("T")
Reading = Generator[None, None, T]
"""Pauses (yields) until more bytes are there, and returns what was read."""

PIECE = 1 << 16
"""Bytes taken from a big chunk at a time."""


class Ended(Exception):  # noqa: N818 - no error: the side that is read has ended
    """The side has ended before what is read was complete."""


class Inbox:
    """Unread bytes of one side.

    Readers leave behind at most what they wait for. ``data`` and ``pos`` are for loops that must be fast.
    """

    __slots__ = ("_before", "_line", "data", "ended", "pos", "skipping")

    def __init__(self) -> None:
        self.data = b""
        self.pos = 0
        self.ended = False
        self.skipping = 0
        self._before = 0
        self._line = b""

    @property
    def unread(self) -> int:
        """Bytes that are here and were not read."""
        return len(self.data) - self.pos

    @property
    def offset(self) -> int:
        """Bytes read since the beginning."""
        return self._before + self.pos

    @property
    def size(self) -> int:
        """Bytes of memory held."""
        return len(self.data) + len(self._line)

    def pieces(self, data: bytes | memoryview) -> Iterator[bytes]:
        """The data without what is being skipped, in pieces whose copies are small."""
        if isinstance(data, bytes) and not self.skipping and len(data) <= PIECE:
            yield data
            return
        view = memoryview(data)
        view = view.cast("B") if view.c_contiguous and view.nbytes else memoryview(view.tobytes())
        start = 0
        while start < len(view):
            skipped = min(self.skipping, len(view) - start)
            self.skipping -= skipped
            self._before += skipped
            start += skipped
            yield bytes(view[start : start + PIECE])
            start += PIECE

    def push(self, piece: bytes) -> None:
        """Adds bytes."""
        self.data = self.data[self.pos :] + piece if self.pos < len(self.data) else piece
        self._before += self.pos
        self.pos = 0

    def compact(self) -> None:
        """Forgets what was read."""
        if self.pos:
            self._before += self.pos
            self.data = self.data[self.pos :]
            self.pos = 0

    def take_all(self) -> bytes:
        """All that is unread."""
        rest = self.data[self.pos :]
        self.pos = len(self.data)
        return rest

    def clear(self) -> None:
        """Forgets everything."""
        self.take_all()
        self.compact()
        self._line = b""
        self.skipping = 0

    def peek(self, count: int) -> Reading[bytes]:
        """The next bytes, left unread.

        Raises:
            Ended: fewer than that will come.
        """
        while len(self.data) - self.pos < count:
            if self.ended:
                raise Ended
            yield
        return self.data[self.pos : self.pos + count]

    def exactly(self, count: int) -> Reading[bytes]:
        """The next bytes.

        Raises:
            Ended: fewer than that will come.
        """
        taken = yield from self.peek(count)
        self.pos += count
        return taken

    def skip(self, count: int) -> Reading[None]:
        """Drops the next bytes without copying them.

        Raises:
            Ended: fewer than that will come.
        """
        here = min(count, len(self.data) - self.pos)
        self.pos += here
        self.skipping = count - here
        while self.skipping:
            if self.ended:
                self.skipping = 0
                raise Ended
            yield

    def prefix(self, keep: int, count: int) -> Reading[bytes]:
        """The first ``keep`` of the next ``count`` bytes; the rest is dropped.

        Raises:
            Ended: fewer than ``count`` will come.
        """
        kept = yield from self.exactly(min(keep, count))
        yield from self.skip(count - len(kept))
        return kept

    def line(self, keep: int) -> Reading[bytes]:
        """The next line without its end (CRLF, or LF alone); of a longer one, the first ``keep`` bytes.

        Raises:
            Ended: the line will not end.
        """
        while True:
            at = self.data.find(b"\n", self.pos)
            stop = at + 1 if at >= 0 else len(self.data)
            room = keep + 2 - len(self._line)
            self._line += self.data[self.pos : min(stop, self.pos + room)]
            self.pos = stop
            if at >= 0:
                line, self._line = self._line, b""
                return line.removesuffix(b"\n").removesuffix(b"\r")[:keep]
            if self.ended:
                self._line = b""
                raise Ended
            yield
