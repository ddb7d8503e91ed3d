r"""Environment files: what ``.env`` loaders of Python, Node and Docker agree on, and nothing that executes.

``NAME=value``, an optional ``export``, comments, and values bare or in quotes. Single quotes and backticks
keep every character; double quotes know ``\n \r \t \\ \" \$ \```; quoted values may run over several
lines. ``$NAME`` is not expanded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_ASSIGNMENT = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=[ \t]*")
_BLANK = re.compile(r"\s*(?:#.*)?$")
_INLINE_COMMENT = re.compile(r"(?:^|\s+)#.*$")
_ESCAPE = re.compile(r'\\([nrt\\"$`])')
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}
_LINE_END = re.compile(r"\r\n|\n|\r")
_BARE = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")


class DotenvError(ValueError):
    """A line is no assignment. The message never quotes the line: it may hold a secret.

    Args:
        line: its number, from 1.
        problem: what is wrong, and how to write it instead.
    """

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(problem)
        self.line = line


@dataclass(frozen=True, slots=True)
class Entry:
    """One assignment.

    Args:
        name: the variable.
        value: its value, unquoted.
        line: where it begins, from 1.
        literal: it stood in single quotes, so that a ``$`` in it is meant as one.
    """

    name: str
    value: str
    line: int
    literal: bool


def parse(text: str) -> list[Entry]:
    """Every assignment of an environment file, in order; a name may come twice.

    Args:
        text: the file's content, with any line ends, with or without a byte order mark.

    Raises:
        DotenvError: a line is neither blank, a comment nor an assignment, or a quote is not closed.
    """
    return list(_entries(_LINE_END.split(text.removeprefix("\ufeff"))))


def _entries(lines: list[str]) -> Iterator[Entry]:
    position = 0
    while position < len(lines):
        if _BLANK.match(lines[position]):
            position += 1
            continue
        entry, position = _entry(lines, position)
        yield entry


def _entry(lines: list[str], position: int) -> tuple[Entry, int]:
    """The assignment that begins on a line, and the position after it."""
    number = position + 1
    match = _ASSIGNMENT.match(lines[position])
    if match is None:
        raise DotenvError(number, "is no NAME=value line; comment it out with #")
    name, rest = match[1], lines[position][match.end() :]
    if "\0" in rest:
        raise DotenvError(number, "holds a NUL character; save the file as plain text")
    if rest[:1] in {"'", '"', "`"}:
        value, position = _quoted(lines, position, match.end())
        return Entry(name, value, number, literal=rest[0] != '"'), position
    return Entry(name, _INLINE_COMMENT.sub("", rest).rstrip(), number, literal=False), position + 1


def _quoted(lines: list[str], position: int, column: int) -> tuple[str, int]:
    """A value in quotes, which may end on a later line, and the position after it."""
    first = position
    quote, text = lines[position][column], lines[position][column + 1 :]
    while (end := _closing(text, quote)) is None:
        position += 1
        if position == len(lines):
            raise DotenvError(
                first + 1, f"opens a {quote} that is never closed; close it, or quote with another sign"
            )
        text += "\n" + lines[position]
    if not _BLANK.match(text[end + 1 :]):
        raise DotenvError(
            position + 1, f"has text after the closing {quote}; quote with a sign that is not in the value"
        )
    if "\0" in text:
        raise DotenvError(first + 1, "holds a NUL character; save the file as plain text")
    value = text[:end]
    return (_unescape(value) if quote == '"' else value), position + 1


def _closing(text: str, quote: str) -> int | None:
    if quote != '"':
        found = text.find(quote)
        return None if found < 0 else found
    match = re.compile(r'(?:[^"\\]|\\.)*"', re.DOTALL).match(text)
    return None if match is None else match.end() - 1


def _unescape(text: str) -> str:
    return _ESCAPE.sub(lambda match: _ESCAPES.get(match[1], match[1]), text)


def assignment(name: str, value: str) -> str:
    """A ``NAME=value`` line that `parse` and a shell (``set -a; . file``) read alike."""
    if _BARE.fullmatch(value):
        return f"{name}={value}"
    if "'" not in value:
        return f"{name}='{value}'"
    escaped = re.sub(r'([\\"$`])', r"\\\1", value)
    return f'{name}="{escaped}"'
