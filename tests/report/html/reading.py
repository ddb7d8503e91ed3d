"""Reads a page strictly: elements and attributes of ours alone, closed in their place, no id twice."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset({"br", "input", "link", "meta"})
RAW = frozenset({"script", "style"})
KNOWN = VOID | RAW | {
    "html", "head", "title", "body", "header", "nav", "main", "footer", "section", "article", "div", "span",
    "p", "a", "b", "i", "h1", "h2", "h3", "ul", "ol", "li", "dl", "dt", "dd", "table", "thead", "tbody", "tr",
    "th", "td", "details", "summary", "pre", "code", "figure", "figcaption", "fieldset", "legend", "label",
    "button",
}  # fmt: skip
ATTRIBUTES = frozenset(
    {
        "lang", "charset", "http-equiv", "content", "name", "rel", "href", "class", "id", "style", "title",
        "tabindex", "role", "aria-label", "aria-hidden", "type", "checked", "hidden", "open", "colspan",
        "scope", "data-unfold", "data-looked-at",
    }
)  # fmt: skip


@dataclass(eq=False)
class Element:
    """An element of a page."""

    tag: str
    attributes: dict[str, str | None]
    parent: Element | None
    children: list[Element] = field(default_factory=list)
    own: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text in it, in the order of its parts."""
        return " ".join("".join(self.own).split())

    def get(self, name: str) -> str:
        """An attribute; empty where it is not there."""
        return self.attributes.get(name) or ""


class Page(HTMLParser):
    """A page as a tree; it refuses what a browser would repair."""

    known = KNOWN
    known_attributes = ATTRIBUTES

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(source)
        self.close()
        assert not self._open, f"never closed: {[each.tag for each in self._open]}"
        ids = [each.get("id") for each in self.elements if each.get("id")]
        assert len(ids) == len(set(ids)), "an id is there twice"
        self.ids = set(ids)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in self.known, f"no element of ours: {tag}"
        assert len(attrs) == len(dict(attrs)), f"an attribute twice: {attrs}"
        assert {name for name, _ in attrs} <= self.known_attributes, f"no attribute of ours: {attrs}"
        parent = self._open[-1] if self._open else None
        element = Element(tag, dict(attrs), parent)
        self.elements.append(element)
        if parent is not None:
            parent.children.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"closed and never opened: {tag}"
        assert self._open[-1].tag == tag, f"{tag} closed within {self._open[-1].tag}"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.own.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def all(self, tag: str, cls: str = "") -> list[Element]:
        """The elements of a name, and of a class."""
        return [
            each
            for each in self.elements
            if each.tag == tag and (not cls or cls in each.get("class").split())
        ]

    def at(self, name: str) -> Element:
        """The element with an id."""
        (found,) = [each for each in self.elements if each.get("id") == name]
        return found

    def links(self) -> list[str]:
        """Where the links of the page lead within it, without the mark before it."""
        return [each.get("href")[1:] for each in self.all("a") if each.get("href").startswith("#")]

    def shown(self) -> str:
        """All its text but style and script."""
        return self.at("content").text
