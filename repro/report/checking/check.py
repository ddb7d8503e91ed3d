"""Whether a report can be filed: what is left to do in it, and what must not leave.

Markdown is read as CommonMark reads it, as far as that matters here: what stands in code is data.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from repro.redaction import Redactor, SecretFound
from repro.report.checking import code_blocks, secret_signs
from repro.report.deciding import decision
from repro.report.escape import brief, clean
from repro.report.fitting import LIMIT, size

IN_A_RECORD = tuple(title.casefold() for title in decision.ASKED.values())
"""Headings below which a person writes in a decision record, in small letters."""

ASKED_OF_A_PERSON = frozenset(
    {"summary", "describe the bug", "description", "describe the issue", *IN_A_RECORD}
)
"""Headings below which a person writes, in small letters."""

_HEADING = re.compile(r"^ {0,3}#{1,6}\s+(?P<title>.*?)\s*#*\s*$|^\*\*(?P<bold>[^*]+)\*\*:?\s*$")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_SLOT = re.compile(r"txrepro:(?P<name>[\w-]+)(?P<hint>.*?)(?:-->|\Z)", re.DOTALL)
MOST_OF_A_HINT = 200
_CODE = re.compile(r"(?<!`)(`+)(?!`)(?:(?!\n[ \t]*\n).)*?(?<!`)\1(?!`)", re.DOTALL)
"""Code within a paragraph: an empty line ends the paragraph (section 6.1)."""

_UNDERLINE = re.compile(r" {0,3}(?:=+|-+)[ \t]*")
_LEFT_TO_DO = re.compile(
    r"\b(?:TODO|FIXME|XXX|TBD)\b|<fill[^>]*>"
    r"|[\[(<{]\s*(?:please )?fill (?:this |me )?in\b[^\])>}]{0,200}[\])>}]"
    r"|^\W*(?:please )?fill (?:this |me )?in\W*$",
    re.IGNORECASE,
)
"""A word that says so, or ``fill in`` alone or in brackets; in a sentence it is one like others."""

_MARKUP = re.compile(
    r"!\[[^\]]{0,500}\](?:\([^)]{0,2000}\)|\[[^\]]{0,500}\])?|</?[A-Za-z][^>]{0,2000}>|&nbsp;|&#\w{1,8};"
)
"""What shows something, and says nothing."""

_SAYS_NOTHING = frozenset(
    {"", "na", "none", "nothing", "no response", "no comment", "see above", "see below"}
)

_EMOJI = r"\u203c-\u3299\ufe0f\U0001f000-\U0001faff"
_OF_A_SCRIPT = r"\u0600-\u08ff\u0900-\u0dff\u1000-\u109f\u1780-\u17ff"
_JOINED = re.compile(
    rf"(?<=[{_EMOJI}])\u200d(?=[{_EMOJI}])|(?<=[{_OF_A_SCRIPT}])[\u200c\u200d](?=[{_OF_A_SCRIPT}])"
    r"|(?<=\U0001f3f4)[\U000e0020-\U000e007e]{1,8}\U000e007f"
)
"""Invisible characters that have a meaning: joiners of emoji and of letters, and the tags of a flag."""
_REFERENCE = re.compile(r"(?<![\w./&#-])(?:[\w.-]+/[\w.-]+)?#\d+\b|\bGH-\d+\b")
_MENTION = re.compile(r"(?<![\w/`.])@[A-Za-z\d][A-Za-z\d-]*(?!\.\w)")


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong.

    Args:
        line: where, from 1.
        what: it is.
        remedy: what to do.
        fails: whether the report cannot be filed like this; else it is only worth a look.
    """

    line: int
    what: str
    remedy: str
    fails: bool = True


