"""The facts of a trace line under the attribute names of OpenTelemetry, where such names exist.

Names only, without its SDK. Source: OpenTelemetry semantic conventions 1.30 and later (attribute registry:
network, server, dns, tls, http, url, db, process, error).
"""

from __future__ import annotations

import re
from typing import Any

from repro.trace.formats import fields
from repro.trace.formats.fields import Line

_VERSION = re.compile(r"(\d(?:\.\d)?)$")
_OPERATION = re.compile(r"[A-Z]+(?: [A-Z]+)*")
_PROTOCOLS = {"ws": "websocket", "http": "http", "pg": "postgresql", "redis": "redis", "dns": "dns"}
_SYSTEMS = {"pg": "postgresql", "redis": "redis"}
_DIRECTIONS = {"client": "transmit", "server": "receive"}
_SAME_VALUE = {
    "host": "server.address",
    "dns.name": "dns.question.name",
    "tls.cipher": "tls.cipher",
    "tls.sni": "tls.client.server_name",
    "tls.issuer": "tls.server.issuer",
    "http.method": "http.request.method",
    "http.path": "url.path",
    "pg.sql": "db.query.text",
    "pg.sqlstate": "db.response.status_code",
    "redis.cmd": "db.operation.name",
}


def attributes(line: Line) -> dict[str, Any]:
    """The attributes of one event: texts, whole numbers, booleans and lists of texts, none of them empty.

    ``network.io.direction`` is told from the client's side, whoever saw the message.
    """
    family = fields.operation(line).partition(".")[0]
    values: dict[str, Any] = {
        "process.pid": fields.whole(line, "pid"),
        "error.type": fields.failure(line) or fields.text(line, "pg.sqlstate"),
        "network.io.direction": _DIRECTIONS.get(fields.sender(line) or ""),
        "network.protocol.name": _PROTOCOLS.get(family),
        "db.system.name": _SYSTEMS.get(family),
        "http.response.status_code": fields.whole(line, "http.status"),
        "dns.answers": fields.texts(line, "dns.answers"),
        "db.operation.name": _operation(fields.text(line, "pg.tag")),
    }
    values |= {name: found for own, name in _SAME_VALUE.items() if (found := fields.text(line, own))}
    values |= _ends(line) | _tls(line)
    return {name: value for name, value in values.items() if value not in (None, "", [])}


def _ends(line: Line) -> dict[str, Any]:
    found: dict[str, Any] = {}
    peer, local = fields.peer(line), fields.local(line)
    if peer is not None:
        found |= {"network.peer.address": peer.address, "network.peer.port": peer.port}
        found |= {"server.address": fields.text(line, "host") or peer.address, "server.port": peer.port}
        found["network.transport"] = "unix" if peer.port is None else "tcp"
        address = fields.literal(peer.address)
        found["network.type"] = None if address is None else f"ipv{address.version}"
    if local is not None:
        found |= {"network.local.address": local.address, "network.local.port": local.port}
    if fields.operation(line).startswith("dns"):
        found["network.transport"] = None  # the resolver chose
    return found


def _tls(line: Line) -> dict[str, Any]:
    version = _VERSION.search(fields.text(line, "tls.version") or "")
    chosen = None if fields.operation(line) == "tls.client_hello" else fields.text(line, "tls.alpn")
    done = fields.operation(line) == "tls.handshake"
    return {
        "tls.protocol.name": "tls" if version else None,
        "tls.protocol.version": version and version[1],
        "tls.next_protocol": chosen,
        "tls.established": fields.failure(line) is None if done else None,
    }


def _operation(tag: str | None) -> str | None:
    """The command of a tag such as ``INSERT 0 1``."""
    found = _OPERATION.match(tag or "")
    return found and found[0]
