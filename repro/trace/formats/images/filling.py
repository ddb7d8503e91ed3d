"""Filler: what stands for bytes that a trace does not keep."""

from __future__ import annotations

FILLER = b"x"


def filler(count: int) -> bytes:
    """So many bytes of filler; none for a negative number."""
    return FILLER * count


def exactly(data: bytes, length: int, fill: bytes = FILLER) -> bytes:
    """The data, cut or filled up at its end to ``length`` bytes."""
    return data[:length].ljust(length, fill)


def utf8(words: str) -> bytes:
    """The text's bytes; half a surrogate pair becomes a question mark, a NUL a space: both end C strings."""
    return words.replace("\0", " ").encode("utf-8", "replace")


def numbered(before: bytes, after: bytes, room: int) -> bytes | None:
    """``before``, a decimal count, ``after``, and as many bytes of filler as the count says: ``room`` in all.

    At some lengths no count fits, because it grows by a digit: there it has a zero in front.

    Returns:
        The bytes, or None where there is no room for a count.
    """
    free = room - len(before) - len(after)
    if free < 1:
        return None
    digits = next(each for each in range(1, 20) if free - each < 10**each)
    count = free - digits
    return before + b"%0*d" % (digits, count) + after + filler(count)
