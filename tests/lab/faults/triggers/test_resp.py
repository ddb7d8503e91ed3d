from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.lab.faults.triggers import Mark, RespCommand, RespReply
from repro.lab.upstash.resp import encode_command
from tests.lab.faults.triggers.feeding import SIZES, Spoken, kept, marks, span

AUTH = encode_command([b"AUTH", b"*1\r\n$4\r\nEVAL\r\n"])
EVAL = encode_command([b"eval", b"return 1", b"0"])
OTHER = encode_command([b"EVALSHA", b"EVAL"])

WORDS = st.binary(max_size=10).map(lambda word: word.replace(b"\r", b"").replace(b"\n", b""))
SCALARS = st.one_of(
    st.builds(
        lambda kind, word: kind + word + b"\r\n", st.sampled_from([b"+", b"-", b":", b",", b"#", b"("]), WORDS
    ),
    st.builds(
        lambda kind, data: kind + b"%d\r\n%s\r\n" % (len(data), data),
        st.sampled_from([b"$", b"!", b"="]),
        st.binary(max_size=30),
    ),
    st.sampled_from([b"$-1\r\n", b"*-1\r\n", b"_\r\n", b"*0\r\n", b"%0\r\n"]),
)


def aggregate(inner: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    items = st.lists(inner, max_size=3)
    pairs = st.lists(st.tuples(inner, inner), max_size=2).map(
        lambda found: [b"".join(pair) for pair in found]
    )
    return st.one_of(
        st.builds(
            lambda kind, all_: kind + b"%d\r\n" % len(all_) + b"".join(all_),
            st.sampled_from([b"*", b"~"]),
            items,
        ),
        pairs.map(lambda all_: b"%%%d\r\n" % len(all_) + b"".join(all_)),
        st.builds(lambda all_, value: b"|%d\r\n" % len(all_) + b"".join(all_) + value, pairs, inner),
    )


REPLIES = st.recursive(SCALARS, aggregate, max_leaves=10)
PUSHES = st.lists(SCALARS, min_size=1, max_size=3).map(lambda all_: b">%d\r\n" % len(all_) + b"".join(all_))


@given(SIZES)
def test_a_command_is_found_however_it_is_cut(sizes: Sequence[int]) -> None:
    said: list[Spoken] = [("client", AUTH + b"PING\r\n\r\n*0\r\n" + EVAL + OTHER + EVAL)]
    first, between = len(AUTH) + 12, len(EVAL + OTHER)
    assert marks(RespCommand("EVAL"), said, sizes) == [
        *span(first, len(EVAL)),
        *span(first + between, len(EVAL)),
    ]


@given(st.lists(REPLIES, min_size=4, max_size=4), st.lists(PUSHES, max_size=2).map(b"".join), SIZES)
def test_a_reply_is_the_one_to_its_command(replies: list[bytes], pushed: bytes, sizes: Sequence[int]) -> None:
    said: list[Spoken] = [
        ("server", pushed),
        ("client", AUTH + EVAL + OTHER),
        ("server", replies[0] + pushed + replies[1] + pushed + replies[2]),
        ("client", b"ping\r\n\r\n*0\r\n" + EVAL),
        ("server", b"+PONG\r\n" + replies[3] + pushed),
    ]
    first = len(pushed + replies[0] + pushed)
    second = first + len(replies[1] + pushed + replies[2] + b"+PONG\r\n")
    assert marks(RespReply("eval"), said, sizes) == [
        *span(first, len(replies[1])),
        *span(second, len(replies[3])),
    ]


def test_a_reply_of_endless_depth_is_followed() -> None:
    trigger = RespReply("EVAL")
    trigger.feed("client", EVAL)
    assert trigger.feed("server", b"*1\r\n" * 100_000) == [Mark("begins", 0)]
    assert trigger.feed("server", b":1\r\n") == [Mark("ends", 400_004)]


def test_no_more_of_a_command_is_held_than_says_what_it_is() -> None:
    trigger = RespCommand("EVAL")
    trigger.feed("client", b"*2\r\n$4\r\nEVA")
    assert trigger.decided == 0
    assert trigger.feed("client", b"L\r\n$100000000\r\n") == [Mark("begins", 0)]
    for _ in range(100):
        trigger.feed("client", b"x" * 10_000)
        assert kept(trigger) == 0


@pytest.mark.parametrize("data", [b"*1\r\n:1\r\n", b"*x\r\n", b"*1\r\n$-1\r\n", b"*2\r\n$1\r\nX\r\n+\r\n"])
def test_behind_what_is_no_command_nothing_is_found(data: bytes) -> None:
    assert marks(RespCommand("EVAL"), [("client", data + EVAL)]) == []
    assert marks(RespReply("EVAL"), [("client", data + EVAL), ("server", b":1\r\n:1\r\n:1\r\n")]) == []


def test_behind_what_is_no_reply_nothing_is_found() -> None:
    said: list[Spoken] = [("client", AUTH + EVAL), ("server", b"HTTP/1.1 400\r\n:1\r\n")]
    assert marks(RespReply("EVAL"), said) == []


def test_a_reply_to_one_of_several_commands() -> None:
    said: list[Spoken] = [
        ("client", OTHER + EVAL + AUTH),
        ("server", b":1\r\n:22\r\n+OK\r\n"),
    ]
    assert marks(RespReply("auth", "eval"), said) == [*span(4, 5), *span(9, 5)]
