"""Messages of TLS: what is said in the clear, and opaque records for the rest.

Source: RFC 8446, 4.1.2 (ClientHello), 4.1.3 (ServerHello), 4.2 (extensions), 5.1 (records), 6 (alerts);
RFC 6066, 3 (server_name); RFC 7301, 3.1 (ALPN); RFC 7685 (padding).
"""

from __future__ import annotations

import re
import ssl
import struct
from functools import cache

from repro.trace.formats.fields import Line, text, texts, whole
from repro.trace.formats.images.filling import exactly, filler, utf8

_LARGEST_RECORD = 1 << 14
_HEAD = 5
_PADDING = 21
_RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
"""The random of a ServerHello that is a HelloRetryRequest (RFC 8446, 4.1.3)."""

_VERSIONS = {"SSLv3": 0x0300, "TLSv1": 0x0301, "TLSv1.1": 0x0302, "TLSv1.2": 0x0303, "TLSv1.3": 0x0304}
_HEX = re.compile(r"0x([0-9a-fA-F]{4})")
_OFFERED = (0x1301, 0x1302, 0x1303, 0xC02B, 0xC02F, 0xC02C, 0xC030)
"""Cipher suites that every client of today offers: no line tells the real ones."""

_ALERTS = {
    "close_notify": 0, "unexpected_message": 10, "bad_record_mac": 20, "decryption_failed": 21,
    "record_overflow": 22, "decompression_failure": 30, "handshake_failure": 40, "no_certificate": 41,
    "bad_certificate": 42, "unsupported_certificate": 43, "certificate_revoked": 44,
    "certificate_expired": 45, "certificate_unknown": 46, "illegal_parameter": 47, "unknown_ca": 48,
    "access_denied": 49, "decode_error": 50, "decrypt_error": 51, "export_restriction": 60,
    "protocol_version": 70, "insufficient_security": 71, "internal_error": 80,
    "inappropriate_fallback": 86, "user_canceled": 90, "no_renegotiation": 100, "missing_extension": 109,
    "unsupported_extension": 110, "certificate_unobtainable": 111, "unrecognized_name": 112,
    "bad_certificate_status_response": 113, "bad_certificate_hash_value": 114, "unknown_psk_identity": 115,
    "certificate_required": 116, "no_application_protocol": 120,
}  # fmt: skip


def client_hello(line: Line, room: int | None) -> bytes:
    """A ClientHello that names the server, the protocols and the versions; padded to its length.

    It is the handshake message without the header of its record, as ``len`` counts it; see `records`.
    """
    versions = [_number(name) for name in texts(line, "tls.versions")]
    extensions = _server_name(text(line, "tls.sni")) + _protocols(texts(line, "tls.alpn"))
    if versions != [0x0303] and versions:
        offered = b"".join(struct.pack(">H", version) for version in versions[:127])
        extensions += _extension(43, struct.pack(">B", len(offered)) + offered)
    suites = struct.pack(f">{len(_OFFERED)}H", *_OFFERED)
    rest = struct.pack(">H", len(suites)) + suites + b"\1\0"
    return _hello(1, struct.pack(">H", 0x0303) + filler(32), rest, extensions, room)


def server_hello(line: Line, room: int | None) -> bytes:
    """A ServerHello of a version and a cipher, padded to its length, without the record's header."""
    version = _number(text(line, "tls.version") or "TLSv1.2")
    extensions = _extension(43, struct.pack(">H", version)) if version == 0x0304 else b""
    random = _RETRY if line.get("tls.retry") is True else filler(32)
    rest = struct.pack(">HB", _cipher(text(line, "tls.cipher") or "", version), 0)
    return _hello(2, struct.pack(">H", min(version, 0x0303)) + random, rest, extensions, room)


def alert(line: Line, room: int | None) -> bytes:
    """The record of an alert, by its number or its name; one longer than seven bytes is encrypted."""
    number = whole(line, "tls.alert")
    if number is None:
        words = (text(line, "tls.alert") or "").casefold().replace(" ", "_").replace("-", "_")
        known = words.removeprefix("alert_")
        is_number = known.isascii() and known.isdecimal() and len(known) < 4
        number = int(known) if is_number else _ALERTS.get(known, _ALERTS["internal_error"])
    level = {"warning": 1, "fatal": 2}.get(text(line, "tls.level") or "", 1 if number in {0, 90} else 2)
    content = struct.pack(">BB", level, number & 0xFF)
    return _record(21, content if room is None or room <= 7 else exactly(content, min(room, 1 << 14) - _HEAD))


def opaque(_line: Line, room: int | None) -> bytes:
    """Records of encrypted data."""
    left = _HEAD if room is None else room
    made = []
    while left > _HEAD:
        count = min(left - _HEAD, _LARGEST_RECORD)
        made.append(_record(23, filler(count)))
        left -= count + _HEAD
    return b"".join(made)


def records(message: bytes) -> bytes:
    """A handshake message in its records."""
    parts = (message[at : at + _LARGEST_RECORD] for at in range(0, len(message), _LARGEST_RECORD))
    return b"".join(_record(22, part) for part in parts)


def _hello(kind: int, start: bytes, rest: bytes, extensions: bytes, room: int | None) -> bytes:
    """One handshake message. A padding extension fills it, or a session id where that does not fit."""
    natural = 4 + len(start) + 1 + len(rest) + 2 + len(extensions)
    spare = 0 if room is None else max(0, room - natural)
    session = filler(spare if spare < 4 else 0)
    if spare >= 4:
        extensions += _extension(_PADDING, bytes(min(spare - 4, 0xFFFF - len(extensions) - 4)))
    body = start + struct.pack(">B", len(session)) + session + rest
    body += struct.pack(">H", len(extensions)) + extensions
    length = len(body) if room is None else max(0, min(room, 1 << 24) - 4)
    return struct.pack(">I", kind << 24 | length & 0xFFFFFF) + body


def _record(kind: int, content: bytes) -> bytes:
    return struct.pack(">BHH", kind, 0x0303, len(content) & 0xFFFF) + content


def _extension(kind: int, content: bytes) -> bytes:
    return struct.pack(">HH", kind, len(content)) + content


def _server_name(name: str | None) -> bytes:
    if name is None:
        return b""
    host = utf8(name)[:255]
    return _extension(0, struct.pack(">HBH", len(host) + 3, 0, len(host)) + host)


def _protocols(names: list[str]) -> bytes:
    if not names:
        return b""
    listed = b"".join(
        struct.pack(">B", len(each)) + each for each in (utf8(name)[:255] for name in names[:64])
    )
    return _extension(16, struct.pack(">H", len(listed)) + listed)


def _number(version: str) -> int:
    """0x0303 for ``TLSv1.2``, or the number that is told instead of a name."""
    return _VERSIONS.get(version, _told_number(version, 0x0303))


def _cipher(name: str, version: int) -> int:
    """The number of a suite by OpenSSL's name, or the number that is told instead of a name."""
    unknown = 0x1301 if version == 0x0304 else 0xC02F
    return _cipher_numbers().get(name, _told_number(name, unknown))


def _told_number(words: str, otherwise: int) -> int:
    found = _HEX.fullmatch(words)
    return int(found[1], 16) if found else otherwise


@cache
def _cipher_numbers() -> dict[str, int]:
    """The numbers of the suites that `ssl` has names for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.set_ciphers("ALL:COMPLEMENTOFALL")
    except ssl.SSLError:  # a build without some of them: the default ones then
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return {cipher["name"]: cipher["id"] & 0xFFFF for cipher in context.get_ciphers()}
