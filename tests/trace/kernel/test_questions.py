"""Names in a resolver's packets, and nothing else in whatever bytes come."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from repro.trace.kernel.questions import Question, question_in

LABELS = st.lists(st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=20), min_size=1, max_size=5)


def packet(labels: list[str], kind: int, *, flags: int = 0x0100) -> bytes:
    name = b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"
    return struct.pack(">HHHHHH", 1, flags, 1, 0, 0, 0) + name + struct.pack(">HH", kind, 1)


@given(LABELS, st.sampled_from([(1, "A"), (28, "AAAA"), (65, "HTTPS"), (99, "99")]))
def test_a_question_is_read(labels: list[str], kind: tuple[int, str]) -> None:
    assert question_in(packet(labels, kind[0])) == Question(".".join(labels), kind[1])


@given(LABELS, st.integers(0, 40))
def test_half_a_packet_and_an_answer_are_none(labels: list[str], cut: int) -> None:
    whole = packet(labels, 1)
    assert question_in(whole[: max(len(whole) - 1 - cut, 0)]) is None
    assert question_in(packet(labels, 1, flags=0x8180)) is None


@given(st.binary(max_size=600))
def test_no_bytes_raise_anything(data: bytes) -> None:
    found = question_in(data)
    assert found is None or len(found.name) < 1100
