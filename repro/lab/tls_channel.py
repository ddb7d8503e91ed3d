"""What a client's bytes go through at the front: a TLS session, or nothing. No I/O."""

from __future__ import annotations

import contextlib
import ssl
import struct
from typing import Literal, Protocol

_CHUNK = 64 << 10
_TLS_HANDSHAKE_RECORD = 0x16  # RFC 8446, section 5.1
# Codes that stand where a start-up packet has its version: PostgreSQL documentation, "Message Formats".
_SSL_REQUEST = 80877103
_GSSENC_REQUEST = 80877104
_REQUEST_LENGTH = 8


class Channel(Protocol):
    """Between the bytes of the network and those of the server behind."""

    established: bool
    ended: bool

    def receive(self, data: bytes) -> bytes:
        """Take bytes of the network; what they mean to the server. May leave something to `take`."""

    def send(self, data: bytes) -> None:
        """Take bytes of the server, to be had from `take`."""

    def close(self) -> None:
        """Say goodbye, if the channel has a way to."""

    def take(self) -> bytes:
        """The bytes to put on the network now."""


class PlainChannel:
    """Passes everything on as it is."""

    established = True
    ended = False

    def __init__(self) -> None:
        self._outgoing = b""

    def receive(self, data: bytes) -> bytes:
        """The same bytes."""
        return data

    def send(self, data: bytes) -> None:
        """Keep for `take`."""
        self._outgoing += data

    def close(self) -> None:
        """Nothing to say."""

    def take(self) -> bytes:
        """What was sent since the last time."""
        data, self._outgoing = self._outgoing, b""
        return data


class TlsChannel:
    """The server's side of one TLS session.

    ``established`` turns true with the handshake, ``ended`` with the client's ``close_notify``; the other
    direction stays open then, which asyncio's own TLS transports do not allow.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self.established = False
        self.ended = False
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._session = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    def receive(self, data: bytes) -> bytes:
        """Decrypt records as far as they are complete.

        Raises:
            ssl.SSLError: the client speaks no TLS, or another one; an alert waits in `take`.
        """
        self._incoming.write(data)
        if not self.established and not self._shake_hands():
            return b""
        plain = []
        try:
            while chunk := self._session.read(_CHUNK):
                plain.append(chunk)
            self.ended = True
        except ssl.SSLZeroReturnError:  # what the end of the client is called after our own
            self.ended = True
        except ssl.SSLWantReadError:
            pass
        return b"".join(plain)

    def send(self, data: bytes) -> None:
        """Encrypt."""
        self._session.write(data)

    def close(self) -> None:
        """Send ``close_notify``."""
        with contextlib.suppress(ssl.SSLError):
            self._session.unwrap()

    def take(self) -> bytes:
        """The records to send."""
        return self._outgoing.read()

    def _shake_hands(self) -> bool:
        try:
            self._session.do_handshake()
        except ssl.SSLWantReadError:
            return False
        self.established = True
        return True


def preface(data: bytes) -> Literal["incomplete", "refuse", "tls", "direct_tls", "plain", "violation"]:
    """What a Postgres client wants, by its first bytes.

    ``refuse`` asks for the answer ``N`` (no GSSAPI encryption) and another preface, ``tls`` for the answer
    ``S``; ``direct_tls`` is a handshake without a request (PostgreSQL 17). Bytes that follow a request before
    its answer would be taken for a part of the encrypted session (CVE-2021-23214): ``violation``.
    """
    if data[:1] == bytes([_TLS_HANDSHAKE_RECORD]):
        return "direct_tls"
    if len(data) < _REQUEST_LENGTH:
        return "incomplete"
    code = struct.unpack_from("!I", data, 4)[0]
    if code not in (_SSL_REQUEST, _GSSENC_REQUEST):
        return "plain"
    if len(data) > _REQUEST_LENGTH:
        return "violation"
    return "tls" if code == _SSL_REQUEST else "refuse"
