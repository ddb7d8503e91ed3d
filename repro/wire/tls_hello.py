"""What is shown of ClientHello and ServerHello (RFC 8446, 4.1.2, 4.1.3 and 4.2)."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from repro.wire.message import HIDDEN

_SERVER_NAME: Final = 0
_ALPN: Final = 16
_PRE_SHARED_KEY: Final = 41
_SUPPORTED_VERSIONS: Final = 43

_VERSIONS: Final = {
    0x0300: "SSLv3",
    0x0301: "TLSv1",
    0x0302: "TLSv1.1",
    0x0303: "TLSv1.2",
    0x0304: "TLSv1.3",
}
_RETRY: Final = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
"""The random of a ServerHello that is a HelloRetryRequest."""

_HOST: Final = re.compile(r"[A-Za-z0-9_.-]{1,253}")
_PROTOCOLS: Final = frozenset(
    {"http/1.0", "http/1.1", "h2", "h3", "postgresql", "redis", "imap", "pop3", "dot", "acme-tls/1", "spdy/3"}
)


class _Cursor:
    """Reads numbers and vectors; beyond the end it gives what is there."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._pos = 0

    def __bool__(self) -> bool:
        return self._pos < len(self._data)

    def take(self, count: int) -> bytes:
        taken = self._data[self._pos : self._pos + count]
        self._pos += count
        return taken

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def vector(self, size: int) -> bytes:
        """A vector whose length is a number of ``size`` bytes."""
        return self.take(self.number(size))


def client_hello(body: bytes, fields: dict[str, Any]) -> bytes:
    """Adds what a ClientHello offers, and returns its session id."""
    cursor = _Cursor(body)
    legacy = cursor.number(2)
    cursor.take(32)
    session_id = cursor.vector(1)
    cursor.vector(2)
    cursor.vector(1)
    fields["tls.versions"] = [_version(legacy)]
    for kind, content in _extensions(cursor):
        if kind == _SERVER_NAME:
            fields["tls.sni"] = _host(content)
        elif kind == _ALPN:
            fields["tls.alpn"] = [_protocol(name) for name in _vectors(_Cursor(_Cursor(content).vector(2)))]
        elif kind == _SUPPORTED_VERSIONS:
            offered = _Cursor(_Cursor(content).vector(1))
            fields["tls.versions"] = [_version(each) for each in _numbers(offered) if not _is_grease(each)]
    return session_id


def server_hello(body: bytes, fields: dict[str, Any], asked: bytes) -> None:
    """Adds what a ServerHello chooses; ``asked`` is the session id that the client sent."""
    cursor = _Cursor(body)
    version = cursor.number(2)
    random = cursor.take(32)
    session_id = cursor.vector(1)
    cipher = cursor.number(2)
    cursor.take(1)
    extensions = dict(_extensions(cursor))
    if _SUPPORTED_VERSIONS in extensions:
        version = int.from_bytes(extensions[_SUPPORTED_VERSIONS][:2], "big")
    fields["tls.version"] = _version(version)
    fields["tls.cipher"] = _cipher_names().get(cipher, f"0x{cipher:04x}")
    if random == _RETRY:
        fields["tls.retry"] = True
    elif version == 0x0304:  # it echoes the session id always, and takes a pre-shared key when it resumes
        fields["tls.resumed"] = _PRE_SHARED_KEY in extensions
    elif asked:  # RFC 5246, 7.4.1.3: the same session id is the same session
        fields["tls.resumed"] = session_id == asked


def _extensions(cursor: _Cursor) -> Iterator[tuple[int, bytes]]:
    rest = _Cursor(cursor.vector(2))
    while rest:
        yield rest.number(2), rest.vector(2)


def _numbers(cursor: _Cursor) -> Iterator[int]:
    while cursor:
        yield cursor.number(2)


def _vectors(cursor: _Cursor) -> Iterator[bytes]:
    while cursor:
        yield cursor.vector(1)


def _is_grease(number: int) -> bool:
    """Whether it is one of the values that nobody may know (RFC 8701)."""
    return number & 0x0F0F == 0x0A0A and number >> 8 == number & 0xFF


def _version(number: int) -> str:
    return _VERSIONS.get(number, f"0x{number:04x}")


def _host(content: bytes) -> str:
    names = _Cursor(_Cursor(content).vector(2))
    names.take(1)
    name = names.vector(2).decode("ascii", "replace")
    return name if _HOST.fullmatch(name) else HIDDEN


def _protocol(name: bytes) -> str:
    text = name.decode("ascii", "replace")
    return text if text in _PROTOCOLS else HIDDEN


@cache
def _cipher_names() -> dict[int, str]:
    """The names that `ssl` has for the cipher suites, by their number in the protocol."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.set_ciphers("ALL:COMPLEMENTOFALL")
    except ssl.SSLError:  # a build without some of them: the default ones then
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return {cipher["id"] & 0xFFFF: cipher["name"] for cipher in context.get_ciphers()}
