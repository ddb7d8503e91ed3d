"""What one message or step says, in a few words: the part that the readable formats share."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from repro.trace.formats.fields import Line, operation, text, texts, whole
from repro.trace.formats.printable import printable, shortened

MOST_OF_A_STATEMENT = 100
"""Characters of one SQL statement."""

_TRANSACTION_STATUS = {"I": "idle", "T": "in transaction", "E": "in failed transaction"}
"""The indicator of ReadyForQuery (PostgreSQL, protocol message formats)."""


def told(line: Line) -> str:
    """The words of a message or step, harmless for a terminal, without its direction and its length."""
    say = _SAID.get(operation(line))
    words = _other(line) if say is None else say(line)
    return " ".join(printable(word) for word in words if word is not None and word != "")


def _postgres(line: Line) -> list[object]:
    status = text(line, "pg.status")
    sql = text(line, "pg.sql")
    return [
        text(line, "pg.name") or "message",
        sql and shortened(printable(sql), MOST_OF_A_STATEMENT),
        text(line, "pg.severity"),
        text(line, "pg.sqlstate"),
        text(line, "pg.message"),
        text(line, "pg.tag"),
        status and _TRANSACTION_STATUS.get(status, status),
        line.get("pg.auth"),
        ", ".join(texts(line, "pg.mechanisms")),
        text(line, "pg.constraint"),
        ", ".join(texts(line, "pg.parameters")),
        _parameter(line),
        _counted(line, "pg.params", "parameter"),
        _counted(line, "pg.columns", "column"),
        text(line, "pg.why"),
    ]


def _parameter(line: Line) -> str | None:
    name, value = text(line, "pg.parameter"), text(line, "pg.parameter_value")
    return name if value is None else f"{name}={value}"


def _counted(line: Line, name: str, unit: str) -> str | None:
    """A number of things, or their names."""
    count = whole(line, name)
    if count is None:
        value = line.get(name)
        if isinstance(value, Mapping):
            return ", ".join(f"{key}={each}" for key, each in value.items())
        return ", ".join(texts(line, name))
    return f"({count} {unit}{'' if count == 1 else 's'})"


def _command(line: Line) -> list[object]:
    count = whole(line, "redis.argc")
    return [text(line, "redis.cmd") or "command", count and f"({count} words)"]


def _reply(line: Line) -> list[object]:
    return [text(line, "redis.reply_type") or "reply", text(line, "redis.error"), text(line, "redis.why")]


def _request(line: Line) -> list[object]:
    return [text(line, "http.method") or "request", text(line, "http.path")]


def _response(line: Line) -> list[object]:
    return ["HTTP", whole(line, "http.status"), text(line, "http.why")]


def _upgrade(line: Line) -> list[object]:
    return ["upgrade to WebSocket", text(line, "http.path"), whole(line, "http.status")]


def _frame(line: Line) -> list[object]:
    count = whole(line, "ws.len")
    more = "(more follows)" if line.get("ws.fin") is False else None
    return ["WebSocket", line.get("ws.opcode"), more, None if count is None else f"of {count} B"]


def _closing(line: Line) -> list[object]:
    return ["WebSocket close", whole(line, "ws.close_code")]


def _client_hello(line: Line) -> list[object]:
    return ["ClientHello", text(line, "tls.sni"), *_lists(line, "tls.alpn", "tls.versions")]


def _server_hello(line: Line) -> list[object]:
    return ["ServerHello", text(line, "tls.version"), text(line, "tls.cipher")]


def _alert(line: Line) -> list[object]:
    return ["TLS alert", line.get("tls.alert")]


def _handshake(line: Line) -> list[object]:
    names = ("tls.sni", "tls.version", "tls.cipher", "tls.alpn")
    issuer = text(line, "tls.issuer")
    return ["TLS handshake", *(text(line, name) for name in names), issuer and f"signed by {issuer}"]


def _lookup(line: Line) -> list[object]:
    answers = ", ".join(texts(line, "dns.answers"))
    kind = text(line, "dns.type")
    return ["look up", text(line, "dns.name"), kind, answers and f"= {answers}"]


def _question(line: Line) -> list[object]:
    return ["ask for", text(line, "dns.name"), text(line, "dns.type")]


def _other(line: Line) -> list[object]:
    note = next((text(line, name) for name in ("note", "text", "message") if text(line, name)), None)
    return [operation(line), note]


def _lists(line: Line, *names: str) -> list[str]:
    return [",".join(texts(line, name)) for name in names]


_SAID: dict[str, Callable[[Line], list[object]]] = {
    "pg.msg": _postgres,
    "redis.cmd": _command,
    "redis.reply": _reply,
    "http.request": _request,
    "http.response": _response,
    "http.upgrade": _upgrade,
    "ws.frame": _frame,
    "ws.close": _closing,
    "tls.client_hello": _client_hello,
    "tls.server_hello": _server_hello,
    "tls.alert": _alert,
    "tls.handshake": _handshake,
    "dns": _lookup,
    "dns.query": _question,
}
