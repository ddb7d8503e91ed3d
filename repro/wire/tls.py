"""TLS as far as it is in clear: the two hellos and the alerts before encryption.

RFC 8446 (https://www.rfc-editor.org/rfc/rfc8446): records 5.1, hellos 4.1, alerts 6; RFC 5246 for TLS 1.2;
RFC 6066, 3 for server_name; RFC 7301 for ALPN.
"""

from __future__ import annotations

from typing import Any, Final

from repro.wire.duplex import Duplex
from repro.wire.inbox import Ended, Reading
from repro.wire.message import Sender
from repro.wire.tls_hello import client_hello, server_hello

_CHANGE_CIPHER_SPEC: Final = 20
_ALERT: Final = 21
_HANDSHAKE: Final = 22
_RECORDS: Final = range(20, 25)
_LONGEST: Final = (1 << 14) + 2048  # TLS 1.2; TLS 1.3 allows 256 above 2^14

_KEEP: Final = 1 << 14
"""Bytes of one handshake message that are looked at."""

_ALERTS: Final = {
    0: "close_notify",
    10: "unexpected_message",
    20: "bad_record_mac",
    21: "decryption_failed",
    22: "record_overflow",
    30: "decompression_failure",
    40: "handshake_failure",
    41: "no_certificate",
    42: "bad_certificate",
    43: "unsupported_certificate",
    44: "certificate_revoked",
    45: "certificate_expired",
    46: "certificate_unknown",
    47: "illegal_parameter",
    48: "unknown_ca",
    49: "access_denied",
    50: "decode_error",
    51: "decrypt_error",
    60: "export_restriction",
    70: "protocol_version",
    71: "insufficient_security",
    80: "internal_error",
    86: "inappropriate_fallback",
    90: "user_canceled",
    100: "no_renegotiation",
    109: "missing_extension",
    110: "unsupported_extension",
    111: "certificate_unobtainable",
    112: "unrecognized_name",
    113: "bad_certificate_status_response",
    114: "bad_certificate_hash_value",
    115: "unknown_psk_identity",
    116: "certificate_required",
    120: "no_application_protocol",
}
_FAILURES: Final = {
    "close_notify": None,
    "certificate_unknown": "tls_unknown_authority",
    "unknown_ca": "tls_unknown_authority",
    "certificate_expired": "tls_expired",
}


class TlsDecoder(Duplex):
    """Gives ``tls.client_hello``, ``tls.server_hello`` and ``tls.alert``; all else is counted only.

    The length of a hello is that of its handshake message, without the header of the record.
    """

    def __init__(self) -> None:
        super().__init__()
        self._clear: dict[Sender, bool] = {"client": True, "server": True}
        self._handshakes: dict[Sender, bytearray] = {"client": bytearray(), "server": bytearray()}
        self._dropped: dict[Sender, int] = {"client": 0, "server": 0}
        self._session_id = b""
        self.records: dict[Sender, int] = {"client": 0, "server": 0}

    @property
    def buffered(self) -> int:
        """Bytes kept in memory."""
        return super().buffered + sum(len(kept) for kept in self._handshakes.values())

    def _read(self, sender: Sender) -> Reading[None]:
        inbox = self._inboxes[sender]
        start = inbox.offset
        try:
            while sender in self._readers:
                start = inbox.offset
                header = yield from inbox.exactly(5)
                kind, major, length = header[0], header[1], int.from_bytes(header[3:], "big")
                if kind not in _RECORDS or major != 3 or length > _LONGEST:
                    why = "HTTP" if header == b"HTTP/" else "no TLS record"
                    self._mismatch("tls.record", sender, {"tls.why": why})
                    return
                yield from self._record(sender, kind, length)
                self.records[sender] += 1
        except Ended:
            arrived = self._arrived_since(sender, start)
            if arrived:
                self._say("tls.record", sender, arrived, {"tls.truncated": True}, "eof")

    def _record(self, sender: Sender, kind: int, length: int) -> Reading[None]:
        inbox = self._inboxes[sender]
        if kind == _HANDSHAKE and self._clear[sender]:
            self._handshake(sender, (yield from inbox.exactly(length)))
        elif kind == _ALERT and length == 2:  # an encrypted alert is longer, or no record of this type
            self._alert(sender, (yield from inbox.exactly(2)))
        else:
            yield from inbox.skip(length)
            if kind == _CHANGE_CIPHER_SPEC:
                self._clear[sender] = False

    def _alert(self, sender: Sender, body: bytes) -> None:
        name = _ALERTS.get(body[1], f"alert_{body[1]}")
        level = {1: "warning", 2: "fatal"}.get(body[0], str(body[0]))
        failure = _FAILURES.get(name, "tls_protocol")
        self._say("tls.alert", sender, 7, {"tls.alert": name, "tls.level": level}, failure)

    def _handshake(self, sender: Sender, fragment: bytes) -> None:
        """Takes a fragment: a message may be in several records, and a record may have several messages."""
        kept = self._handshakes[sender]
        view = memoryview(fragment)
        while view:
            missing = 4 - len(kept)
            if missing > 0:
                kept += view[:missing]
                view = view[missing:]
                continue
            length = 4 + int.from_bytes(kept[1:4], "big")
            rest = length - len(kept) - self._dropped[sender]
            part = view[:rest]
            room = _KEEP - len(kept)
            kept += part[:room]
            self._dropped[sender] += max(0, len(part) - room)
            view = view[rest:]
            if len(part) == rest:
                self._whole(sender, bytes(kept), length)
                kept.clear()
                self._dropped[sender] = 0
        if len(kept) == 4 and kept[1:4] == b"\0\0\0":  # a message without a body, such as ServerHelloDone
            kept.clear()

    def _whole(self, sender: Sender, message: bytes, length: int) -> None:
        fields: dict[str, Any] = {}
        if message[0] == 1 and sender == "client":
            self._session_id = client_hello(message[4:], fields)
            self._say("tls.client_hello", sender, length, fields)
        elif message[0] == 2 and sender == "server":
            server_hello(message[4:], fields, self._session_id)
            self._say("tls.server_hello", sender, length, fields)
