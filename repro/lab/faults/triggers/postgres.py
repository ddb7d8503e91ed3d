"""Messages of Postgres's protocol, version 3, without TLS.

Layouts: https://www.postgresql.org/docs/current/protocol-message-formats.html
"""

from __future__ import annotations

import struct

from repro.lab.faults.triggers.stream import Reading, Stream, Unintelligible
from repro.lab.faults.triggers.trigger import Side, Trigger
from repro.lab.neon.messages import CANCEL_REQUEST, GSS_REQUEST, MAX_STARTUP, SSL_REQUEST

_ENCRYPTION_REQUESTS = frozenset({SSL_REQUEST, GSS_REQUEST})


class PostgresMessage(Trigger):
    """A typed message.

    Args:
        side: who sends it.
        kind: its type byte, such as ``C`` for CommandComplete.
        starts: what its payload begins with, such as ``COMMIT``.
    """

    def __init__(self, side: Side, kind: bytes, starts: bytes = b"") -> None:
        super().__init__(side)
        self._kind, self._starts = kind, starts
        self._encryption_asked = False

    def _client(self, stream: Stream) -> Reading[None]:
        """Its first packets have no type: requests for encryption, then the one that begins the session."""
        while True:
            length, code = struct.unpack("!iI", (yield from stream.exactly(8)))
            if code == CANCEL_REQUEST or not 8 <= length <= MAX_STARTUP:
                raise Unintelligible("no session begins")
            yield from stream.skip(length - 8)
            if code not in _ENCRYPTION_REQUESTS:
                break
            self._encryption_asked = True
        yield from self._messages("client", stream)

    def _server(self, stream: Stream) -> Reading[None]:
        """Its answer to a request for encryption has no type either: one byte, ``N`` for no."""
        while True:
            first = yield from stream.peek(1)
            if not self._encryption_asked:
                break
            if first != b"N":
                raise Unintelligible("what follows is encrypted")
            self._encryption_asked = False
            yield from stream.skip(1)
        yield from self._messages("server", stream)

    def _messages(self, side: Side, stream: Stream) -> Reading[None]:
        while side == self.side:
            at = stream.suspect()
            kind, length = struct.unpack("!ci", (yield from stream.exactly(5)))
            if length < 4:
                raise Unintelligible("a message of impossible length")
            found = kind == self._kind and length - 4 >= len(self._starts)
            found = found and (yield from stream.matches(self._starts))
            if found:
                self._begins(at)
            stream.clear()
            yield from stream.skip(length - 4)
            if found:
                self._ends(stream.position)
