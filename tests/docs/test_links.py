"""Every relative link of the documentation leads to a file, and every anchor to a heading of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import cmarkgfm
import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted({*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "reports" / "examples" / "README.md"})
HEADINGS = {f"h{level}" for level in range(1, 7)}


@dataclass
class Page(HTMLParser):
    """The links and the anchors of a page, as GitHub makes them of its Markdown."""

    links: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)
    _heading: list[str] | None = None

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value for name, value in attrs if name in {"href", "src"} and value]
        self.anchors |= {value for name, value in attrs if name in {"id", "name"} and value}
        if tag in HEADINGS:
            self._heading = []

    def handle_data(self, data: str) -> None:
        if self._heading is not None:
            self._heading.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag in HEADINGS and self._heading is not None:
            slug = re.sub(r"[^\w\- ]", "", "".join(self._heading).strip().lower()).replace(" ", "-")
            taken = (f"{slug}-{number}" if number else slug for number in range(1000))
            self.anchors.add(next(name for name in taken if name not in self.anchors))
            self._heading = None


@cache
def read(path: Path) -> Page:
    page = Page()
    page.feed(cmarkgfm.github_flavored_markdown_to_html(path.read_text("utf-8")))
    return page


def broken(path: Path) -> Iterator[str]:
    for link in read(path).links:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        if not target.exists() or ROOT not in target.parents:
            yield f"{link}: no such file"
        elif parts.fragment and target.suffix == ".md" and parts.fragment not in read(target).anchors:
            yield f"{link}: no such heading"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path: Path) -> None:
    assert list(broken(path)) == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        path = waiting.pop()
        reached.add(path)
        links = [urlsplit(link) for link in read(path).links]
        local = [(path.parent / link.path).resolve() for link in links if link.path and not link.scheme]
        waiting += [each for each in local if each.suffix == ".md" and each.exists() and each not in reached]
    assert [str(page.relative_to(ROOT)) for page in PAGES if page not in reached] == []


def test_a_broken_link_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path.resolve())
    page = tmp_path.resolve() / "page.md"
    page.write_text(
        "# A `page`, twice\n\n# A page twice\n\n[a](#a-page-twice-1) [b](#c) [d](e.md) [f](..)\n", "utf-8"
    )

    assert list(broken(page)) == ["#c: no such heading", "e.md: no such file", "..: no such file"]
