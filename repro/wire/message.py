"""One decoded message, and what every decoder is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Sender = Literal["client", "server"]

HIDDEN = "…"
"""Stands for a text that is not shown."""


@dataclass(frozen=True, slots=True)
class Message:
    """One thing that one side said.

    Args:
        op: what it is, such as ``pg.msg``, ``redis.cmd`` or ``tls.alert``.
        sender: who said it.
        length: bytes on the wire, header included; of a message that was cut off, the bytes that arrived.
        failure: one of `repro.events.FAILURES`; ``eof`` when the sender ended amid the message.
        fields: dotted names and their values. Equal messages may share one mapping: it is read only.
    """

    op: str
    sender: Sender
    length: int
    failure: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)


class Decoder(Protocol):
    """Turns the bytes of both sides of one connection into messages."""

    def feed(self, sender: Sender, data: bytes | memoryview) -> list[Message]:
        """The messages that these bytes complete."""

    def end(self, sender: Sender) -> list[Message]:
        """This side has ended: the messages that this completes or cuts off."""
