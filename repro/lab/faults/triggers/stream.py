"""The bytes of one direction, for a parser that is a generator: it asks for some, and waits for them.

So a parser reads like its protocol, and finds the same however the bytes are cut.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeAlias, TypeVar

T = TypeVar("T")

Reading: TypeAlias = Generator[None, None, T]
"""Yields whenever it needs more bytes, and ends in a `T`."""

_LONGEST_NUMBER = 24


class Unintelligible(Exception):  # noqa: N818 - reads as what it says
    """The bytes are not of this protocol, or of a part of it that is not understood."""


class Stream:
    """Keeps what its parser has not read yet, and no more."""

    def __init__(self) -> None:
        self.position = 0
        """How many bytes the parser has read."""

        self._data = bytearray()
        self._suspected: int | None = None
        self._ignored = False

    def feed(self, data: bytes) -> None:
        """Add bytes as they arrived."""
        if self._ignored:
            self.position += len(data)
        else:
            self._data += data

    def ignore(self) -> None:
        """Count from now on, and keep nothing: the parser has ended."""
        self.position += len(self._data)
        self._data.clear()
        self._suspected = None
        self._ignored = True

    @property
    def decided(self) -> int:
        """How many of the bytes are certainly before the next thing that is looked for."""
        return self.position + len(self._data) if self._suspected is None else self._suspected

    def suspect(self) -> int:
        """Say that the thing may begin here, until `clear`; the position."""
        self._suspected = self.position
        return self.position

    def clear(self) -> None:
        """Say that it has begun, or does not begin where it was suspected to."""
        self._suspected = None

    def peek(self, size: int) -> Reading[bytes]:
        """The next bytes, which are read later."""
        while len(self._data) < size:
            yield
        return bytes(self._data[:size])

    def exactly(self, size: int) -> Reading[bytes]:
        """Read as many bytes."""
        data = yield from self.peek(size)
        self._drop(size)
        return data

    def some(self, at_most: int) -> Reading[bytes]:
        """Read at least one byte, and what else is there: how much depends on how the bytes are cut."""
        yield from self.peek(1)
        data = bytes(self._data[:at_most])
        self._drop(len(data))
        return data

    def skip(self, size: int) -> Reading[None]:
        """Read as many bytes, and keep none."""
        while size:
            size -= len((yield from self.some(size)))

    def matches(self, expected: bytes) -> Reading[bool]:
        """Whether these bytes come next, known with the first that differs; none is read."""
        while len(self._data) < len(expected) and expected.startswith(self._data):
            yield
        return self._data.startswith(expected)

    def until(self, marker: bytes) -> Reading[None]:
        """Read up to a marker, which is suspected then, as is all that may be its beginning before."""
        while (at := self._data.find(marker)) < 0:
            self._drop(len(self._data) - _overlap(self._data, marker))
            self.suspect()
            yield
        self._drop(at)
        self.suspect()

    def line(self, keep: int) -> Reading[bytes]:
        """Read a line; its beginning, as much as is to be kept, without its end."""
        kept = b""
        while (end := self._data.find(b"\n")) < 0:
            kept = (kept + self._data)[:keep]
            self._drop(len(self._data))
            yield
        kept = (kept + self._data[:end])[:keep]
        self._drop(end + 1)
        return kept.rstrip(b"\r")

    def number(self, base: int = 10) -> Reading[int]:
        """Read a line that is a number.

        Raises:
            Unintelligible: it is none.
        """
        while self._data.find(b"\n", 0, _LONGEST_NUMBER) < 0:
            if len(self._data) >= _LONGEST_NUMBER:
                raise Unintelligible("a number without an end")
            yield
        return number_of((yield from self.line(_LONGEST_NUMBER)), base)

    def _drop(self, size: int) -> None:
        del self._data[:size]
        self.position += size


def number_of(text: bytes, base: int = 10) -> int:
    """The number that a text is.

    Raises:
        Unintelligible: it is none.
    """
    try:
        return int(text, base)
    except ValueError as error:
        raise Unintelligible("a number is no number") from error


def _overlap(data: bytearray, marker: bytes) -> int:
    """How many of the last bytes are the beginning of the marker."""
    longest = min(len(data), len(marker) - 1)
    return next((size for size in range(longest, 0, -1) if data.endswith(marker[:size])), 0)
