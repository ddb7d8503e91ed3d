"""The wire image of a message: bytes that parse as it did, of its length, without what it held.

Everything in an image is a word of the protocol, a field of the (redacted) trace line, or filler: so it
holds no secret that the line does not hold.
"""

from __future__ import annotations

from collections.abc import Callable

from repro.trace.formats.fields import Line, operation, sender, whole
from repro.trace.formats.images import http, postgres, resp, tls, websocket
from repro.trace.formats.images.filling import exactly

LARGEST = 1 << 24
"""Bytes of the largest image; what was longer is cut: a gigabyte is legal, and of no use here."""

_IMAGES: dict[str, Callable[[Line, int | None], bytes]] = {
    "pg.msg": postgres.image,
    "redis.cmd": resp.command,
    "redis.reply": resp.reply,
    "http.request": http.image,
    "http.response": http.image,
    "http.upgrade": http.image,
    "tls.client_hello": tls.client_hello,
    "tls.server_hello": tls.server_hello,
    "tls.alert": tls.alert,
}


def image(line: Line, payload: bytes = b"") -> bytes:
    """The image of one message.

    Args:
        line: a trace line with a ``sender``. ``len`` is the message's bytes on the wire, all of it.
        payload: what a WebSocket frame carried: the images of the messages within.

    Returns:
        Exactly ``len`` bytes (`LARGEST` at most); the shortest image where the line knows no length; nothing
        for a line without a sender, which is no message. Of a length too short for its kind, a cut image.
    """
    if sender(line) is None:
        return b""
    told = whole(line, "len")
    room = None if told is None else min(told, LARGEST)
    built = _built(line, room, payload)[:LARGEST]
    return built if room is None else exactly(built, room)


def _built(line: Line, room: int | None, payload: bytes) -> bytes:
    op = operation(line)
    if op in {"ws.frame", "ws.close"}:
        bounded = {**line, "ws.len": min(whole(line, "ws.len") or 0, LARGEST)} if room is None else line
        return websocket.image(bounded, room, payload)
    return _IMAGES.get(op, tls.opaque)(line, room)
