"""RESP2, the wire protocol of Redis, without I/O: commands to bytes, bytes to replies.

https://redis.io/docs/latest/develop/reference/protocol-spec/
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class ErrorReply:
    """An error that the server answered with, its code included, such as ``WRONGTYPE Operation …``."""

    message: str


Reply: TypeAlias = "bytes | int | ErrorReply | list[Reply] | None"
"""What a server answers: a string of either kind, a number, nil, an error, or a list of these."""


class ProtocolViolation(Exception):  # noqa: N818 - reads as what it says
    """The bytes are not RESP2."""


def encode_command(arguments: Sequence[bytes]) -> bytes:
    """A command as an array of bulk strings."""
    parts = [b"*%d\r\n" % len(arguments)]
    parts += [b"$%d\r\n%s\r\n" % (len(argument), argument) for argument in arguments]
    return b"".join(parts)


class Decoder:
    """Cuts a stream into replies, however it is chunked, looking at each byte once."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._open: list[_OpenList] = []

    def feed(self, data: bytes) -> None:
        """Add bytes as they arrived."""
        self._data += data

    def replies(self) -> list[Reply]:
        """Every reply that is complete by now, each once.

        Raises:
            ProtocolViolation: the bytes are not RESP2.
        """
        found: list[Reply] = []
        position = 0
        while (piece := _piece(self._data, position)) is not None:
            value, position = piece
            if isinstance(value, _OpenList):
                self._open.append(value)
            else:
                found += self._placed(value)
        del self._data[:position]
        return found

    def _placed(self, value: Reply) -> list[Reply]:
        """Put a value into the list that it belongs to; a list that is full now is a value in turn."""
        while self._open:
            innermost = self._open[-1]
            innermost.items.append(value)
            if len(innermost.items) < innermost.size:
                return []
            value = self._open.pop().items
        return [value]


@dataclass(slots=True)
class _OpenList:
    """A list whose items have not all arrived."""

    size: int
    items: list[Reply] = field(default_factory=list)


_Piece: TypeAlias = "tuple[Reply | _OpenList, int]"


def _piece(data: bytearray, position: int) -> _Piece | None:
    """The value, or head of a list, at a position, and the position after it; None until it is complete."""
    end = data.find(b"\r\n", position)
    if end < 0:
        return None
    kind, line = data[position : position + 1], bytes(data[position + 1 : end])
    match bytes(kind):
        case b"+":
            return line, end + 2
        case b"-":
            return ErrorReply(line.decode("utf-8", "replace")), end + 2
        case b":":
            return _number(line), end + 2
        case b"$":
            return _bulk(data, end + 2, _number(line))
        case b"*":
            return _list(_number(line)), end + 2
    raise ProtocolViolation("a reply of unknown type")


def _number(line: bytes) -> int:
    try:
        return int(line)
    except ValueError as error:
        raise ProtocolViolation("a number is no number") from error


def _bulk(data: bytearray, start: int, size: int) -> _Piece | None:
    if size < 0:
        return None, start
    end = start + size
    return (bytes(data[start:end]), end + 2) if len(data) >= end + 2 else None


def _list(size: int) -> Reply | _OpenList:
    if size < 0:
        return None
    return _OpenList(size) if size else []
