"""The client's half of a Postgres login, without I/O: what to answer to each authentication request."""

from __future__ import annotations

import hashlib
import struct

from repro.lab.neon import messages
from repro.persistence.drivers.scram import ScramClient, ScramError

OK, CLEARTEXT, MD5, SASL, SASL_CONTINUE, SASL_FINAL = 0, 3, 5, 10, 11, 12
"""Codes of authentication requests: https://www.postgresql.org/docs/current/protocol-message-formats.html"""


class LoginImpossible(Exception):  # noqa: N818 - a state of affairs; the server's refusal is another class
    """The server asked for something that a password cannot answer, or failed to prove that it knows it."""


class Authentication:
    """Answers the authentication requests of one server, one after the other.

    Args:
        user: the name that is logged in.
        password: its password, in clear; bytes that are not UTF-8 stand as surrogate escapes.
    """

    def __init__(self, user: str, password: str) -> None:
        self._user = user
        self._password = password
        self._bytes = password.encode("utf-8", "surrogateescape")
        self._scram: ScramClient | None = None
        self._proved = True
        self.done = False

    def answer(self, payload: bytes) -> bytes:
        """The message to send back, empty when there is none.

        Args:
            payload: of an authentication request (message ``R``).

        Raises:
            LoginImpossible: the request is not one that can be answered, or the server's proof is wrong.
        """
        code, data = struct.unpack_from("!i", payload)[0], payload[4:]
        if code == OK:
            return self._accept()
        if code == CLEARTEXT:
            return messages.build(b"p", self._bytes + b"\0")
        if code == MD5:
            return messages.build(b"p", self._md5(salt=data) + b"\0")
        try:
            return self._sasl(code, data)
        except ScramError as error:
            raise LoginImpossible(f"SCRAM failed: {error}") from error

    def _accept(self) -> bytes:
        if not self._proved:
            raise LoginImpossible("the server skipped its half of SCRAM")
        self.done = True
        return b""

    def _md5(self, *, salt: bytes) -> bytes:
        def digest(data: bytes) -> bytes:
            return hashlib.md5(data, usedforsecurity=False).hexdigest().encode()

        return b"md5" + digest(digest(self._bytes + self._user.encode()) + salt)

    def _sasl(self, code: int, data: bytes) -> bytes:
        if code == SASL and b"SCRAM-SHA-256" in data.split(b"\0"):
            return self._first()
        if code == SASL_CONTINUE and self._scram is not None:
            return messages.build(b"p", self._scram.final_message(data))
        if code == SASL_FINAL and self._scram is not None:
            self._scram.verify(data)
            self._proved = True
            return b""
        raise LoginImpossible(f"authentication method {code} is not supported")

    def _first(self) -> bytes:
        # Postgres takes the name from the startup packet and expects this one to be empty.
        self._scram, self._proved = ScramClient("", self._password), False
        first = self._scram.first_message()
        return messages.build(b"p", b"SCRAM-SHA-256\0" + struct.pack("!i", len(first)) + first)
