from __future__ import annotations

import pytest

from repro.lab.faults.triggers.stream import Reading, Stream, Unintelligible


def test_bytes_are_counted_and_not_kept_once_they_are_ignored() -> None:
    stream = Stream()
    stream.feed(b"abc")
    stream.suspect()
    stream.ignore()
    stream.feed(b"defg")
    assert (stream.position, stream.decided, bytes(stream._data)) == (7, 7, b"")


def read_number(stream: Stream, found: list[int]) -> Reading[None]:
    while True:
        found.append((yield from stream.number()))


@pytest.mark.parametrize("line", [b"x\r\n", b"\r\n", b"1" * 24, b"1" * 30 + b"\r\n"])
@pytest.mark.parametrize("size", [1, 100])
def test_a_number_that_is_none_is_not_read(line: bytes, size: int) -> None:
    stream, found = Stream(), list[int]()
    reading = read_number(stream, found)

    def feed() -> None:
        for at in range(0, len(line), size):
            stream.feed(line[at : at + size])
            next(reading)

    with pytest.raises(Unintelligible):
        feed()
    assert found == []


def test_a_long_line_leaves_only_what_is_to_be_kept() -> None:
    stream, found = Stream(), list[bytes]()

    def read() -> Reading[None]:
        found.append((yield from stream.line(5)))
        yield

    reading = read()
    for _ in range(100):
        stream.feed(b"a" * 1000)
        next(reading)
        assert len(stream._data) == 0
    stream.feed(b"\r\nrest")
    next(reading)
    assert (found, stream.position, bytes(stream._data)) == ([b"aaaaa"], 100_002, b"rest")
