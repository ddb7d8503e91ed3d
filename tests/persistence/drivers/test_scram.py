"""SCRAM-SHA-256 against the RFC's own example, and against a server's half written down from the RFC."""

from __future__ import annotations

import base64
import hashlib
import hmac
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.persistence.drivers.scram import ScramClient, ScramError, prepared_password

NONCE = "rOprNGfwEbeRWgbNEkqO"
SERVER_FIRST = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"

NONCES = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters=","), min_size=1)


class Server:
    """The server's half: it knows the stored keys only, as Postgres does."""

    def __init__(self, password: bytes, *, salt: bytes, iterations: int, nonce: str) -> None:
        salted = hashlib.pbkdf2_hmac("sha256", password, salt, iterations)
        self.stored_key = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
        self.server_key = hmac.digest(salted, b"Server Key", "sha256")
        self.salt, self.iterations, self.nonce = salt, iterations, nonce

    def challenge(self, client_first: bytes) -> bytes:
        assert client_first.startswith(b"n,,n=")
        self.first_bare = client_first[3:]
        self.full_nonce = client_first.partition(b",r=")[2].decode() + self.nonce
        salt = base64.b64encode(self.salt).decode()
        self.first = f"r={self.full_nonce},s={salt},i={self.iterations}".encode()
        return self.first

    def answer(self, client_final: bytes) -> bytes:
        bare, _, proof = client_final.rpartition(b",p=")
        assert bare == f"c=biws,r={self.full_nonce}".encode()
        signed = b",".join([self.first_bare, self.first, bare])
        signature = hmac.digest(self.stored_key, signed, "sha256")
        client_key = bytes(a ^ b for a, b in zip(base64.b64decode(proof), signature, strict=True))
        if hashlib.sha256(client_key).digest() != self.stored_key:
            return b"e=invalid-proof"
        return b"v=" + base64.b64encode(hmac.digest(self.server_key, signed, "sha256"))


def test_the_example_of_rfc_7677() -> None:
    client = ScramClient("user", "pencil", nonce=NONCE)
    assert client.first_message() == b"n,,n=user,r=" + NONCE.encode()
    assert client.final_message(SERVER_FIRST) == (
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    )
    client.verify(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")


@given(
    password=st.text(st.characters(codec="utf-8"), min_size=1),
    user=st.text(st.characters(codec="utf-8", exclude_characters="\0")),
    salt=st.binary(min_size=1, max_size=32),
    iterations=st.integers(1, 50),
    nonces=st.tuples(NONCES, NONCES),
)
def test_client_and_server_agree(
    password: str, user: str, salt: bytes, iterations: int, nonces: tuple[str, str]
) -> None:
    client = ScramClient(user, password, nonce=nonces[0])
    server = Server(prepared_password(password), salt=salt, iterations=iterations, nonce=nonces[1])
    client.verify(server.answer(client.final_message(server.challenge(client.first_message()))))


@given(password=st.text(min_size=1, alphabet="abc"), other=st.text(min_size=1, alphabet="abd"))
def test_a_wrong_password_is_refused_by_both_sides(password: str, other: str) -> None:
    if password == other:
        return
    client = ScramClient("", password)
    server = Server(other.encode(), salt=b"salt", iterations=2, nonce="xyz")
    final = client.final_message(server.challenge(client.first_message()))
    assert server.answer(final) == b"e=invalid-proof"
    with pytest.raises(ScramError, match="does not know the password"):
        client.verify(b"v=" + base64.b64encode(b"\0" * 32))


def test_a_refusal_names_the_server_s_reason() -> None:
    client = ScramClient("", "pencil", nonce=NONCE)
    client.final_message(SERVER_FIRST)
    with pytest.raises(ScramError, match="invalid-proof"):
        client.verify(b"e=invalid-proof")


@pytest.mark.parametrize(
    "challenge",
    [
        b"",
        b"\xff",
        b"r",
        b"r=other,s=W22Z,i=4096",
        b"r=" + NONCE.encode() + b",s=W22Z,i=4096",
        b"r=" + NONCE.encode() + b"x,i=4096",
        b"r=" + NONCE.encode() + b"x,s=%%,i=4096",
        b"r=" + NONCE.encode() + b"x,s=,i=4096",
        b"r=" + NONCE.encode() + b"x,s=W22Z",
        b"r=" + NONCE.encode() + b"x,s=W22Z,i=0",
        b"r=" + NONCE.encode() + b"x,s=W22Z,i=-1",
        b"r=" + NONCE.encode() + b"x,s=W22Z,i=" + b"9" * 5000,
        b"m=ext,r=" + NONCE.encode() + b"x,s=W22Z,i=4096",
    ],
)
def test_a_malformed_challenge_is_an_error(challenge: bytes) -> None:
    with pytest.raises(ScramError):
        ScramClient("", "pencil", nonce=NONCE).final_message(challenge)


@given(st.binary())
def test_no_bytes_of_a_server_raise_anything_else(message: bytes) -> None:
    client = ScramClient("", "pencil", nonce=NONCE)
    with pytest.raises(ScramError):
        client.verify(message)
    with pytest.raises(ScramError):
        client.final_message(message)


@pytest.mark.parametrize(
    ("password", "prepared"),
    [
        # RFC 4013, section 3
        ("I\u00adX", b"IX"),
        ("user", b"user"),
        ("\u00aa", b"a"),
        ("\u2168", b"IX"),
        ("a\u00a0b", b"a b"),
        # forbidden there: taken as they are, as Postgres does
        ("\u0007", b"\x07"),
        ("\u0627\u0031", "\u0627\u0031".encode()),
        ("", b""),
    ],
)
def test_preparation_of_passwords(password: str, prepared: bytes) -> None:
    assert prepared_password(password) == prepared


@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_equivalent_spellings_of_a_password_are_one(password: str) -> None:
    composed, decomposed = (unicodedata.ucd_3_2_0.normalize(form, password) for form in ("NFC", "NFD"))
    prepared = {prepared_password(composed), prepared_password(decomposed)}
    assert len(prepared) == 1 or prepared == {composed.encode(), decomposed.encode()}


@pytest.mark.parametrize("nonce", ["", "a,b", "a b", "ä"])
def test_a_nonce_that_would_break_the_message_is_refused(nonce: str) -> None:
    with pytest.raises(ValueError, match="nonce"):
        ScramClient("", "pencil", nonce=nonce)


def test_user_names_are_escaped_and_nonces_differ() -> None:
    assert ScramClient("a=b,c", "p", nonce="n").first_message() == b"n,,n=a=3Db=2Cc,r=n"
    assert ScramClient("", "p").first_message() != ScramClient("", "p").first_message()
