"""Decoders of what two sides say to each other, without I/O: bytes in, messages out, secrets left behind.

Each decoder takes both directions of one connection in whatever pieces they arrive and gives the same
messages for every chunking. It never raises, never keeps more than a few kilobytes, and shows names, numbers
and states only: no literal, argument, header value or query string gets into a message.
"""

from __future__ import annotations

from repro.wire.conversation import Conversation, Protocol
from repro.wire.http import HttpDecoder
from repro.wire.message import Decoder, Message, Sender
from repro.wire.postgres import PostgresDecoder
from repro.wire.resp import RespDecoder
from repro.wire.tls import TlsDecoder
from repro.wire.websocket import WebsocketDecoder

__all__ = [
    "Conversation",
    "Decoder",
    "HttpDecoder",
    "Message",
    "PostgresDecoder",
    "Protocol",
    "RespDecoder",
    "Sender",
    "TlsDecoder",
    "WebsocketDecoder",
]
