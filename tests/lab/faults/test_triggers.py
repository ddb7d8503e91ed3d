"""Triggers find their thing wherever the bytes are cut, and let everything else through."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.lab.faults.triggers import AnswerTo, Bytes, PostgresMessage, Side, Trigger
from repro.lab.neon.messages import build, query, startup

COMPLETE = build(b"C", b"COMMIT\0")
READY = build(b"Z", b"I")
LOGIN = startup({"user": "app"})
SSL_REQUEST = struct.pack("!iI", 8, 1234 << 16 | 5679)

Spoken = tuple[Side, bytes]


def fed(trigger: Trigger, pieces: Sequence[Spoken]) -> tuple[dict[Side, bytes], bool]:
    """What comes through on each side, the held rest included, and whether it fired."""
    through: dict[Side, bytes] = {"client": b"", "server": b""}
    for side, data in pieces:
        forward, fired = trigger.feed(side, data)
        through[side] += forward
        if fired:
            return through, True
    for side in through:
        through[side] += trigger.rest(side)
    return through, False


def cut(side: Side, data: bytes, sizes: Sequence[int]) -> list[Spoken]:
    """The data in pieces of these sizes, then one byte at a time."""
    pieces: list[Spoken] = []
    at = 0
    for size in [*sizes, *[1] * len(data)]:
        if at < len(data):
            pieces.append((side, data[at : at + size]))
            at += size
    return pieces


SIZES = st.lists(st.integers(1, 40), max_size=10)
JUNK = st.lists(st.tuples(st.sampled_from(["client", "server"]), st.binary(max_size=60)), max_size=12)


@given(SIZES, SIZES)
def test_a_message_is_found_however_it_is_cut(sizes: Sequence[int], others: Sequence[int]) -> None:
    before = (
        build(b"T", b"COMMIT\0") + build(b"C", b"INSERT 0 1\0") + build(b"D", b"C\0\0\0\x0bCOMMIT\0") + READY
    )
    pieces = [*cut("client", LOGIN, others), *cut("server", before + COMPLETE + READY, sizes)]
    through, fired = fed(PostgresMessage("server", b"C", b"COMMIT\0"), pieces)
    assert fired
    assert through == {"client": LOGIN, "server": before}


@given(SIZES)
def test_the_clients_first_packets_have_no_type(sizes: Sequence[int]) -> None:
    said = SSL_REQUEST + LOGIN + query(b"BEGIN")
    pieces: list[Spoken] = [*cut("client", SSL_REQUEST, sizes), ("server", b"N" + READY)]
    pieces += cut("client", said[len(SSL_REQUEST) :] + query(b"COMMIT") + b"more", sizes)
    through, fired = fed(PostgresMessage("client", b"Q", b"COMMIT"), pieces)
    assert fired
    assert through == {"client": said, "server": b"N" + READY}


def test_what_is_encrypted_is_not_read() -> None:
    pieces: list[Spoken] = [("client", SSL_REQUEST), ("server", b"S"), ("client", query(b"COMMIT"))]
    through, fired = fed(PostgresMessage("client", b"Q", b"COMMIT"), pieces)
    assert not fired
    assert through["client"] == SSL_REQUEST + query(b"COMMIT")


@given(SIZES)
def test_an_answer_is_the_one_to_its_request(sizes: Sequence[int]) -> None:
    pieces: list[Spoken] = [
        *cut("client", b"AUTH", sizes),
        ("server", b"+OK"),
        *cut("client", b"the EVAL of a script", sizes),
    ]
    through, fired = fed(AnswerTo(b"EVAL"), [*pieces, ("server", b":3"), ("server", b"more")])
    assert fired
    assert through == {"client": b"AUTHthe EVAL of a script", "server": b"+OK"}


def test_two_requests_do_not_make_one() -> None:
    pieces: list[Spoken] = [("client", b"EV"), ("server", b"+OK"), ("client", b"AL"), ("server", b"+OK")]
    assert not fed(AnswerTo(b"EVAL"), pieces)[1]


@given(SIZES, st.binary(max_size=30))
def test_bytes_are_found_however_they_are_cut(sizes: Sequence[int], before: bytes) -> None:
    marker = b"abab!"
    whole = before.replace(b"!", b"?") + b"ab" + marker
    through, fired = fed(Bytes("server", marker), cut("server", whole + b"tail", sizes))
    assert fired
    assert through["server"] == whole[: whole.index(marker)]


@pytest.mark.parametrize(
    "make",
    [
        lambda: Bytes("server", b"COMMIT"),
        lambda: AnswerTo(b"EVAL"),
        lambda: PostgresMessage("server", b"C", b"COMMIT\0"),
        lambda: PostgresMessage("client", b"Q", b"COMMIT"),
    ],
)
@given(pieces=JUNK)
def test_garbage_comes_through_whole(make: Callable[[], Trigger], pieces: list[Spoken]) -> None:
    through, fired = fed(make(), pieces)
    if not fired:
        for side in through:
            assert through[side] == b"".join(data for who, data in pieces if who == side)
