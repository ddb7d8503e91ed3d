"""Which lines of a Markdown text are code, as CommonMark reads it (sections 4.4, 4.5, 5.1 and 5.2).

A fence belongs to the list item or quotation in which it begins, and ends where one at least as long of the
same character stands alone there, or with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_MARKER = re.compile(r"[ ]{0,3}(?:(?P<quote>>)[ ]?|(?:[-*+]|\d{1,9}[.)])(?:[ ]{1,4}(?![ ])|[ ]|$))")
_FENCE = re.compile(r"[ ]{0,3}(?P<fence>`{3,}(?=[^`]*$)|~{3,})")


@dataclass(frozen=True, slots=True)
class Line:
    """One line.

    Args:
        number: from 1.
        text: as it stands.
        is_code: whether it is in a block of code, or its fence.
        unclosed: whether it begins a fenced block that nothing ends but the end of what it is in.
    """

    number: int
    text: str
    is_code: bool
    unclosed: bool = False


@dataclass(slots=True)
class _Open:
    """A fenced block that has begun at a line's place in the answer."""

    at: int
    fence: str
    containers: tuple[int, ...]


def read(lines: Sequence[str]) -> list[Line]:
    """Each line, and whether it is code.

    Args:
        lines: of a Markdown text, without their ends.
    """
    found: list[Line] = []
    unclosed: set[int] = set()
    containers: tuple[int, ...] = ()
    block: _Open | None = None
    before_is_text = False
    for number, line in enumerate(lines, start=1):
        text = line.expandtabs(4)
        if block is not None:
            rest = _inside(text, block.containers)
            if rest is not None:
                found.append(Line(number, line, is_code=True))
                if _ends(rest, block.fence):
                    block = None
                continue
            unclosed.add(block.at)
            block = None
        containers, rest = _entered(text, containers)
        if opening := _FENCE.match(rest):
            block = _Open(len(found), opening["fence"], containers)
        is_indented = rest.startswith("    ") and bool(rest.strip()) and not before_is_text
        found.append(Line(number, line, is_code=block is not None or is_indented))
        before_is_text = bool(rest.strip()) and not is_indented and block is None
    if block is not None:
        unclosed.add(block.at)
    return [_marked(line, unclosed=place in unclosed) for place, line in enumerate(found)]


def outside(lines: Sequence[Line]) -> Iterator[str]:
    """The texts, those of code blanked out."""
    yield from ("" if line.is_code else line.text for line in lines)


def _marked(line: Line, *, unclosed: bool) -> Line:
    return Line(line.number, line.text, line.is_code, unclosed) if unclosed else line


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
