"""Where in a connection's bytes a fault is placed, without I/O; one module a protocol."""

from __future__ import annotations

from repro.lab.faults.triggers.anywhere import AnswerTo, Bytes
from repro.lab.faults.triggers.http import HttpExchange, HttpRequest
from repro.lab.faults.triggers.postgres import PostgresMessage
from repro.lab.faults.triggers.resp import RespCommand, RespReply
from repro.lab.faults.triggers.trigger import Mark, Side, Trigger
from repro.lab.faults.triggers.websocket import WebSocketPayload

__all__ = [
    "AnswerTo",
    "Bytes",
    "HttpExchange",
    "HttpRequest",
    "Mark",
    "PostgresMessage",
    "RespCommand",
    "RespReply",
    "Side",
    "Trigger",
    "WebSocketPayload",
]
