"""Where in a connection's bytes a fault is placed, without I/O.

A trigger sees both directions of one connection. It passes on what comes before the named thing and, from its
first byte on, nothing: so the fault can come before it. Bytes that may be the beginning of the thing are held
until that is decided, so the answer is the same for every chunking. What does not speak the protocol passes.
"""

from __future__ import annotations

import struct
from typing import Literal, NamedTuple, Protocol

Side = Literal["client", "server"]
"""Who has sent the bytes."""

_SSL_REQUEST = 1234 << 16 | 5679
_GSS_REQUEST = 1234 << 16 | 5680
_MAX_STARTUP = 10_000


class Passed(NamedTuple):
    """What becomes of bytes that arrived.

    Args:
        forward: those to hand on.
        fired: the named thing has begun; it is not among them.
    """

    forward: bytes
    fired: bool


class Trigger(Protocol):
    """Finds one thing in a connection, once."""

    def feed(self, side: Side, data: bytes) -> Passed:
        """Take bytes of one side, in the order in which they arrived; not any more once it has fired."""

    def rest(self, side: Side) -> bytes:
        """What is held of a side whose stream ends, or whose fault was called off."""


class Bytes:
    """The first occurrence of some bytes in one direction.

    Args:
        side: who sends them.
        marker: what is looked for; not empty.
    """

    def __init__(self, side: Side, marker: bytes) -> None:
        self._side, self._marker = side, marker
        self._held = b""

    def feed(self, side: Side, data: bytes) -> Passed:
        """Look for the marker."""
        if side != self._side:
            return Passed(data, fired=False)
        data = self._held + data
        at = data.find(self._marker)
        if at >= 0:
            return Passed(data[:at], fired=True)
        keep = _overlap(data, self._marker)
        self._held = data[len(data) - keep :]
        return Passed(data[: len(data) - keep], fired=False)

    def rest(self, side: Side) -> bytes:
        """What may have been the beginning of the marker."""
        return self._held if side == self._side else b""


class AnswerTo:
    """The answer to a request that holds some bytes, in a protocol where client and server take turns.

    RESP without pipelining and HTTP/1.1 are such: a request is all that the client sends between two answers.

    Args:
        marker: what the request holds, such as ``EVAL``.
    """

    def __init__(self, marker: bytes) -> None:
        self._marker = marker
        self._recent = b""
        self._asked = False

    def feed(self, side: Side, data: bytes) -> Passed:
        """Look for the request, then for what comes back."""
        if side == "server":
            if self._asked:
                return Passed(b"", fired=True)
            self._recent = b""
        elif not self._asked:
            seen = self._recent + data
            self._asked = self._marker in seen
            self._recent = seen[-len(self._marker) :]
        return Passed(data, fired=False)

    def rest(self, side: Side) -> bytes:  # noqa: ARG002 - nothing is held
        """Nothing: it holds nothing back."""
        return b""


class PostgresMessage:
    """A message of Postgres's protocol, version 3, without TLS.

    Layouts: https://www.postgresql.org/docs/current/protocol-message-formats.html

    Args:
        side: who sends it.
        kind: its type byte, such as ``C`` for CommandComplete.
        starts: what its payload begins with, such as ``COMMIT``.
    """

    def __init__(self, side: Side, kind: bytes, starts: bytes = b"") -> None:
        self._side, self._kind, self._starts = side, kind, starts
        self._streams: dict[Side, bytes] = {"client": b"", "server": b""}
        self._left: dict[Side, int] = {"client": 0, "server": 0}
        self._started = False
        self._asked_for_encryption = False
        self._opaque = False

    def feed(self, side: Side, data: bytes) -> Passed:
        """Follow the messages of both sides: the client's first packets say how the server's begin."""
        data = self._streams[side] + data
        self._streams[side] = b""
        if self._opaque:
            return Passed(data, fired=False)
        at, fired = self._scan(side, data)
        if not fired and not self._opaque:
            self._streams[side] = data[at:]
            data = data[:at]
        return Passed(data[:at] if fired else data, fired=fired)

    def rest(self, side: Side) -> bytes:
        """An unfinished head of a message."""
        return self._streams[side]

    def _scan(self, side: Side, data: bytes) -> tuple[int, bool]:
        """How far the bytes are decided, and whether the message begins there."""
        at = 0
        while at < len(data) and not self._opaque:
            if self._left[side]:
                step = min(self._left[side], len(data) - at)
                self._left[side] -= step
                at += step
                continue
            length = self._length(side, data[at:])
            if length is None:
                break
            if length < 0:
                return at, True
            self._left[side] = length
        return at, False

    def _length(self, side: Side, data: bytes) -> int | None:
        """The bytes of the packet that begins here; None if it is undecided yet, -1 if it is the one."""
        if side == "client" and not self._started:
            return self._startup(data)
        if side == "server" and self._asked_for_encryption:
            self._asked_for_encryption = False
            self._opaque = data[:1] != b"N"
            return 1
        if len(data) < 5:
            return None
        (length,) = struct.unpack_from("!i", data, 1)
        if length < 4:
            self._opaque = True
            return 1
        if side == self._side and data[:1] == self._kind and length - 4 >= len(self._starts):
            return self._begins(data[5 : 5 + len(self._starts)], length + 1)
        return int(length) + 1

    def _begins(self, head: bytes, length: int) -> int | None:
        """Whether the payload begins as it should, by as much of it as there is."""
        if head == self._starts:
            return -1
        return None if self._starts.startswith(head) else length

    def _startup(self, data: bytes) -> int | None:
        if len(data) < 8:
            return None
        length, code = struct.unpack_from("!iI", data)
        if not 8 <= length <= _MAX_STARTUP:
            self._opaque = True
            return 1
        self._asked_for_encryption = code in {_SSL_REQUEST, _GSS_REQUEST}
        self._started = not self._asked_for_encryption
        return int(length)


def _overlap(data: bytes, marker: bytes) -> int:
    """How many of the last bytes are the beginning of the marker."""
    return next(
        (size for size in range(min(len(data), len(marker) - 1), 0, -1) if marker.startswith(data[-size:])), 0
    )
