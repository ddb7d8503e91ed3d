from __future__ import annotations

import hashlib
import struct

import pytest

from repro.lab.neon.authentication import Authentication, LoginImpossible

OK = struct.pack("!i", 0)
SCRAM_OFFER = struct.pack("!i", 10) + b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"


def test_trust_needs_no_answer() -> None:
    authentication = Authentication("u", "p")
    assert not authentication.done
    assert authentication.answer(OK) == b""
    assert authentication.done


def test_cleartext() -> None:
    assert Authentication("u", "pä").answer(struct.pack("!i", 3)) == b"p\0\0\0\x08p\xc3\xa4\0"


def test_md5_is_the_digest_of_a_digest() -> None:
    inner = hashlib.md5(b"pu").hexdigest().encode()
    expected = b"md5" + hashlib.md5(inner + b"salt").hexdigest().encode()
    assert Authentication("u", "p").answer(struct.pack("!i", 5) + b"salt")[5:-1] == expected


def test_scram_starts_without_a_user_name() -> None:
    answer = Authentication("u", "p").answer(SCRAM_OFFER)
    assert answer[5:].startswith(b"SCRAM-SHA-256\0")
    assert b"n,,n=,r=" in answer


@pytest.mark.parametrize(
    ("before", "request_"),
    [
        ([SCRAM_OFFER], OK),
        ([SCRAM_OFFER], struct.pack("!i", 11) + b"r=other,s=c2FsdA==,i=1"),
        ([SCRAM_OFFER], struct.pack("!i", 12) + b"v=bm8="),
        ([], struct.pack("!i", 12) + b"v=bm8="),
        ([], struct.pack("!i", 10) + b"OTHER\0\0"),
        ([], struct.pack("!i", 7)),
    ],
    ids=["proof skipped", "foreign nonce", "proof too early", "proof of nothing", "unknown mechanism", "GSS"],
)
def test_what_cannot_be_answered(before: list[bytes], request_: bytes) -> None:
    authentication = Authentication("u", "p")
    for earlier in before:
        authentication.answer(earlier)
    with pytest.raises(LoginImpossible):
        authentication.answer(request_)
    assert not authentication.done
