"""The faults that people talk about, each by its name."""

from __future__ import annotations

from repro.lab.faults.fault import Action, Cut, Fault, Replace
from repro.lab.faults.triggers import AnswerTo, Bytes, PostgresMessage, RespCommand, RespReply


def after_commit_was_applied(action: Action = Cut(), *, times: int | None = 1) -> Fault:  # noqa: B008 - it is frozen
    """The server has applied COMMIT, and the client never reads CommandComplete.

    Through a WebSocket it is the same: the server's frames are not masked, so its bytes stand in them.
    """
    return Fault(lambda: Bytes("server", b"C\0\0\0\x0bCOMMIT\0"), action, times)


def before_commit_arrives(action: Action = Cut(), *, times: int | None = 1) -> Fault:  # noqa: B008
    """The client has sent COMMIT, and the server never reads it."""
    return Fault(lambda: PostgresMessage("client", b"Q", b"COMMIT"), action, times)


def after_push_was_applied(action: Action = Cut(), *, times: int | None = 1) -> Fault:  # noqa: B008
    """The server has carried out EVAL, a push over Redis TCP, and the client never reads its reply."""
    return Fault(lambda: RespReply("EVAL"), action, times)


def before_push_arrives(action: Action = Cut(), *, times: int | None = 1) -> Fault:  # noqa: B008
    """The client has sent EVAL over Redis TCP, and the server never reads it."""
    return Fault(lambda: RespCommand("EVAL"), action, times)


def answer_lost(request: bytes, action: Action = Cut(), *, times: int | None = 1) -> Fault:  # noqa: B008
    """The server has carried out a request, and the client never reads its answer.

    Args:
        request: what it holds, such as ``EVAL`` over Redis TCP and REST, ``queries`` over Neon's HTTP.
        action: what the client sees instead.
        times: how often.
    """
    return Fault(lambda: AnswerTo(request), action, times)


def answered_wrongly(
    request: bytes, status: str, body: str, *, kind: str = "text/html", times: int | None = 1
) -> Fault:
    """An HTTP server has carried out a request, and the client reads another answer.

    Args:
        request: what it holds.
        status: such as ``502 Bad Gateway``.
        body: of the answer.
        kind: its media type.
        times: how often.
    """
    return answer_lost(request, Replace(http_answer(status, body, kind)), times=times)


def answered_instead(
    request: bytes, status: str, body: str, *, kind: str = "text/html", times: int | None = 1
) -> Fault:
    """An HTTP request is answered by something on the way, and the server never reads it whole.

    Args:
        request: what it holds.
        status: such as ``429 Too Many Requests``.
        body: of the answer.
        kind: its media type.
        times: how often.
    """
    return Fault(lambda: Bytes("client", request), Replace(http_answer(status, body, kind)), times)


def http_answer(status: str, body: str, kind: str) -> bytes:
    """An HTTP/1.1 answer that ends its connection."""
    content = body.encode()
    fields = [f"Content-Type: {kind}", f"Content-Length: {len(content)}", "Connection: close"]
    return "\r\n".join([f"HTTP/1.1 {status}", *fields, "", ""]).encode() + content
