"""What holds for every decoder: any chunking, any bytes, bounded memory, and no secret gets through."""

from __future__ import annotations

import random
import string

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from repro.events import FAILURES
from repro.wire import Message
from tests.wire.streams import CASES, LARGEST_BUFFER, Segment, decode, mutate, rechunk

pytestmark = pytest.mark.parametrize("name", sorted(CASES))

SECRET = "Xs3cr3t+Zebra/9Q"
seeds = st.integers(0, 2**32).map(random.Random)
secrets = st.text(
    alphabet=string.ascii_letters + string.digits + "!#*+.:=@_äß日", min_size=8, max_size=24
).filter(lambda text: len(set(text)) > 5)
garbage = st.lists(
    st.tuples(
        st.sampled_from(["client", "server"]), st.binary(max_size=200) | st.text(max_size=40).map(str.encode)
    ),
    max_size=12,
)


def assert_well_formed(messages: list[Message]) -> None:
    for message in messages:
        assert message.failure is None or message.failure in FAILURES
        assert message.length >= 0
        assert all("." in field for field in message.fields)


@settings(max_examples=12, deadline=None)
@given(source=seeds)
def test_every_chunking_gives_the_same(name: str, source: random.Random) -> None:
    make, segments = CASES[name]
    whole = decode(make(), segments(SECRET))

    assert decode(make(), rechunk(segments(SECRET), source)) == whole
    assert len(whole) > 2


@settings(max_examples=30, deadline=None)
@given(source=seeds)
def test_changed_bytes_never_raise_and_chunking_still_does_not_matter(
    name: str, source: random.Random
) -> None:
    make, segments = CASES[name]
    changed = mutate(segments(SECRET), source)

    messages = decode(make(), changed)

    assert_well_formed(messages)
    assert decode(make(), rechunk(changed, source)) == messages


@settings(max_examples=50, deadline=None)
@given(pieces=garbage)
def test_garbage_never_raises(name: str, pieces: list[Segment]) -> None:
    make, _ = CASES[name]

    messages = decode(make(), pieces)

    assert_well_formed(messages)
    singly = [(sender, data[at : at + 1]) for sender, data in pieces for at in range(len(data))]
    assert decode(make(), singly) == messages


@settings(max_examples=30, deadline=None)
@given(secret=secrets)
def test_no_secret_gets_through(name: str, secret: str) -> None:
    make, segments = CASES[name]

    ours = repr(decode(make(), segments(SECRET)))
    assume(secret not in ours and secret.upper() not in ours)  # a word of the protocol, such as CopyFail

    shown = repr(decode(make(), segments(secret)))

    quoted = "".join(f"%{byte:02x}" for byte in secret.encode())
    assert secret not in shown
    assert secret.upper() not in shown
    assert quoted not in shown


def test_a_memoryview_does_as_well(name: str) -> None:
    make, segments = CASES[name]
    decoder = make()
    messages = [each for sender, data in segments(SECRET) for each in decoder.feed(sender, memoryview(data))]

    assert messages == decode(make(), segments(SECRET), end=False)


def test_what_was_fed_may_change_afterwards(name: str) -> None:
    make, segments = CASES[name]
    decoder = make()
    messages = []
    for sender, data in rechunk(segments(SECRET), random.Random(1)):
        reused = bytearray(data)
        messages += decoder.feed(sender, memoryview(reused))
        reused[:] = bytes(len(reused))

    assert messages == decode(make(), segments(SECRET), end=False)


def test_after_the_end_nothing_is_said(name: str) -> None:
    make, segments = CASES[name]
    decoder = make()
    decode(decoder, segments(SECRET))

    assert decode(decoder, segments(SECRET)) == []


@pytest.mark.parametrize(
    "endless", [b"\0", b"\xff", b"A", b"*1\r\n", b"*?\r\n", b"GET ", b"a: b\r\n", b"\x16\x03\x03"]
)
@pytest.mark.parametrize("at", [0, 1, 2, 3, 5])
def test_memory_is_bounded_whatever_comes(name: str, endless: bytes, at: int) -> None:
    make, segments = CASES[name]
    decoder = make()
    decode(decoder, segments(SECRET)[:at], end=False)
    for _ in range(30):
        decoder.feed("client", endless * 3000)
        assert decoder.buffered <= LARGEST_BUFFER
        decoder.feed("server", endless * 3000)
        assert decoder.buffered <= LARGEST_BUFFER
