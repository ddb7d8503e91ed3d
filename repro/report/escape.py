"""Foreign text as data: it cannot break a fence, ping a person, link an issue, inject HTML or move a cursor.

Text from a server or a driver stands in code, inline or fenced, where GitHub interprets nothing. Sentences of
ours, which may quote such text, keep their words; what Markdown or GitHub could read as more than a word goes
into code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_ANSI = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI … final byte (ECMA-48, 5.4)
    r"|\x1b[\]P^_X][^\x07\x1b]*(?:\x07|\x1b\\)?"  # OSC, DCS, PM, APC, SOS … until ST or BEL
    r"|\x1b[ -/]*[0-~]"  # the two-character sequences
)
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    r"\ud800-\udfff\U000e0000-\U000e007f]"
)
"""Controls, direction marks, zero-width characters, halves of surrogate pairs: shown as their code point."""

_RUN_OF_INVISIBLE = re.compile(f"{_INVISIBLE.pattern}+")


class _Numbers(dict[int, str]):
    """How the characters that were met so far are shown: a text may have thousands of one."""

    def __missing__(self, character: int) -> str:
        self[character] = f"\\u{character:04x}"
        return self[character]


_NUMBERS = _Numbers()

_MORE_THAN_A_WORD = re.compile(
    r"[`*_~<>&\[\]\\|@#$!{}]|://|www\.|:[\w+-]+:|\bGH-\d|\b[0-9a-f]{7,40}\b", re.IGNORECASE
)
_BEGINS_A_BLOCK = re.compile(r"[-+]+|:?-+:?|=+|\d{1,9}[.)]")
"""A word that, first on a line, begins a list, or makes of the line above a heading or the head of a table
(CommonMark 4.3, 5.2; GFM 4.10)."""

_CLOSES = {")": "(", "]": "[", "}": "{", '"': '"', "'": "'"}
"""What ends what; in a sentence either may stand around a word."""

_OPENS = frozenset(_CLOSES.values()) - set("[{")
_ENDS_A_CLAUSE = frozenset(".,;:?")

MOST_SENTENCE_MARKS = 8
"""Marks of a sentence on either side of a word; more are part of what it quotes."""

MOST_OF_A_NAME = 200
MOST_OF_A_NOTE = 400


def clean(text: str) -> str:
    """The text without terminal sequences and carriage returns; what is invisible is shown by its number."""
    text = _ANSI.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _RUN_OF_INVISIBLE.sub(lambda run: run[0].translate(_NUMBERS), text)


def not_shown(text: str) -> Iterator[str]:
    """What `clean` takes out of a text or shows by its number: ``a terminal sequence``, ``U+202E``."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    yield from ("a terminal sequence" for _ in _ANSI.finditer(text))
    yield from (f"U+{ord(found[0]):04X}" for found in _INVISIBLE.finditer(_ANSI.sub("", text)))


def one_line(text: str) -> str:
    """The clean text on one line."""
    return " ".join(clean(text).split())


def code(text: object) -> str:
    """Inline code on one line, its delimiter longer than any run of backticks in it; nothing for no text."""
    line = one_line(str(text))
    if not line:
        return ""
    ticks = "`" * (_longest_run(line) + 1)
    room = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{ticks}{room}{line}{room}{ticks}"


def cell(text: object) -> str:
    """Inline code for a cell of a table, where a bar would end the cell even inside code (GFM, 4.10)."""
    return code(text).replace("|", "\\|")


def fence(text: str, language: str = "text") -> str:
    """A fenced block, its fence longer than any run of backticks in it."""
    body = clean(text).strip("\n")
    ticks = "`" * max(3, _longest_run(body) + 1)
    return f"{ticks}{language}\n{body}\n{ticks}"


def prose(text: str) -> str:
    """A sentence on one line; words that could be read as more than words are put into code."""
    first, *others = one_line(text).split() or [""]
    begun = code(first) if _BEGINS_A_BLOCK.fullmatch(first) else _word(first)
    return " ".join([begun, *map(_word, others)])


def brief(text: object, most: int) -> str:
    """The clean text on one line and no longer than this; an endless one is cut before it is looked at."""
    return shortened(one_line(shortened(str(text), 4 * most)), most)


def short_code(text: str, most: int = MOST_OF_A_NAME) -> str:
    """A name, an address or a short value, which a driver or a server may have made very long, as code."""
    return code(brief(text, most))


def short_cell(text: str) -> str:
    """The same for a cell of a table."""
    return cell(brief(text, MOST_OF_A_NAME))


def short_prose(text: str, most: int = MOST_OF_A_NOTE) -> str:
    """A sentence that may quote foreign text, which may be very long."""
    return prose(brief(text, most))


def _word(word: str) -> str:
    if not _MORE_THAN_A_WORD.search(word):
        return word
    begin, end = _without_marks(word)
    return f"{word[:begin]}{code(word[begin:end])}{word[end:]}" if begin < end else code(word)


def _without_marks(word: str) -> tuple[int, int]:
    """Where a word stands between the marks of its sentence; a bracket of its own is none: ``f(a_b)``."""
    begin, end = 0, len(word)
    for _ in range(MOST_SENTENCE_MARKS):
        core = word[begin:end]
        if not core:
            break
        if core[-1] in _ENDS_A_CLAUSE:
            end -= 1
        elif _stands_in_marks(core):
            begin, end = begin + 1, end - 1
        elif core[-1] in ")\"'" and _is_alone(core, core[-1]):
            end -= 1
        elif core[0] in _OPENS and _is_alone(core, core[0]):
            begin += 1
        else:
            break
    return begin, end


def _stands_in_marks(core: str) -> bool:
    """Whether its first character opens what its last one closes: ``(a_b)``, and not ``(a)(b)``."""
    opens, closes, inside = core[0], core[-1], core[1:-1]
    if len(core) < 2 or opens not in _OPENS or _CLOSES.get(closes) != opens:
        return False
    depth = 0
    for character in inside:
        depth += (character == opens != closes) - (character == closes)
        if depth < 0:
            return False
    return True


def _is_alone(core: str, mark: str) -> bool:
    """Whether a bracket or a quotation mark at the edge has no partner in the word."""
    if mark in "\"'":
        return core.count(mark) % 2 == 1
    opened, closed = core.count("("), core.count(")")
    return opened > closed if mark == "(" else closed > opened


def shortened(text: str, most: int) -> str:
    """The text; of one that is too long a fifth of the room from its head, the rest from its end."""
    if len(text) <= most:
        return text
    head = most // 5
    return f"{text[:head]} […] {text[len(text) - (most - head) :]}"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
