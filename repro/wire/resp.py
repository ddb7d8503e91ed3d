"""The Redis protocol, RESP2 and RESP3.

https://redis.io/docs/latest/develop/reference/protocol-spec/; for streamed types
https://github.com/redis/redis-specifications/blob/master/protocol/RESP3.md
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from repro.wire.duplex import Duplex
from repro.wire.inbox import Ended, Inbox, Reading
from repro.wire.message import HIDDEN, Sender
from repro.wire.resp_names import COMMANDS, ERROR_CODES, MASKED, MODULES, SUBCOMMANDS

_LINE: Final = 128
"""Bytes of a reply's line that are looked at."""

_INLINE: Final = 4096
_WORD_LONGEST: Final = 32
_ERROR_LONGEST: Final = 64
_BULK_LONGEST: Final = 1 << 32
_LEVELS: Final = 64
"""How deep streamed aggregates may be nested; plain ones need no memory at any depth."""

_ENDLESS: Final = 1 << 62

_COUNT: Final = re.compile(rb"[*%~>|$!=](-1|\d{1,18})")
_COMMANDS: Final = re.compile(rb"\*(-?\d{1,10})")
_BULK: Final = re.compile(rb"\$(\d{1,10})")
_PRINTED: Final = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")

_SCALARS: Final = {
    "+": ("simple", re.compile(rb"[^\r]*")),
    "-": ("error", re.compile(rb"[^\r]*")),
    ":": ("integer", re.compile(rb"[+-]?\d{1,20}")),
    "_": ("null", re.compile(rb"")),
    "#": ("boolean", re.compile(rb"[tf]")),
    ",": ("double", re.compile(rb"[+-]?(?:inf|nan|\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)")),
    "(": ("bignum", re.compile(rb"[+-]?\d+")),
}
_BULKS: Final = {"$": "bulk", "!": "error", "=": "verbatim"}
_AGGREGATES: Final = {
    "*": ("array", 1),
    "%": ("map", 2),
    "~": ("set", 1),
    ">": ("push", 1),
    "|": ("attribute", 2),
}


class _Mismatch(Exception):  # noqa: N818 - no error: the bytes are of another protocol
    """This is no RESP."""


@dataclass(slots=True)
class _Reply:
    """One reply as far as it was read.

    Args:
        pending: elements that are still to come, on the innermost streamed level.
        levels: the elements still to come on the levels around it.
        kind: the type of the reply itself.
        code: the code word of the first error in it.
        errors: how many errors are in it.
    """

    pending: int
    levels: list[int]
    kind: str | None = None
    code: str | None = None
    errors: int = 0

    def element(self, kind: str) -> None:
        """Counts an element that stands for itself."""
        if self.kind is None and self.pending == 1 and not self.levels:
            self.kind = kind
        self.pending -= 1

    def error(self, line: bytes) -> None:
        """Counts an error."""
        self.errors += 1
        word = line.split(b" ", 1)[0].decode("ascii", "replace")
        self.code = self.code or (word if word in ERROR_CODES else "other")


class RespDecoder(Duplex):
    """Gives ``redis.cmd`` for every command and ``redis.reply`` for every reply, however nested it is.

    ``redis.argc`` counts the command word too, as Redis does. ``redis.errors`` counts the errors within a
    reply that is no error itself (of EXEC, say); ``redis.error`` is then the code of the first.
    """

    def _read(self, sender: Sender) -> Reading[None]:
        inbox = self._inboxes[sender]
        start = inbox.offset
        op = "redis.cmd" if sender == "client" else "redis.reply"
        try:
            while True:
                start = inbox.offset
                if sender == "client":
                    yield from self._command(inbox, start)
                else:
                    yield from self._reply(inbox, start)
        except Ended:
            arrived = self._arrived_since(sender, start)
            if arrived:
                self._say(op, sender, arrived, {"redis.truncated": True}, "eof")
        except _Mismatch as mismatch:
            self._mismatch(op, sender, {"redis.why": str(mismatch)})

    def _command(self, inbox: Inbox, start: int) -> Reading[None]:
        first = yield from inbox.peek(1)
        if first != b"*":
            yield from self._inline(inbox, start)
            return
        count = int(_match(_COMMANDS, (yield from inbox.line(_LINE))))
        words = []
        for index in range(count):
            length = int(_match(_BULK, (yield from inbox.line(_LINE))))
            if index < 2 and length <= _WORD_LONGEST:
                words.append((yield from inbox.exactly(length)))
            else:
                yield from inbox.skip(length)
                words += [b""] if index < 2 else []
            yield from _line_end(inbox)
        if count > 0:  # Redis passes over an empty one
            self._tell_command(inbox.offset - start, words, count)

    def _inline(self, inbox: Inbox, start: int) -> Reading[None]:
        line = yield from inbox.line(_INLINE)
        if b" HTTP/1." in line or re.match(rb"(?i)host:", line):  # where Redis hangs up too
            raise _Mismatch("HTTP")
        if not _PRINTED.fullmatch(line):
            raise _Mismatch("no text and no command of RESP")
        words = line.split()
        countable = len(line) < _INLINE and not re.search(rb"[\"']", line)
        if words:
            self._tell_command(inbox.offset - start, words[:2], len(words) if countable else None)

    def _tell_command(self, length: int, words: list[bytes], count: int | None) -> None:
        command = _shown_command(words[0])
        fields: dict[str, Any] = {"redis.cmd": command}
        known = SUBCOMMANDS.get(command)
        if known is not None and len(words) > 1:
            subcommand = words[1].decode("ascii", "replace").upper()
            fields["redis.cmd"] = f"{command} {subcommand if subcommand in known else HIDDEN}"
        if count is not None and command not in MASKED:
            fields["redis.argc"] = count
        self._say("redis.cmd", "client", length, fields)

    def _reply(self, inbox: Inbox, start: int) -> Reading[None]:
        reply = _Reply(pending=1, levels=[])
        while reply.pending or reply.levels:
            line = yield from inbox.line(_LINE)
            yield from _element(inbox, reply, line)
        fields: dict[str, Any] = {"redis.reply_type": reply.kind or "null"}
        failure = None
        if reply.code is not None:
            fields["redis.error"] = reply.code
            if reply.kind == "error":
                failure = "auth_failed" if reply.code in {"NOAUTH", "WRONGPASS"} else "redis_error"
            else:
                fields["redis.errors"] = reply.errors
        self._say("redis.reply", "server", inbox.offset - start, fields, failure)


