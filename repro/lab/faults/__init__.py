"""Faults that the lab places on purpose, by protocol: each is one line, and a `FaultRelay` carries it out.

with FaultRelay(postgres, after_commit_was_applied()) as relay: ...
"""

from __future__ import annotations

from repro.lab.faults.fault import Cut, Delay, Fault, HalfClose, Replace, Silence, Throttle
from repro.lab.faults.named import (
    after_commit_was_applied,
    after_push_was_applied,
    answer_lost,
    answered_instead,
    answered_wrongly,
    before_commit_arrives,
    before_push_arrives,
    http_answer,
)
from repro.lab.faults.relay import FaultRelay
from repro.lab.faults.triggers import (
    AnswerTo,
    Bytes,
    HttpExchange,
    HttpRequest,
    PostgresMessage,
    RespCommand,
    RespReply,
    WebSocketPayload,
)

__all__ = [
    "AnswerTo",
    "Bytes",
    "Cut",
    "Delay",
    "Fault",
    "FaultRelay",
    "HalfClose",
    "HttpExchange",
    "HttpRequest",
    "PostgresMessage",
    "Replace",
    "RespCommand",
    "RespReply",
    "Silence",
    "Throttle",
    "WebSocketPayload",
    "after_commit_was_applied",
    "after_push_was_applied",
    "answer_lost",
    "answered_instead",
    "answered_wrongly",
    "before_commit_arrives",
    "before_push_arrives",
    "http_answer",
]
