"""Where raw HTML begins in a Markdown text, and where it ends (CommonMark, section 4.6)."""

from __future__ import annotations

import re

_EMPTY = re.compile(r"\s*\Z")

_BLOCKS = (
    "address article aside base basefont blockquote body caption center col colgroup dd details dialog dir"
    " div dl dt fieldset figcaption figure footer form frame frameset h1 h2 h3 h4 h5 h6 head header hr html"
    " iframe legend li link main menu menuitem nav noframes ol optgroup option p param section source summary"
    " table tbody td tfoot th thead title tr track ul"
).replace(" ", "|")
_ATTRIBUTE = r"\s+[A-Za-z_:][\w.:-]*(?:\s*=\s*(?:[^\s\"'=<>`]+|'[^']*'|\"[^\"]*\"))?"
_ONE_TAG = re.compile(rf" {{0,3}}(?:<[A-Za-z][\w-]*(?:{_ATTRIBUTE})*\s*/?>|</[A-Za-z][\w-]*\s*>)\s*\Z")

_KINDS = tuple(
    (re.compile(rf" {{0,3}}{begin}", re.IGNORECASE), re.compile(end, re.IGNORECASE))
    for begin, end in (
        (r"<(?:script|pre|style|textarea)(?:\s|>|\Z)", r"</(?:script|pre|style|textarea)>"),
        (r"<!--", r"-->"),
        (r"<\?", r"\?>"),
        (r"<!\[CDATA\[", r"\]\]>"),
        (r"<![A-Z]", r">"),
    )
)
_BLOCK = re.compile(rf" {{0,3}}</?(?:{_BLOCKS})(?:\s|/?>|\Z)", re.IGNORECASE)


def begun(text: str, *, in_paragraph: bool) -> re.Pattern[str] | None:
    """What a line has to match that ends the raw HTML which this one begins; None where it begins none.

    The first line may end it too, but for the two kinds that an empty line ends.

    Args:
        text: a line, without what it stands in (a quotation, an item of a list).
        in_paragraph: whether the line before it is of a paragraph, which a tag alone does not end.
    """
    for begin, end in _KINDS:
        if begin.match(text):
            return end
    if _BLOCK.match(text) or (not in_paragraph and _ONE_TAG.match(text)):
        return _EMPTY
    return None


def ends_with_an_empty_line(end: re.Pattern[str]) -> bool:
    """Whether this is the end of one of those kinds, which hold everything up to there."""
    return end is _EMPTY


def ends(end: re.Pattern[str], text: str) -> bool:
    """Whether a line ends the raw HTML."""
    return (end.match(text) if end is _EMPTY else end.search(text)) is not None