def problems(text: str, *, secrets: Iterable[str] = ()) -> list[Problem]:
    """Everything that is wrong with a report, in the order of its lines.

    No secret is ever part of what is answered.

    Args:
        text: Markdown that is about to be filed.
        secrets: values that it must not hold in any form.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    read = code_blocks.read(lines)
    outside = _CODE.sub(_blank, "\n".join(code_blocks.outside(read))).split("\n")
    redactor = Redactor(secrets)
    found = [
        *_nothing_at_the_head(lines, outside),
        *_size(text),
        *_secrets(lines, redactor),
        *_fences(read),
        *_slots(outside, redactor),
        *_empty_summaries(outside),
        *_gone_from_a_record(outside, text),
        *_details(outside),
        *_words(outside),
        *_invisible(lines),
    ]
    return sorted(set(found))


def _blank(found: re.Match[str]) -> str:
    """As many line ends, and something that is no empty text."""
    return "code" + "\n" * found[0].count("\n")


def _size(text: str) -> Iterator[Problem]:
    characters = size(text)
    if characters > LIMIT:
        yield Problem(
            1,
            f"{characters:,} characters, and GitHub takes no more than 65,536",
            f"cut it to {LIMIT:,}; attach the rest",
        )


def _secrets(lines: Sequence[str], redactor: Redactor) -> Iterator[Problem]:
    remedy = "take it out, and change it where it was used"
    seen = False
    for number, line in enumerate(lines, start=1):
        kinds = ["a known secret"] if redactor.knows(line) else list(secret_signs.kinds(line))
        seen = seen or bool(kinds)
        yield from (Problem(number, f"holds {kind}", remedy) for kind in kinds)
    try:
        redactor.check("\n".join(lines).encode("utf-8", "surrogatepass"), "the report")
    except SecretFound:
        if not seen:
            yield Problem(1, "holds a known secret across several lines", remedy)


def _fences(read: Iterable[code_blocks.Line]) -> Iterator[Problem]:
    for line in read:
        if line.unclosed:
            yield Problem(
                line.number,
                "begins a block of code that never ends",
                "end it with the same fence on a line of its own",
            )
        if line.no_fence:
            yield Problem(
                line.number,
                "begins or ends no block of code, since raw HTML stands right above it",
                "put an empty line between them",
            )


def _slots(outside: Sequence[str], redactor: Redactor) -> Iterator[Problem]:
    for number, comment in _comments(outside):
        if not comment.endswith("-->"):
            yield Problem(number, "begins a comment that never ends", "end it with -->")
        if slot := _SLOT.search(comment):
            what, remedy = _left_open(slot["name"])
            hint = _hint(slot, redactor)
            yield Problem(number, f"{what}: {hint}" if hint else what, remedy)


def _left_open(name: str) -> tuple[str, str]:
    """What is wrong with a mark that is still there, and what to do."""
    if name == "summary":
        return "the summary is not written", "write one sentence, and delete the comment"
    if name == "fill":
        return "the place for what only you know is not filled", "fill it, or delete the comment"
    if name == "stop":
        return "is marked as nothing to file there, or not yet", "do as the comment says"
    if name in decision.ASKED:
        return f"the place for {name} is not filled", "write it where the comment stands"
    return f"the place for {name} is not filled", "fill it, or delete the comment"


def _hint(slot: re.Match[str], redactor: Redactor) -> str:
    """What a mark says is wanted; nothing for the summary, of which the remedy says it.

    A person may have begun to write inside the comment: what looks like a secret there is not said again.
    """
    hint = brief(slot["hint"], MOST_OF_A_HINT).rstrip(".")
    is_told = slot["name"] == "summary" or any(secret_signs.kinds(hint))
    return "" if is_told else redactor.text(hint)


def _comments(outside: Sequence[str]) -> Iterator[tuple[int, str]]:
    text = "\n".join(outside)
    for found in _COMMENT.finditer(text):
        yield text.count("\n", 0, found.start()) + 1, found[0]


def _nothing_at_the_head(lines: Sequence[str], outside: Sequence[str]) -> Iterator[Problem]:
    """A report without a heading that asks for the sentence has it first; a document with a title is none."""
    said = [line.strip() for line in _without_comments(outside) if _MARKUP.sub("", line).strip()]
    if not any(map(str.strip, lines)):
        yield Problem(1, "nothing is written", "write the report, or make one with repro report")
        return
    asked = any(_asks(title) for _, title, _ in _sections(outside))
    marked = any(_SLOT.search(comment) for _, comment in _comments(outside))
    if said and not asked and not marked and re.match(r"#{2,6} |\*\*|\* \*\*", said[0]):
        yield Problem(1, "no sentence says what is wrong", "write one before the first heading")


def _empty_summaries(outside: Sequence[str]) -> Iterator[Problem]:
    """Headings that ask a person, with nothing below; one whose mark is still there is told by that."""
    for number, title, body in _sections(outside):
        if _asks(title) and not _SLOT.search(body) and _says_nothing(body):
            yield Problem(number, f"nothing is written below “{title}”", "write one sentence there")


def _says_nothing(text: str) -> bool:
    """Whether a text has no word that a person wrote: comments, pictures, marks and ``n/a`` are none."""
    words = re.sub(r"[\W_]+", " ", _MARKUP.sub(" ", _COMMENT.sub(" ", text)))
    return words.strip().casefold().replace("n a", "na") in _SAYS_NOTHING


def _gone_from_a_record(outside: Sequence[str], text: str) -> Iterator[Problem]:
    """The places for a person that are no longer in a decision record."""
    if decision.SIGNED not in text:
        return
    titles = {title.casefold().strip(" *:") for _, title, _ in _sections(outside)}
    for title in decision.ASKED.values():
        if title.casefold() not in titles:
            yield Problem(1, f"the heading “{title}” is gone", "put it back, and write a sentence below it")


def _asks(title: str) -> bool:
    return title.casefold().strip(" *:") in ASKED_OF_A_PERSON


def _sections(outside: Sequence[str]) -> Iterator[tuple[int, str, str]]:
    """Each heading's line and title, with the text up to the next."""
    heads = list(_headings(outside))
    ends = [*(place for place, _, _ in heads[1:]), len(outside)]
    for (place, begin, title), end in zip(heads, ends, strict=False):
        yield place + 1, title, "\n".join(outside[begin:end])


