"""What is true of every trigger."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.lab.faults.triggers import (
    AnswerTo,
    Bytes,
    HttpExchange,
    HttpRequest,
    PostgresMessage,
    RespCommand,
    RespReply,
    Side,
    Trigger,
    WebSocketPayload,
)
from repro.lab.faults.triggers.websocket import HELD
from tests.lab.faults.triggers.feeding import JUNK, SIZES, Spoken, kept, marks

TRIGGERS: list[Callable[[], Trigger]] = [
    lambda: Bytes("server", b"COMMIT"),
    lambda: AnswerTo(b"EVAL"),
    lambda: PostgresMessage("server", b"C", b"COMMIT\0"),
    lambda: PostgresMessage("client", b"Q", b"COMMIT"),
    lambda: RespCommand("EVAL"),
    lambda: RespReply("EVAL"),
    lambda: HttpRequest("POST /"),
    lambda: HttpExchange("POST /"),
    lambda: WebSocketPayload("client", b"COMMIT"),
    lambda: WebSocketPayload("server", b"COMMIT"),
]

BEGINNINGS = [
    b"\0\0\0\x08\0\3\0\0",
    b"Q\0\0\0\x0b",
    b"*2\r\n$4\r\nEVAL\r\n",
    b"*1\r\n",
    b"$5\r\n",
    b"|1\r\n",
    b"POST / HTTP/1.1\r\n",
    b"Content-Length: 3\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n",
    b"HTTP/1.1 101 x\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n\r\n",
    b"\x81\x06COMMIT",
    b"\x02\xfe\1\0mask",
]
ALMOST = st.lists(
    st.tuples(st.sampled_from(["client", "server"]), st.sampled_from(BEGINNINGS) | st.binary(max_size=12)),
    max_size=14,
)


@pytest.mark.parametrize("make", TRIGGERS)
@given(spoken=JUNK | ALMOST, sizes=SIZES)
def test_garbage_is_taken_and_says_the_same_however_it_is_cut(
    make: Callable[[], Trigger], spoken: list[Spoken], sizes: Sequence[int]
) -> None:
    whole, cut = make(), make()
    assert marks(whole, spoken) == marks(cut, spoken, sizes)
    assert whole.decided == cut.decided


@pytest.mark.parametrize("make", TRIGGERS)
@pytest.mark.parametrize("side", ["client", "server"])
@pytest.mark.parametrize("filling", [b"\0", b"a", b"*1\r\n", b"\x02\x01a", b"|1\r\n", b"EVA", b"HTTP/1.1 1"])
def test_a_stream_without_an_end_costs_no_memory(
    make: Callable[[], Trigger], side: Side, filling: bytes
) -> None:
    trigger, chunk, fed = make(), filling * (8192 // len(filling)), 0
    for _ in range(50):
        trigger.feed(side, chunk)
        fed += len(chunk)
        assert kept(trigger) < 100
        assert side != trigger.side or fed - trigger.decided < HELD + 100
