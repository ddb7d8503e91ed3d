"""Which lines of a Markdown text are code, as CommonMark reads it (sections 4.4, 4.5, 5.1 and 5.2).

A fence belongs to the list item or quotation in which it begins, and ends where one at least as long of the
same character stands alone there, or with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from repro.report.checking import html_blocks

_MARKER = re.compile(r"[ ]{0,3}(?:(?P<quote>>)[ ]?|(?:[-*+]|\d{1,9}[.)])(?:[ ]{1,4}(?![ ])|[ ]|$))")
_HEADING = re.compile(r"[ ]{0,3}#{1,6}(?:[ ]|$)")
_FENCE = re.compile(r"[ ]{0,3}(?P<fence>`{3,}(?=[^`]*$)|~{3,})")


@dataclass(frozen=True, slots=True)
class Line:
    """One line.

    Args:
        number: from 1.
        text: as it stands.
        is_code: whether it is in a block of code, or its fence.
        unclosed: whether it begins a fenced block that nothing ends but the end of what it is in.
        no_fence: whether it looks like a fence, and is raw HTML since no empty line stands before it.
    """

    number: int
    text: str
    is_code: bool
    unclosed: bool = False
    no_fence: bool = False


@dataclass(slots=True)
class _Open:
    """A fenced block that has begun at a line's place in the answer."""

    at: int
    fence: str
    containers: tuple[int, ...]


@dataclass(slots=True)
class _Html:
    """Raw HTML that has begun, and what ends it."""

    end: re.Pattern[str]
    containers: tuple[int, ...]


def read(lines: Sequence[str]) -> list[Line]:
    """Each line, and whether it is code.

    Args:
        lines: of a Markdown text, without their ends.
    """
    reader = _Reader()
    for number, line in enumerate(lines, start=1):
        reader.take(number, line)
    return reader.finished()


class _Reader:
    """Takes one line after the other."""

    def __init__(self) -> None:
        self._found: list[Line] = []
        self._unclosed: set[int] = set()
        self._containers: tuple[int, ...] = ()
        self._block: _Open | None = None
        self._html: _Html | None = None
        self._in_paragraph = False

    def take(self, number: int, line: str) -> None:
        """Read the next line."""
        text = line.expandtabs(4)
        if not (self._in_block(number, line, text) or self._in_html(number, line, text)):
            self._begin(number, line, text)

    def finished(self) -> list[Line]:
        """All of them, after the last one."""
        self._leave_block()
        return [
            replace(line, unclosed=True) if place in self._unclosed else line
            for place, line in enumerate(self._found)
        ]

    def _in_block(self, number: int, line: str, text: str) -> bool:
        """Whether it is a line of the fenced block, its last one included."""
        if self._block is None:
            return False
        rest = _inside(text, self._block.containers)
        if rest is None:
            self._leave_block()
            return False
        self._found.append(Line(number, line, is_code=True))
        if _ends(rest, self._block.fence):
            self._block = None
        return True

    def _leave_block(self) -> None:
        """It ends because what it is in ends."""
        if self._block is not None:
            self._unclosed.add(self._block.at)
            self._block = None

    def _in_html(self, number: int, line: str, text: str) -> bool:
        """Whether it is a line of raw HTML that has begun before."""
        if self._html is None:
            return False
        rest = _inside(text, self._html.containers)
        if rest is None:
            self._html = None
            return False
        looks_like_one = (
            html_blocks.ends_with_an_empty_line(self._html.end) and _FENCE.match(rest) is not None
        )
        self._found.append(Line(number, line, is_code=False, no_fence=looks_like_one))
        if html_blocks.ends(self._html.end, rest):
            self._html = None
        return True

    def _begin(self, number: int, line: str, text: str) -> None:
        """A line that may begin anything."""
        before = self._containers
        self._containers, rest = _entered(text, before)
        in_paragraph = self._in_paragraph and self._containers[: len(before)] == before
        is_indented = rest.startswith("    ") and bool(rest.strip()) and not self._in_paragraph
        end = None if is_indented else html_blocks.begun(rest, in_paragraph=in_paragraph)
        if opening := _FENCE.match(rest):
            self._block = _Open(len(self._found), opening["fence"], self._containers)
        elif end is not None:
            ended = not html_blocks.ends_with_an_empty_line(end) and html_blocks.ends(end, rest)
            self._html = None if ended else _Html(end, self._containers)
        self._found.append(Line(number, line, is_code=self._block is not None or is_indented))
        begins_other = bool(is_indented or end or self._block or _HEADING.match(rest) or _is_rule(rest))
        is_text = bool(rest.strip()) and not begins_other
        if is_text and self._in_paragraph and self._containers == before[: len(self._containers)]:
            self._containers = before  # a lazy line: the paragraph goes on, and so does what it stands in
        self._in_paragraph = is_text


def outside(lines: Sequence[Line]) -> Iterator[str]:
    """The texts, those of code blanked out, and what looks like a fence."""
    yield from ("" if line.is_code or line.no_fence else line.text for line in lines)


def _ends(rest: str, fence: str) -> bool:
    return re.fullmatch(rf" {{0,3}}{re.escape(fence[0])}{{{len(fence)},}} *", rest) is not None


_QUOTE = 0
"""Stands for a quotation among the containers; a list item is told by the width of its indentation."""


def _inside(text: str, containers: tuple[int, ...]) -> str | None:
    """What of a line stands inside all containers, an empty one in any list; None where it is not in them."""
    for container in containers:
        if container == _QUOTE:
            found = re.match(r" {0,3}> ?", text)
            if found is None:
                return None
            text = text[found.end() :]
        elif text.strip():
            if text[:container].strip():
                return None
            text = text[container:]
    return text


def _entered(text: str, containers: tuple[int, ...]) -> tuple[tuple[int, ...], str]:
    """The containers that a line is in, those that it begins included, and what of it stands inside."""
    kept: list[int] = []
    for container in containers:
        rest = _inside(text, (container,))
        if rest is None:
            break
        kept.append(container)
        text = rest
    while (marker := _MARKER.match(text)) and not _is_rule(text):
        kept.append(_QUOTE if marker["quote"] else marker.end())
        text = text[marker.end() :]
    return tuple(kept), text


def _is_rule(text: str) -> bool:
    """A thematic break, which begins like an item of a list (section 4.1)."""
    return re.fullmatch(r" {0,3}(?:(?:\* *){3,}|(?:- *){3,})", text) is not None
