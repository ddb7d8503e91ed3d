from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.lab.neon import messages
from repro.lab.neon.messages import Message, MessageBuffer, MessageTooLarge, ProtocolViolation

KINDS = st.sampled_from([b"Q", b"p", b"X", b"D", b"Z"])
MESSAGES = st.lists(st.builds(Message, KINDS, st.binary(max_size=200)), max_size=8)
NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=12)
PARAMETERS = st.dictionaries(NAMES, NAMES, max_size=5)


def chunks(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges)]


@settings(deadline=None)
@given(MESSAGES, st.lists(st.integers(min_value=0, max_value=5000), max_size=20))
def test_any_chunking_gives_the_same_messages(sent: list[Message], cuts: list[int]) -> None:
    buffer, received = MessageBuffer(limit=1000), []
    for chunk in chunks(b"".join(message.raw for message in sent), cuts):
        buffer.feed(chunk)
        while (message := buffer.message()) is not None:
            received.append(message)
    assert received == sent
    assert buffer.drain() == b""


@settings(deadline=None)
@given(PARAMETERS, st.binary(max_size=50), st.lists(st.integers(min_value=0, max_value=5000), max_size=9))
def test_any_chunking_gives_the_same_startup_packet_and_rest(
    parameters: dict[str, str], rest: bytes, cuts: list[int]
) -> None:
    buffer, packet = MessageBuffer(limit=1000), None
    for chunk in chunks(messages.startup(parameters) + rest, cuts):
        buffer.feed(chunk)
        packet = packet or buffer.startup()
    assert packet is not None
    assert (packet.code, packet.raw) == (messages.PROTOCOL_3, messages.startup(parameters))
    assert packet.parameters == parameters
    assert buffer.drain() == rest


@settings(deadline=None)
@given(st.binary(max_size=64))
def test_garbage_is_refused_or_waited_for(data: bytes) -> None:
    for read in (MessageBuffer.startup, MessageBuffer.message):
        buffer = MessageBuffer(limit=32)
        buffer.feed(data)
        try:
            taken = read(buffer)
        except ProtocolViolation:
            continue
        assert taken is None or len(taken.raw) <= len(data)


@pytest.mark.parametrize("length", [0, 3, 7, 10_001, -1])
def test_impossible_startup_length(length: int) -> None:
    buffer = MessageBuffer(limit=100)
    buffer.feed(length.to_bytes(4, "big", signed=True) + messages.PROTOCOL_3.to_bytes(4, "big"))
    with pytest.raises(ProtocolViolation, match="startup packet"):
        buffer.startup()


def test_a_message_over_the_limit_is_known_by_its_head() -> None:
    buffer = MessageBuffer(limit=100)
    buffer.feed(b"D" + (101).to_bytes(4, "big"))
    with pytest.raises(MessageTooLarge) as caught:
        buffer.message()
    assert caught.value.kind == b"D"


def test_cancel_request_carries_keys_of_any_length() -> None:
    assert messages.cancel_request(bytes(8)) == b"\x00\x00\x00\x10\x04\xd2\x16\x2e" + bytes(8)
    assert messages.cancel_request(bytes(36))[:4] == b"\x00\x00\x00\x2c"


def test_extended_query_ends_with_sync_and_marks_null() -> None:
    buffer = MessageBuffer(limit=1000)
    buffer.feed(messages.extended_query(b"select $1, $2", [b"x", None]))
    kinds = []
    while (message := buffer.message()) is not None:
        kinds.append(message.kind)
        if message.kind == b"B":
            assert message.payload.endswith(b"\0\0\0\x01x\xff\xff\xff\xff\0\0")
    assert kinds == [b"P", b"B", b"D", b"E", b"S"]


def test_fatal_error_reads_back() -> None:
    response = messages.fatal_error("08P01", "no")
    assert messages.error_fields(response[5:]) == {"S": "FATAL", "V": "FATAL", "C": "08P01", "M": "no"}
