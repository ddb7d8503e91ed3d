"""HTML from data: what is not markup of ours is escaped, so that no text becomes a tag or an attribute."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from typing import TypeAlias

from repro.report.escape import brief, clean, shortened


class Html(str):
    """Text that is HTML already. Only this module makes it out of data."""

    __slots__ = ()


Content: TypeAlias = str | Iterable["Content"] | None
"""What an element holds: texts, which are escaped, and elements, which are `Html`; None is nothing."""

Attribute: TypeAlias = str | int | bool | None
"""A value; True is the name alone, False and None leave it out."""

_VOID = frozenset({"br", "input", "link", "meta"})
_SPAN_OF_CODE = re.compile(r"(`+)(.+?)(?<!`)\1(?!`)")
_LINK = re.compile(r"https?://[A-Za-z0-9.-]+(?::\d+)?(?:[/?#][!-~]*)?")


def text(value: object) -> Html:
    """A text as data: nothing in it is markup, and what is invisible is shown by its number."""
    return Html(html.escape(clean(str(value))))


def join(*content: Content) -> Html:
    """The pieces one after the other."""
    return Html("".join(map(_piece, content)))


def _piece(content: Content) -> str:
    if content is None:
        return ""
    if isinstance(content, Html):
        return content
    return text(content) if isinstance(content, str) else join(*content)


def element(tag: str, *content: Content, **attributes: Attribute) -> Html:
    """An element with its attributes and content.

    Args:
        tag: its name; one of ours, never data.
        content: what it holds.
        attributes: ``cls`` is the class and ``for_`` is ``for``; other underscores become hyphens.
    """
    head = "".join(_attribute(name, value) for name, value in attributes.items())
    return Html(f"<{tag}{head}>" if tag in _VOID else f"<{tag}{head}>{join(*content)}</{tag}>")


def _attribute(name: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    known = {"cls": "class", "for_": "for"}.get(name, name.replace("_", "-"))
    return f" {known}" if value is True else f' {known}="{text(value)}"'


def code(value: object, most: int = 400) -> Html:
    """A short text of a program, a server or a driver on one line; nothing for no text."""
    shown = brief(value, most)
    return element("code", shown) if shown else Html("")


def codes(values: Iterable[object], most: int = 400) -> Html:
    """Several of them, with commas."""
    return Html(", ".join(filter(None, (code(value, most) for value in values))))


def line(value: object, most: int) -> Html:
    """A sentence on one line, of so many characters at most."""
    return text(brief(value, most))


def sentence(markdown: str, most: int = 1_000) -> Html:
    """A sentence of ours whose only Markdown is code between backticks."""
    pieces: list[Content] = []
    place = 0
    told = brief(markdown, most)
    for found in _SPAN_OF_CODE.finditer(told):
        pieces += [told[place : found.start()], element("code", found[2].strip())]
        place = found.end()
    return join(*pieces, told[place:])


def block(value: str, *, label: str) -> Html:
    """Lines of a program or its output, which scroll inside themselves.

    Args:
        value: the lines.
        label: what they are, for those who do not see the page.
    """
    return element("pre", element("code", value.strip("\n")), tabindex=0, role="region", aria_label=label)


def link(address: str) -> Html:
    """A link to a page; what is no plain web address is shown as text."""
    if not _LINK.fullmatch(address):
        return code(address)
    shown = shortened(address.partition("://")[2], 90)
    return element("a", shown, href=address, rel="noopener noreferrer")


def unseen(words: str) -> Html:
    """Words for those who do not see the page, where a sign says it to the others."""
    return element("span", words, cls="unseen")


def folded(summary: Content, *content: Content, **attributes: Attribute) -> Html:
    """Content that is folded away until it is asked for."""
    return element("details", element("summary", summary), *content, **attributes)


def facts(rows: Iterable[tuple[Content, Content]]) -> Html:
    """Names with what is told of them; a row without content is left out."""
    told = ((name, join(content)) for name, content in rows)
    return element("dl", *((element("dt", name), element("dd", value)) for name, value in told if value))
