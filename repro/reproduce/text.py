"""Pieces of program text, indented and quoted."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

Lines = list[str]

Written = tuple[list[str], list[Lines]]
"""What a program imports beside the standard modules that it names, and the blocks that follow its URL."""

_QUOTES = '"""'


def indented(lines: Iterable[str], by: int = 4) -> list[str]:
    """Lines moved to the right; the inside of a long string moves with them, which SQL does not mind."""
    return textwrap.indent("\n".join(lines), " " * by).split("\n")


def quoted(text: str) -> str:
    """A text as a literal of Python's, over several lines where it has them."""
    if "\n" in text and _QUOTES not in text and not text.endswith(('"', "\\")) and "\\" not in text:
        return f"{_QUOTES}{text}{_QUOTES}"
    plain = '"' not in text and "\\" not in text and text.isprintable()
    return f'"{text}"' if plain else repr(text)


def joined(*blocks: Sequence[str]) -> str:
    """Blocks of lines with a blank line between them, and a line's end at the end."""
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"
