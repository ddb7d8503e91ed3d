from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.lab.upstash.resp import Decoder, ErrorReply, ProtocolViolation, Reply, encode_command

ERRORS = st.builds(ErrorReply, st.text(st.characters(codec="ascii", exclude_characters="\r\n"), max_size=20))
REPLIES: st.SearchStrategy[Reply] = st.recursive(
    st.none() | st.integers(-(2**63), 2**63 - 1) | st.binary(max_size=30) | ERRORS,
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=12,
)


def encoded(reply: Reply) -> bytes:
    match reply:
        case None:
            return b"$-1\r\n"
        case int():
            return b":%d\r\n" % reply
        case bytes():
            return b"$%d\r\n%s\r\n" % (len(reply), reply)
        case ErrorReply():
            return b"-%s\r\n" % reply.message.encode()
    return b"*%d\r\n" % len(reply) + b"".join(map(encoded, reply))


@settings(deadline=None)
@given(st.lists(REPLIES, max_size=5), st.lists(st.integers(min_value=0, max_value=5000), max_size=20))
def test_any_chunking_gives_the_same_replies(replies: list[Reply], cuts: list[int]) -> None:
    data = b"".join(map(encoded, replies))
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    decoder, found = Decoder(), []
    for start, end in itertools.pairwise(edges):
        decoder.feed(data[start:end])
        found += decoder.replies()
    assert found == replies


@settings(deadline=None)
@given(st.lists(st.binary(max_size=30), min_size=1, max_size=5))
def test_a_command_reads_back_as_a_list_of_strings(arguments: list[bytes]) -> None:
    decoder = Decoder()
    decoder.feed(encode_command(arguments))
    assert decoder.replies() == [arguments]


def test_simple_strings_and_null_lists() -> None:
    decoder = Decoder()
    decoder.feed(b"+OK\r\n*-1\r\n*0\r\n*2\r\n*0\r\n+x\r\n")
    assert decoder.replies() == [b"OK", None, [], [[], b"x"]]


@pytest.mark.parametrize("data", [b"HTTP/1.1 400\r\n", b":x\r\n", b"$y\r\n", b"%1\r\n"])
def test_what_is_not_resp2(data: bytes) -> None:
    decoder = Decoder()
    decoder.feed(data)
    with pytest.raises(ProtocolViolation):
        decoder.replies()
