"""What the preload in a Node process tells, as events. Sans I/O but for the decoders' memory."""

from __future__ import annotations

import base64
import errno
from collections.abc import Iterator, Mapping
from typing import Any

from repro.events import Event, Peer, failure_of_errno
from repro.hooks.failures import ABANDONED
from repro.wire.conversation import Conversation
from repro.wire.message import Message

_LOOKUP_FAILURES = {"ENOTFOUND": "dns_nxdomain"}

_TLS_FAILURES = {
    # https://nodejs.org/api/tls.html#x509-certificate-error-codes
    "CERT_HAS_EXPIRED": "tls_expired",
    "CERT_NOT_YET_VALID": "tls_expired",
    "ERR_TLS_CERT_ALTNAME_INVALID": "tls_hostname_mismatch",
    "DEPTH_ZERO_SELF_SIGNED_CERT": "tls_unknown_authority",
    "SELF_SIGNED_CERT_IN_CHAIN": "tls_unknown_authority",
    "UNABLE_TO_GET_ISSUER_CERT": "tls_unknown_authority",
    "UNABLE_TO_GET_ISSUER_CERT_LOCALLY": "tls_unknown_authority",
    "UNABLE_TO_VERIFY_LEAF_SIGNATURE": "tls_unknown_authority",
    "ECONNRESET": "connection_reset",
}

_COMMON = frozenset({"event", "conn", "t0", "t", "address", "port", "code", "reason"})


class Preload:
    """Makes events of the lines of one Node process.

    Args:
        process: its number.
    """

    def __init__(self, process: int) -> None:
        self._process = process
        self._peers: dict[int, Peer] = {}
        self._conversations: dict[tuple[int, bool], Conversation] = {}
        self._upgrading: set[int] = set()

    def events(self, line: Mapping[str, Any]) -> Iterator[Event]:
        """The events of one line: one that tells of itself, or those in a piece of payload."""
        if "bytes" in line:
            yield from self._decoded(line)
        else:
            yield self._event(line)

    def _event(self, line: Mapping[str, Any]) -> Event:
        op, code, conn = str(line["event"]), line.get("code"), line.get("conn")
        if op == "connect" and conn is not None:
            self._peers[conn] = Peer(str(line["address"]), int(line["port"]))
        failure = None if code is None else _failure(op, str(code))
        number = getattr(errno, str(code), None)
        fields = {name: value for name, value in line.items() if name not in _COMMON}
        if op == "connect":
            fields |= {"via": "node", "net.family": "inet6" if ":" in str(line["address"]) else "inet"}
        return Event(
            op,
            float(line["t0"]),
            float(line["t"]),
            "preload",
            conn,
            None if conn is None else self._peers.get(conn),
            failure,
            str(code) if isinstance(number, int) else None,
            {**fields, "pid": self._process},
        )

    def _decoded(self, line: Mapping[str, Any]) -> Iterator[Event]:
        conn, moment = int(line["conn"]), float(line["t"])
        peer = self._peers.get(conn)
        layer = (conn, bool(line.get("inside")))  # inside TLS the connection begins anew
        if layer not in self._conversations:
            self._conversations[layer] = Conversation(None if peer is None else peer.port)
        conversation = self._conversations[layer]
        for message in conversation.feed(line["sender"], base64.b64decode(line["bytes"])):
            yield from self._upgrade(message, conn, moment)
            fields = {"sender": message.sender, "len": message.length, **message.fields, "pid": self._process}
            yield Event(message.op, moment, moment, "preload", conn, peer, message.failure, None, fields)

    def _upgrade(self, message: Message, conn: int, moment: float) -> Iterator[Event]:
        """The answer to a request that asked for WebSocket."""
        if message.op == "http.request":
            asked = "upgrade" in (message.fields.get("http.headers") or ())
            (self._upgrading.add if asked else self._upgrading.discard)(conn)
        elif message.op == "http.response" and conn in self._upgrading:
            self._upgrading.discard(conn)
            status = message.fields.get("http.status")
            failure = None if status == 101 else "ws_handshake"
            fields = {"http.status": status, "pid": self._process}
            yield Event(
                "http.upgrade", moment, moment, "preload", conn, self._peers.get(conn), failure, None, fields
            )


def _failure(op: str, code: str) -> str:
    if code in {"timeout", "ETIMEDOUT"}:
        return "timeout"
    if code == "abandoned":
        return ABANDONED
    if op == "dns":
        return _LOOKUP_FAILURES.get(code, "dns_failure")
    if op == "tls.handshake":
        return _TLS_FAILURES.get(code, "tls_protocol")
    return failure_of_errno(code)
