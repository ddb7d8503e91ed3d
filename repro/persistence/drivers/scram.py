"""SCRAM-SHA-256, the client's half, without I/O.

The raw driver and the lab's gateway both log in to a real Postgres with it. RFC 5802 describes the messages,
RFC 7677 the hash. Channel binding is not spoken: the header is always ``n,,``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import stringprep
import unicodedata

GS2_HEADER = "n,,"
"""No channel binding, no authorization identity (RFC 5802, section 7)."""

MAX_ITERATIONS = 10_000_000
"""Above this a server would only be wasting the client's time; Postgres's default is 4,096."""

_NONCE_BYTES = 18

_PROHIBITED = (
    # RFC 4013, section 2.3
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)


class ScramError(Exception):
    """The server's half is malformed, refuses, or does not prove that it knows the password."""


class ScramClient:
    """One exchange: `first_message`, then `final_message`, then `verify`, each once and in this order.

    Args:
        user: the user name. Postgres takes it from the startup packet and ignores this one: give ``""``
            there, as libpq does.
        password: the password, as the user writes it.
        nonce: the client's nonce, printable ASCII without commas; a random one if None.

    Raises:
        ValueError: if the nonce is not such a text.
    """

    def __init__(self, user: str, password: str, *, nonce: str | None = None) -> None:
        nonce = secrets.token_urlsafe(_NONCE_BYTES) if nonce is None else nonce
        if not nonce or any(not "!" <= character <= "~" or character == "," for character in nonce):
            raise ValueError("a SCRAM nonce is printable ASCII without commas")
        self._password = password
        self._nonce = nonce
        self._first_bare = f"n={_escaped(user)},r={nonce}"
        self._server_signature: bytes | None = None

    def first_message(self) -> bytes:
        """The client-first-message."""
        return (GS2_HEADER + self._first_bare).encode()

    def final_message(self, server_first: bytes) -> bytes:
        """The client-final-message, with the proof that answers the server's challenge.

        Args:
            server_first: the server-first-message, ``r=…,s=…,i=…``.

        Raises:
            ScramError: if the challenge is malformed, or its nonce does not continue the client's.
        """
        nonce, salt, iterations = _challenge(server_first, self._nonce)
        salted = hashlib.pbkdf2_hmac("sha256", prepared_password(self._password), salt, iterations)
        client_key = _hmac(salted, b"Client Key")
        bare = f"c={base64.b64encode(GS2_HEADER.encode()).decode()},r={nonce}"
        signed = b",".join([self._first_bare.encode(), server_first, bare.encode()])
        signature = _hmac(hashlib.sha256(client_key).digest(), signed)
        proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
        self._server_signature = _hmac(_hmac(salted, b"Server Key"), signed)
        return f"{bare},p={base64.b64encode(proof).decode()}".encode()

    def verify(self, server_final: bytes) -> None:
        """Check that the server knows the password too.

        Args:
            server_final: the server-final-message, ``v=…`` or ``e=…``.

        Raises:
            ScramError: if the server refused, or its signature is wrong or comes before its turn.
        """
        attributes = _attributes(server_final)
        if "e" in attributes:
            raise ScramError(f"the server refused: {attributes['e']}")
        if self._server_signature is None:
            raise ScramError("the server's signature came before the client's proof")
        if not hmac.compare_digest(_decoded(attributes, "v"), self._server_signature):
            raise ScramError("the server's signature is wrong: it does not know the password")


def prepared_password(password: str) -> bytes:
    """The password in the form that is hashed: SASLprep, or the plain bytes where SASLprep forbids it.

    Postgres does the same (``pg_saslprep``), so that any byte string can be a password there.
    """
    try:
        return _saslprep(password).encode()
    except ValueError:
        return password.encode("utf-8", "surrogateescape")


def _saslprep(text: str) -> str:
    """RFC 4013. Raises ValueError where it forbids the text."""
    mapped = "".join(
        " " if stringprep.in_table_c12(character) else character
        for character in text
        if not stringprep.in_table_b1(character)
    )
    normal = unicodedata.ucd_3_2_0.normalize("NFKC", mapped)
    if not normal:
        raise ValueError("nothing is left")
    if any(stringprep.in_table_a1(c) or any(table(c) for table in _PROHIBITED) for c in normal):
        raise ValueError("a prohibited or unassigned character")
    _check_direction(normal)
    return normal


def _check_direction(text: str) -> None:
    """RFC 3454, section 6: right-to-left text is not mixed, and stands at both ends."""
    if not any(stringprep.in_table_d1(character) for character in text):
        return
    if any(stringprep.in_table_d2(character) for character in text):
        raise ValueError("text of both directions")
    if not (stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1])):
        raise ValueError("right-to-left text does not stand at both ends")


def _escaped(name: str) -> str:
    return name.replace("=", "=3D").replace(",", "=2C")


def _challenge(message: bytes, client_nonce: str) -> tuple[str, bytes, int]:
    attributes = _attributes(message)
    if "m" in attributes:
        raise ScramError("the server asks for an extension that nobody knows")
    nonce = attributes.get("r", "")
    if not nonce.startswith(client_nonce) or nonce == client_nonce:
        raise ScramError("the server's nonce does not continue the client's")
    salt = _decoded(attributes, "s")
    count = attributes.get("i", "")
    if not (count.isascii() and count.isdigit() and len(count) <= len(str(MAX_ITERATIONS))):
        raise ScramError("the server's iteration count is not a number")
    if not 0 < int(count) <= MAX_ITERATIONS:
        raise ScramError(f"the server's iteration count is not within 1 to {MAX_ITERATIONS}")
    return nonce, salt, int(count)


def _attributes(message: bytes) -> dict[str, str]:
    try:
        pairs = [part.split("=", 1) for part in message.decode().split(",")]
        return {name: value for name, value in pairs}  # noqa: C416 - the unpacking is the check
    except ValueError as error:
        raise ScramError("the server's message is not a list of attributes") from error


def _decoded(attributes: dict[str, str], name: str) -> bytes:
    try:
        value = base64.b64decode(attributes[name], validate=True)
    except (KeyError, binascii.Error, ValueError) as error:
        raise ScramError(f"the server's attribute {name} is missing or not base64") from error
    if not value:
        raise ScramError(f"the server's attribute {name} is empty")
    return value


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")
