"""WebSocket frames."""

from __future__ import annotations

import struct

import pytest

from repro.wire import Message, Sender, WebsocketDecoder
from tests.wire.streams import decode, frame


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536])
def test_a_frame(size: int) -> None:
    sent = frame(b"x" * size, 1, mask=b"abcd")

    (message,) = decode(WebsocketDecoder(), [("client", sent)])

    assert message == Message(
        "ws.frame",
        "client",
        len(sent),
        None,
        {"ws.opcode": "text", "ws.fin": True, "ws.len": size, "ws.masked": True, "ws.deflate": False},
    )


@pytest.mark.parametrize(
    ("payload", "code", "failure"),
    [
        (b"", 1005, None),
        (struct.pack(">H", 1000) + b"bye", 1000, None),
        (struct.pack(">H", 1001), 1001, None),
        (struct.pack(">H", 1011) + b"secret", 1011, "ws_closed"),
    ],
)
def test_a_close(payload: bytes, code: int, failure: str | None) -> None:
    (message,) = decode(WebsocketDecoder(), [("server", frame(payload, 8) + frame(b"later"))])

    assert (message.op, message.fields["ws.close_code"], message.failure) == ("ws.close", code, failure)


def test_the_sink_gets_binary_messages_unmasked_as_they_arrive() -> None:
    got: list[bytes] = []
    ended: list[Sender] = []

    def sink(sender: Sender, data: bytes) -> list[Message]:
        got.append(data)
        return []

    def sink_end(sender: Sender) -> list[Message]:
        ended.append(sender)
        return []

    sent = [
        frame(b"binary", 2, mask=b"abcd", fin=False),
        frame(b"ping", 9, mask=b"abcd"),
        frame(b"-more", 0, mask=b"wxyz"),
        frame(b"text", 1, mask=b"abcd", fin=False) + frame(b"text", 0, mask=b"abcd"),
        frame(b"deflated", 2, mask=b"abcd", rsv=0x40, fin=False) + frame(b"deflated", 0, mask=b"abcd"),
        frame(b"last" * 40_000, 2, mask=b"abcd"),
    ]
    decoder = WebsocketDecoder(sink, sink_end)
    for at, data in enumerate(sent):
        decoder.feed("client", data[:9])
        decoder.feed("client", data[9:])
        assert at < 5 or len(got) > 2
    decoder.end("client")

    assert b"".join(got) == b"binary-more" + b"last" * 40_000
    assert ended == ["client"]


@pytest.mark.parametrize(
    "sent",
    [b"\x83\0", b"\xa2\0", b"\x09\0", b"\x89\x7e\0\xff", b"\x82\x7f\xff" + bytes(7), b"HTTP/1.1 400"],
    ids=["opcode", "rsv", "unfinished-ping", "long-ping", "length", "http"],
)
def test_what_is_no_frame_is_said_once(sent: bytes) -> None:
    messages = decode(WebsocketDecoder(), [("server", sent + frame(b"x")), ("client", frame(b"x"))])

    assert [message.failure for message in messages] == ["protocol_mismatch"]


def test_a_frame_that_is_cut_off() -> None:
    messages = decode(WebsocketDecoder(), [("server", frame(b"hello")[:-1])])

    assert [message.failure for message in messages] == [None, "eof"]