def _headings(outside: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """Each heading's place, where its section begins, and its title."""
    for place, (line, below) in enumerate(zip(outside, [*outside[1:], ""], strict=True)):
        if found := _HEADING.match(line):
            yield place, place + 1, found["title"] or found["bold"] or ""
        elif _UNDERLINE.fullmatch(below) and line.strip():
            yield place, place + 2, line.strip()


def _details(outside: Sequence[str]) -> Iterator[Problem]:
    open_at: list[int] = []
    for number, line in enumerate(_without_comments(outside), start=1):
        for tag in re.findall(r"<(/?)details\b", line, re.IGNORECASE):
            if not tag:
                open_at.append(number)
            elif open_at:
                open_at.pop()
            else:
                yield Problem(number, "ends a fold that was never begun", "delete </details>")
    yield from (
        Problem(number, "begins a fold that never ends", "add </details> after it") for number in open_at
    )


def _words(outside: Sequence[str]) -> Iterator[Problem]:
    for number, line in enumerate(_without_comments(outside), start=1):
        if _LEFT_TO_DO.search(line):
            yield Problem(number, "something is left to do", "do it, or delete the line")
        if found := _MENTION.search(line):
            yield Problem(
                number, f"{found[0]} tells that account", "put it in code unless that is meant", fails=False
            )
        if found := _REFERENCE.search(line):
            yield Problem(
                number,
                f"{found[0]} becomes a link to a thread",
                "put it in code unless that is meant",
                fails=False,
            )


def _without_comments(outside: Sequence[str]) -> list[str]:
    return _COMMENT.sub(lambda found: "\n" * found[0].count("\n"), "\n".join(outside)).split("\n")


def _invisible(lines: Sequence[str]) -> Iterator[Problem]:
    for number, line in enumerate(lines, start=1):
        shown = _JOINED.sub("", line)
        if clean(shown) != shown:
            yield Problem(number, "holds characters that nobody sees", "delete them, or write their numbers")
