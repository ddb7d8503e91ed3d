"""What a decoder says of the images is what it said of the real bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from repro.events import Event, Peer
from repro.trace.formats.pcapng import pcapng
from repro.trace.formats.streams import written
from repro.wire import Conversation, Message, PostgresDecoder, Sender
from repro.wire.message import HIDDEN
from tests.trace.formats.reading import segments
from tests.wire import streams

SECRET = "hunter2-Geheim"
NOT_KEPT = frozenset({"http.body", "http.headers", "redis.errors", "redis.error", "pg.columns"})
"""What an image need not repeat: it says less, or in another form."""


def lines_of(messages: list[Message]) -> list[dict[str, Any]]:
    return [
        Event(
            each.op,
            0.001 * number,
            0.001 * number,
            "tap",
            1,
            Peer("127.0.0.1", 5999),
            each.failure,
            fields={"sender": each.sender, "len": each.length, **each.fields},
        ).as_json(seq=number, pid=7, origin=0)
        for number, each in enumerate(messages, 1)
    ]


def told(messages: list[Message]) -> list[tuple[str, Sender, int, dict[str, Any]]]:
    """The messages, without what is hidden."""
    return [
        (
            each.op,
            each.sender,
            each.length,
            {
                name: value
                for name, value in each.fields.items()
                if name not in NOT_KEPT and HIDDEN not in str(value)
            },
        )
        for each in messages
    ]


def again(messages: list[Message]) -> list[Message]:
    """What a decoder says of the images of the messages."""
    return streams.decode(
        Conversation(), [(each.line["sender"], each.data) for each in written(lines_of(messages))], end=False
    )


def of(conversation: Callable[[str], list[streams.Segment]]) -> list[Message]:
    return streams.decode(Conversation(), conversation(SECRET), end=False)


def assert_the_same(found: list[Message], expected: list[Message]) -> None:
    """The images may show more than was shown: names of filler where the real ones were hidden."""
    assert [each[:3] for each in told(found)] == [each[:3] for each in told(expected)]
    for one, other in zip(told(found), told(expected), strict=True):
        assert other[3].items() <= one[3].items(), other


@pytest.mark.parametrize("conversation", [streams.postgres, streams.http, streams.postgres_tls, streams.tls])
def test_messages_of(conversation: Callable[[str], list[streams.Segment]]) -> None:
    expected = of(conversation)

    assert len(expected) > 3
    assert_the_same(again(expected), expected)


def test_commands_and_replies_of_redis() -> None:
    """A reply of several errors, or a streamed one, has an image of another inside."""
    expected = of(streams.resp)
    found = again(expected)

    assert [(each.op, each.length) for each in found] == [(each.op, each.length) for each in expected]
    shown = ("redis.cmd", "redis.argc", "redis.reply_type")
    for one, other in zip(found, expected, strict=True):
        assert [
            one.fields.get(name) for name in shown if name in other.fields and HIDDEN not in str(other.fields)
        ] == [
            other.fields[name] for name in shown if name in other.fields and HIDDEN not in str(other.fields)
        ]


def test_postgres_in_websocket_frames() -> None:
    expected = of(streams.neon)
    found = again(expected)

    assert {"http.request", "http.response", "ws.frame", "pg.msg"} <= {each.op for each in expected}
    frames = [each for each in expected if each.op != "pg.msg"]
    assert_the_same([each for each in found if each.op != "pg.msg"], frames)
    names = [each.fields["pg.name"] for each in expected if each.op == "pg.msg"]
    assert [each.fields["pg.name"] for each in found if each.op == "pg.msg"] == names


def test_a_message_that_was_cut_off_is_still_cut_off() -> None:
    decoder = PostgresDecoder()
    expected = decoder.feed("client", streams.startup("user", "app"))
    expected += decoder.feed("client", streams.pg(b"Q", b"SELECT 1 FROM jobs\0")[:12]) + decoder.end("client")
    second = PostgresDecoder()

    found = [each for line in written(lines_of(expected)) for each in second.feed("client", line.data)]
    found += second.end("client")

    assert_the_same(found, expected)
    assert found[-1].failure == "eof"


def test_no_secret_is_in_a_file() -> None:
    for conversation in (streams.postgres, streams.resp, streams.http, streams.neon):
        data = b"".join(pcapng(lines_of(of(conversation)), wall_offset_s=0.0))

        assert SECRET.encode() not in data
        assert len(segments(data)) > 3
