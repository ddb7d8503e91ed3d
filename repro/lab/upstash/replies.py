"""Replies of the server as JSON, without I/O."""

from __future__ import annotations

import base64
from typing import Any

from repro.lab.upstash.resp import ErrorReply, Reply


def as_object(reply: Reply, *, encoded: bool) -> dict[str, Any]:
    """A reply as ``{"result": …}``, or ``{"error": …}`` for an error.

    Args:
        reply: of one command.
        encoded: strings are to be in base64, as ``Upstash-Encoding: base64`` asks.
    """
    if isinstance(reply, ErrorReply):
        return {"error": reply.message}
    # Only a result that is OK as a whole stays as it is: inside a list @upstash/redis decodes "OK" as base64.
    return {"result": _value(reply, encoded=encoded and reply != b"OK")}


def _value(reply: Reply, *, encoded: bool) -> Any:
    match reply:
        case list():
            return [_value(item, encoded=encoded) for item in reply]
        case ErrorReply(message=text):
            return _string(text.encode(), encoded=encoded)
        case bytes():
            return _string(reply, encoded=encoded)
        case _:
            return reply


def _string(value: bytes, *, encoded: bool) -> str:
    """Text or base64; what is no UTF-8 needs base64 to survive."""
    return base64.b64encode(value).decode() if encoded else value.decode("utf-8", "replace")