def _element(inbox: Inbox, reply: _Reply, line: bytes) -> Reading[None]:
    """Reads one element of a reply, whose line was read; the elements of an aggregate are still to come."""
    kind = line[:1].decode("latin-1")
    if kind in _SCALARS:
        name, allowed = _SCALARS[kind]
        if len(line) < _LINE and not allowed.fullmatch(line, 1):
            raise _Mismatch("no reply of RESP")
        if kind == "-":
            reply.error(line[1:])
        reply.element(name)
    elif line == b".":
        if not reply.levels:
            raise _Mismatch("an end of nothing")
        reply.pending = reply.levels.pop()
    elif line[1:] == b"?" and (kind in _AGGREGATES or kind == "$"):
        yield from _streamed(inbox, reply, kind)
    elif kind in _BULKS:
        yield from _bulk(inbox, reply, kind, int(_match(_COUNT, line)))
    elif kind in _AGGREGATES:
        name, each = _AGGREGATES[kind]
        count = int(_match(_COUNT, line))
        if kind != "|":  # an attribute precedes its element and is none itself
            reply.element("null" if count < 0 else name)
        reply.pending += each * max(count, 0)
    else:
        raise _Mismatch("HTTP" if line.startswith(b"HTTP/") else "no reply of RESP")


def _bulk(inbox: Inbox, reply: _Reply, kind: str, length: int) -> Reading[None]:
    if length > _BULK_LONGEST:
        raise _Mismatch("no reply of RESP")
    if length < 0:
        reply.element("null")
        return
    content = yield from inbox.prefix(_ERROR_LONGEST if kind == "!" else 0, length)
    yield from _line_end(inbox)
    if kind == "!":
        reply.error(content)
    reply.element(_BULKS[kind])


def _streamed(inbox: Inbox, reply: _Reply, kind: str) -> Reading[None]:
    """Begins an aggregate whose length is not known, or reads a string of that sort."""
    if kind != "$":
        if len(reply.levels) >= _LEVELS:
            raise _Mismatch("streamed replies nested too deep")
        if kind != "|":
            reply.element(_AGGREGATES[kind][0])
        reply.levels.append(reply.pending)
        reply.pending = _ENDLESS
        return
    while True:
        line = yield from inbox.line(_LINE)
        part = re.fullmatch(rb";(\d{1,10})", line)
        if part is None:
            raise _Mismatch("no reply of RESP")
        length = int(part[1])
        if length == 0:
            break
        yield from inbox.skip(length)
        yield from _line_end(inbox)
    reply.element("bulk")


def _shown_command(word: bytes) -> str:
    """The command word in upper case, if it is a known one or one of a known module."""
    command = word.decode("ascii", "replace").upper()
    module, dot, _ = command.partition(".")
    of_module = dot and module in MODULES and re.fullmatch(r"[A-Z.]{4,20}", command)
    return command if command in COMMANDS or of_module else HIDDEN


def _match(pattern: re.Pattern[bytes], line: bytes) -> bytes:
    found = pattern.fullmatch(line)
    if found is None:
        raise _Mismatch("no RESP")
    return found[1]


def _line_end(inbox: Inbox) -> Reading[None]:
    if (yield from inbox.exactly(2)) != b"\r\n":
        raise _Mismatch("a string of another length")
