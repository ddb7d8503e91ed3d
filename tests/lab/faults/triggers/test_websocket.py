from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from repro.lab.faults.triggers import Mark, Side, WebSocketPayload
from repro.lab.faults.triggers.websocket import HELD, unmasked
from tests.lab.faults.triggers.feeding import SIZES, Spoken, kept, marks, span

UPGRADE = b"GET /v2 HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"
ACCEPTED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
HEADS: dict[Side, bytes] = {"client": UPGRADE, "server": ACCEPTED}
SIDES = pytest.mark.parametrize("side", ["client", "server"])


def frame(side: Side, data: bytes, opcode: Opcode = Opcode.BINARY, **bits: bool) -> bytes:
    return Frame(opcode, data, **bits).serialize(mask=side == "client")


def conversation(side: Side, *frames: bytes) -> list[Spoken]:
    return [("client", UPGRADE), ("server", ACCEPTED), (side, b"".join(frames))]


@SIDES
@given(before=st.binary(max_size=300), after=st.binary(max_size=300), sizes=SIZES)
def test_a_message_is_found_however_it_is_cut(
    side: Side, before: bytes, after: bytes, sizes: Sequence[int]
) -> None:
    before = before.replace(b"COMMIT", b"commit")
    other, message = frame(side, before + b"COMMI"), frame(side, b"T" + before + b"COMMIT" + after)
    said = conversation(side, other, message, other, message)
    at = len(HEADS[side] + other)
    assert marks(WebSocketPayload(side, b"COMMIT"), said, sizes) == [
        *span(at, len(message)),
        *span(at + len(message + other), len(message)),
    ]


@SIDES
@given(sizes=SIZES)
def test_bytes_across_frames_are_found_in_the_one_that_completes_them(
    side: Side, sizes: Sequence[int]
) -> None:
    first = frame(side, b"INSERT, COM", fin=False) + frame(side, b"COMMIT", Opcode.PING)
    second = frame(side, b"MIT", Opcode.CONT, fin=False)
    last = frame(side, b"", Opcode.PONG) + frame(side, b"and COMMIT", Opcode.CONT)
    at = len(HEADS[side] + first)
    found = marks(WebSocketPayload(side, b"COMMIT"), conversation(side, first, second, last), sizes)
    assert found == span(at, len(second + last))


@SIDES
def test_in_a_large_frame_it_begins_with_the_last_of_the_bytes(side: Side) -> None:
    message = frame(side, b"x" * HELD + b"COMMIT" + b"x" * HELD)
    at = len(HEADS[side] + message) - HELD - 1
    said = conversation(side, message)
    for sizes in ([1 << 20], [1000], [4096, 1]):
        found = marks(WebSocketPayload(side, b"COMMIT"), said, sizes)
        assert found == [Mark("begins", at), Mark("ends", len(HEADS[side] + message))]


@SIDES
def test_a_frame_is_held_back_until_it_is_known(side: Side) -> None:
    trigger = WebSocketPayload(side, b"COMMIT")
    message = frame(side, b"x" * HELD)
    marks(trigger, conversation(side, message[:-1]))
    assert trigger.decided == len(HEADS[side])
    assert kept(trigger) == 0
    trigger.feed(side, message[-1:])
    assert trigger.decided == len(HEADS[side] + message)


@SIDES
def test_what_is_compressed_is_not_searched(side: Side) -> None:
    first = bytearray(frame(side, b"COMMIT", fin=False))
    first[0] |= 0x40  # RSV1: permessage-deflate (RFC 7692)
    compressed = bytes(first) + frame(side, b"COMMIT", Opcode.CONT)
    message = frame(side, b"COMMIT")
    found = marks(WebSocketPayload(side, b"COMMIT"), conversation(side, compressed, message))
    assert found == span(len(HEADS[side] + compressed), len(message))


def test_a_server_that_does_not_upgrade_sends_no_frames() -> None:
    said: list[Spoken] = [("client", UPGRADE), ("server", b"HTTP/1.1 403 No\r\n\r\n" + frame("server", b"x"))]
    assert marks(WebSocketPayload("server", b"x"), said) == []


@given(st.binary(max_size=40), st.binary(min_size=4, max_size=4), st.integers(0, 9))
def test_a_mask_is_taken_off_wherever_a_piece_begins(data: bytes, mask: bytes, offset: int) -> None:
    whole = Frame(Opcode.BINARY, data).serialize(mask=False)[2:]
    assert bytes(b ^ mask[(offset + n) % 4] for n, b in enumerate(whole)) == unmasked(data, mask, offset)
    assert unmasked(data, b"", offset) == data
