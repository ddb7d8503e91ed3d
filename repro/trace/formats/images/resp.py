"""Commands and replies of Redis' protocol.

Source: https://redis.io/docs/latest/develop/reference/protocol-spec/ (RESP2 and RESP3).
"""

from __future__ import annotations

from collections.abc import Callable

from repro.trace.formats.fields import Line, text, whole
from repro.trace.formats.images.filling import exactly, filler, numbered, utf8

_END = b"\r\n"
_SHORTEST_BULK = 6

_MARKS = {
    "simple": b"+", "simple_string": b"+", "string": b"+", "status": b"+", "error": b"-",
    "simple_error": b"-", "bulk_error": b"!", "integer": b":", "int": b":", "bulk": b"$",
    "bulk_string": b"$", "array": b"*", "null": b"_", "nil": b"_", "boolean": b"#", "double": b",",
    "big_number": b"(", "bignum": b"(", "verbatim": b"=", "verbatim_string": b"=", "map": b"%", "set": b"~",
    "push": b">", "attribute": b"|",
}  # fmt: skip


def command(line: Line, room: int | None) -> bytes:
    """An array of bulk strings: the command's words as they are, its arguments as filler.

    ``redis.argc`` counts the command's own words too. All arguments are empty but the last one, which takes
    what is left. Where an array has no room it was an inline command: words on a line.
    """
    words = [utf8(word) for word in (text(line, "redis.cmd") or "x").split()] or [b"x"]
    count = max(len(words), min(whole(line, "redis.argc") or 0, 1 << 16))
    known = b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
    empty = count - len(words)
    if room is not None and not empty and room > len(_array(count)) + len(known):
        empty, count = 1, count + 1  # something is there that the line does not tell of
    if room is not None and room < len(_array(count)) + len(known) + _SHORTEST_BULK * empty:
        return _inline(words + [b"x"] * empty, room)
    spare = 0 if room is None else room - len(_array(count)) - len(known) - _SHORTEST_BULK * (empty - 1)
    if not empty:
        return _array(count) + known
    last = bulk(spare) if room is not None else bulk(_SHORTEST_BULK)
    return _array(count) + known + bulk(_SHORTEST_BULK) * (empty - 1) + last


def reply(line: Line, room: int | None) -> bytes:
    """A reply of its type, with filler for what it held; an error with its text."""
    told = (text(line, "redis.reply_type") or "bulk").casefold().replace("-", "_").replace(" ", "_")
    mark = _MARKS.get(told, utf8(told)[:1])
    build = _REPLIES.get(mark, _bulk_reply)
    return build(line, mark, room)


def bulk(room: int, mark: bytes = b"$") -> bytes:
    """A bulk string of filler that takes ``room`` bytes in all, six at least."""
    found = numbered(mark, _END, room - len(_END))
    return mark + b"0\r\n\r\n" if found is None else found + _END


def _inline(words: list[bytes], room: int) -> bytes:
    return exactly(b" ".join(words), max(0, room - 2), b"x" if len(words) > 1 else b" ") + _END


def _array(count: int) -> bytes:
    return b"*%d\r\n" % count


def _on_a_line(line: Line, mark: bytes, room: int | None) -> bytes:
    words = utf8(text(line, "redis.error") or "") if mark == b"-" else b""
    words = b" ".join(words.split()) or (b"ERR" if mark == b"-" else b"OK")
    if room is None:
        return mark + words + _END
    free = max(0, room - 3)
    longer = words + b" " if len(words) < free and mark == b"-" else words  # the code is a word by itself
    return mark + exactly(longer, free) + _END


def _digits(_line: Line, mark: bytes, room: int | None) -> bytes:
    return mark + b"0" * (1 if room is None else max(0, room - 3)) + _END


def _truth(_line: Line, mark: bytes, _room: int | None) -> bytes:
    return mark + b"t\r\n"


def _bulk_reply(_line: Line, mark: bytes, room: int | None) -> bytes:
    """A bulk string; five bytes are the one that is null."""
    return b"$-1\r\n" if room == 5 else bulk(_SHORTEST_BULK if room is None else room, mark)


def _null(_line: Line, _mark: bytes, room: int | None) -> bytes:
    return b"_\r\n" if room is None or room < 5 else b"$-1\r\n"


def _aggregate(_line: Line, mark: bytes, room: int | None) -> bytes:
    """One bulk string within; nothing where there is no room for it. A map has a name for it as well."""
    if room == 5:
        return mark + b"-1\r\n"
    named = b"+\r\n" if mark in {b"%", b"|"} else b""
    head = mark + b"1\r\n" + named
    if room is None or room < len(head) + _SHORTEST_BULK:
        return mark + b"0\r\n"
    return head + bulk(room - len(head))


def _verbatim(_line: Line, mark: bytes, room: int | None) -> bytes:
    """Three characters of format and a colon come first."""
    found = bulk(_SHORTEST_BULK if room is None else room, mark)
    return found.replace(filler(4), b"txt:", 1)


_REPLIES: dict[bytes, Callable[[Line, bytes, int | None], bytes]] = {
    b"+": _on_a_line, b"-": _on_a_line, b":": _digits, b",": _digits, b"(": _digits, b"#": _truth,
    b"$": _bulk_reply, b"!": _bulk_reply, b"_": _null, b"*": _aggregate, b"~": _aggregate,
    b">": _aggregate, b"%": _aggregate, b"|": _aggregate, b"=": _verbatim,
}  # fmt: skip
