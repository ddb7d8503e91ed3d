"""Two sides, each read by a generator: what all decoders have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Final

from repro.wire.inbox import Inbox, Reading
from repro.wire.message import Message, Sender

OTHER: Final[dict[Sender, Sender]] = {"client": "server", "server": "client"}

HOLD: Final = 1 << 14
"""Bytes kept of a side that speaks before it is known how to read it."""

_DONE: Final = object()


class Duplex(ABC):
    """A decoder whose two sides are read by `_read`, one generator each.

    A reader that pauses goes on when its side sends or ends, or when the other's reader wakes it. One that
    returns has nothing more to say. `_succeed` leaves the rest of both sides to another decoder.
    """

    def __init__(self) -> None:
        self._out: list[Message] = []
        self._inboxes: dict[Sender, Inbox] = {"client": Inbox(), "server": Inbox()}
        self._successor: Duplex | None = None
        self._readers: dict[Sender, Reading[None]] = {
            "client": self._read("client"),
            "server": self._read("server"),
        }

    @abstractmethod
    def _read(self, sender: Sender) -> Reading[None]:
        """Reads all that this side says. It is first run when this side sends or ends."""

    @property
    def buffered(self) -> int:
        """Bytes kept in memory, those of inner decoders included."""
        own = sum(inbox.size for inbox in self._inboxes.values())
        return own + (self._successor.buffered if self._successor is not None else 0)

    def feed(self, sender: Sender, data: bytes | memoryview) -> list[Message]:
        """The messages that these bytes complete."""
        inbox = self._inboxes[sender]
        if self._successor is None:
            for piece in inbox.pieces(data):
                self._feed_piece(sender, inbox, piece)
        elif not inbox.ended:
            return self._successor.feed(sender, data)
        return self._drain()

    def end(self, sender: Sender) -> list[Message]:
        """This side has ended: the messages that this completes or cuts off."""
        inbox = self._inboxes[sender]
        if inbox.ended:
            return []
        inbox.ended = True
        if self._successor is not None:
            return self._successor.end(sender)
        self._wake(sender)
        return self._drain()

    def _feed_piece(self, sender: Sender, inbox: Inbox, piece: bytes) -> None:
        if inbox.ended:
            return
        if self._successor is not None:
            self._out += self._successor.feed(sender, piece)
        elif sender in self._readers:
            inbox.push(piece)
            self._wake(sender)

    def _drain(self) -> list[Message]:
        for inbox in self._inboxes.values():
            inbox.compact()
        messages = self._out[:]
        self._out.clear()
        return messages

    def _wake(self, sender: Sender) -> None:
        """Lets the reader of a side go on."""
        reader = self._readers.get(sender)
        if reader is not None and next(reader, _DONE) is _DONE:
            self._readers.pop(sender, None)
            if self._successor is None:
                self._inboxes[sender].clear()

    def _succeed(self, successor: Duplex, sender: Sender) -> None:
        """Leaves the rest to another decoder, first what the side that did not bring this about has sent."""
        self._silence(forget=False)
        self._successor = successor
        for side in (OTHER[sender], sender):
            inbox = self._inboxes[side]
            if inbox.unread:
                self._out += successor.feed(side, inbox.take_all())
            if inbox.ended:
                self._out += successor.end(side)

    def _silence(self, *, forget: bool = True) -> None:
        """Says nothing more."""
        self._readers = {}
        for inbox in self._inboxes.values():
            if forget:
                inbox.clear()

    def _say(
        self, op: str, sender: Sender, length: int, fields: dict[str, Any], failure: str | None = None
    ) -> None:
        self._out.append(Message(op, sender, length, failure, fields))

    def _mismatch(self, op: str, sender: Sender, fields: dict[str, Any]) -> None:
        """Says once that this is another protocol, and then nothing more."""
        self._say(op, sender, 0, fields, "protocol_mismatch")
        self._silence()

    def _arrived_since(self, sender: Sender, start: int) -> int:
        """Bytes of a side since an offset, read or not."""
        inbox = self._inboxes[sender]
        return inbox.offset + inbox.unread - start
