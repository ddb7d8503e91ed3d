from __future__ import annotations

import struct
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.lab.faults.triggers import PostgresMessage
from repro.lab.neon.messages import GSS_REQUEST, SSL_REQUEST, build, cancel_request, query, startup
from tests.lab.faults.triggers.feeding import SIZES, Spoken, kept, marks, span

COMMIT = query(b"COMMIT;")
COMPLETE = build(b"C", b"COMMIT\0")
READY = build(b"Z", b"I")
LOGIN = startup({"user": "app"})

OTHERS = st.lists(
    st.builds(build, st.sampled_from([b"C", b"D", b"N", b"T", b"Q"]), st.binary(max_size=60)), max_size=6
).map(b"".join)
"""Messages that are another's: of another kind, or with another beginning."""


def asked(code: int) -> bytes:
    return struct.pack("!iI", 8, code)


def harmless(data: bytes) -> bytes:
    return data.replace(b"COMMIT", b"commit")


@given(OTHERS, OTHERS, SIZES)
def test_a_message_is_found_however_it_is_cut(before: bytes, between: bytes, sizes: Sequence[int]) -> None:
    before = harmless(before) + build(b"D", COMPLETE) + build(b"C", b"COMMI")
    said: list[Spoken] = [("client", LOGIN + COMMIT), ("server", before + COMPLETE)]
    said += [("server", harmless(between) + COMPLETE + READY)]
    found = marks(PostgresMessage("server", b"C", b"COMMIT\0"), said, sizes)
    second = len(before) + len(COMPLETE) + len(between)
    assert found == [*span(len(before), len(COMPLETE)), *span(second, len(COMPLETE))]


@given(SIZES)
def test_the_first_packets_have_no_type(sizes: Sequence[int]) -> None:
    said: list[Spoken] = [
        ("client", asked(GSS_REQUEST)),
        ("server", b"N"),
        ("client", asked(SSL_REQUEST)),
        ("server", b"N"),
        ("client", LOGIN + query(b"BEGIN")),
        ("server", build(b"N", b"a notice") + READY),
        ("client", COMMIT),
        ("server", COMPLETE),
    ]
    client = 16 + len(LOGIN + query(b"BEGIN"))
    server = 2 + len(build(b"N", b"a notice") + READY)
    assert marks(PostgresMessage("client", b"Q", b"COMMIT"), said, sizes) == span(client, len(COMMIT))
    assert marks(PostgresMessage("server", b"C"), said, sizes) == span(server, len(COMPLETE))


@pytest.mark.parametrize(
    "said",
    [
        [("client", asked(SSL_REQUEST)), ("server", b"S" + COMPLETE), ("client", b"\x16\3\1\0\xff" + COMMIT)],
        [("client", asked(GSS_REQUEST)), ("server", b"G" + COMPLETE), ("client", COMMIT)],
        [("client", cancel_request(bytes(8)) + COMMIT)],
        [("client", LOGIN + b"X\0\0\0\3" + COMMIT), ("server", b"C\0\0\0\0" + COMPLETE)],
    ],
    ids=["tls", "gss", "cancel", "impossible"],
)
def test_what_is_no_session_in_clear_is_not_read(said: list[Spoken]) -> None:
    for trigger in (PostgresMessage("client", b"Q", b"COMMIT"), PostgresMessage("server", b"C")):
        assert marks(trigger, said) == []


def test_no_more_of_a_message_is_held_than_says_what_it_is() -> None:
    trigger = PostgresMessage("client", b"Q", b"COMMIT")
    trigger.feed("client", LOGIN + b"Q" + struct.pack("!i", 1 << 30) + b"COMMI")
    assert trigger.decided == len(LOGIN)
    trigger.feed("client", b"?")
    for _ in range(100):
        trigger.feed("client", b"x" * 10_000)
        assert kept(trigger) == 0
    assert trigger.decided == len(LOGIN) + 11 + 1_000_000
