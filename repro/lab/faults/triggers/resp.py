"""Commands and replies of Redis's protocol, RESP2 and RESP3.

https://redis.io/docs/latest/develop/reference/protocol-spec/

Each command has one reply, in the same order. That does not hold for SUBSCRIBE in RESP2, for MONITOR and for
CLIENT REPLY, which are not understood.
"""

from __future__ import annotations

from collections import deque

from repro.lab.faults.triggers.stream import Reading, Stream, Unintelligible
from repro.lab.faults.triggers.trigger import Trigger

_LONGEST_NAME = 64
_ANOTHER = b"?"
_IN_ONE_LINE = b"+-:_,#("
_WITH_LENGTH = b"$!="
_AGGREGATES = {b"*": 1, b"~": 1, b">": 1, b"%": 2}
_ATTRIBUTES = b"|"
_PUSH = b">"


class RespCommand(Trigger):
    """A command of the client.

    Args:
        name: its first word, such as ``EVAL``, in any case.
    """

    def __init__(self, name: str) -> None:
        super().__init__("client")
        self._name = name.upper().encode()

    def _client(self, stream: Stream) -> Reading[None]:
        while True:
            at = stream.suspect()
            name, further = yield from _read_name(stream)
            if name == self._name:
                self._begins(at)
            stream.clear()
            yield from _skip_strings(stream, further)
            if name == self._name:
                self._ends(stream.position)


class RespReply(Trigger):
    """The server's reply to a command of one of these names.

    Args:
        names: a command's first word, such as ``EVAL``, in any case.
    """

    def __init__(self, *names: str) -> None:
        super().__init__("server")
        self._names = {name.upper().encode() for name in names}
        self._commands = 0
        self._awaited: deque[int] = deque()

    def _client(self, stream: Stream) -> Reading[None]:
        while True:
            name, further = yield from _read_name(stream)
            if name in self._names:
                self._awaited.append(self._commands)
            if name:
                self._commands += 1
            yield from _skip_strings(stream, further)

    def _server(self, stream: Stream) -> Reading[None]:
        replies = 0
        while True:
            pushed = (yield from stream.peek(1)) == _PUSH  # is sent at any time, and answers nothing
            named = not pushed and bool(self._awaited) and self._awaited[0] == replies
            if named:
                self._begins(stream.position)
                self._awaited.popleft()
            yield from _skip_reply(stream)
            if named:
                self._ends(stream.position)
            replies += not pushed


def _read_name(stream: Stream) -> Reading[tuple[bytes, int]]:
    """Read a command up to its name, in capitals; how many strings follow. No name is no command."""
    if (yield from stream.peek(1)) != b"*":  # a line typed by hand: a command, and not one that is looked for
        stream.clear()
        typed = yield from stream.line(_LONGEST_NAME)
        return (_ANOTHER if typed.strip() else b""), 0
    yield from stream.skip(1)
    strings = yield from stream.number()
    if strings < 1:
        return b"", 0
    length = yield from _length_of_string(stream)
    if length > _LONGEST_NAME:
        stream.clear()
        yield from stream.skip(length + 2)
        return _ANOTHER, strings - 1
    name = yield from stream.exactly(length + 2)
    return name[:-2].upper() or _ANOTHER, strings - 1


def _skip_strings(stream: Stream, count: int) -> Reading[None]:
    for _ in range(count):
        length = yield from _length_of_string(stream)
        yield from stream.skip(length + 2)


def _length_of_string(stream: Stream) -> Reading[int]:
    if (yield from stream.exactly(1)) != b"$":
        raise Unintelligible("an argument is no string")
    length = yield from stream.number()
    if length < 0:
        raise Unintelligible("an argument is nil")
    return length


def _skip_reply(stream: Stream) -> Reading[None]:
    """Read one reply, however deep it is."""
    values = 1
    while values:
        values -= 1
        kind = yield from stream.exactly(1)
        if kind in _IN_ONE_LINE:
            yield from stream.line(0)
        elif kind in _WITH_LENGTH:
            length = yield from stream.number()
            yield from stream.skip(length + 2 if length >= 0 else 0)
        elif kind == _ATTRIBUTES:  # come before the value that they describe
            values += 2 * max(0, (yield from stream.number())) + 1
        elif kind in _AGGREGATES:
            values += _AGGREGATES[kind] * max(0, (yield from stream.number()))
        else:
            raise Unintelligible("a reply of unknown type")
