"""What every page has around its sections: a head that lets nothing be loaded, a way to each, a footer."""

from __future__ import annotations

from collections.abc import Sequence

from repro.report.html import assets
from repro.report.html.markup import Html, element, join

Section = tuple[str, str, Html]
"""Its address, its heading, its content."""


def page(
    title: str,
    header: Html,
    sections: Sequence[Section],
    footer: str,
    *,
    style: str,
    skip_to: str = "content",
) -> str:
    """A whole page as one HTML file that needs no other file and no network.

    Args:
        title: its name in a tab or a list of files.
        header: what stands above the way to the sections.
        sections: in order.
        footer: of what it was made.
        style: the text of its style.
        skip_to: what the first link leads to, in words.
    """
    body = element(
        "body",
        element("a", f"Skip to the {skip_to}", href="#content", cls="skip-link"),
        element("div", header, _navigation(sections), cls="head"),
        element("main", [_section(*each) for each in sections], id="content", tabindex=-1),
        element("footer", join(footer, "This file loads nothing.")),
        element("div", id="tip", aria_hidden="true", hidden=True),
        element("script", Html(assets.read(assets.SCRIPT))),
    )
    return f"<!doctype html>\n{element('html', _head(title, style), body, lang='en')}\n"


def _head(title: str, style: str) -> Html:
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=assets.policy(style)),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", title),
        element("link", rel="icon", href="data:,"),
        element("style", Html(style)),
    )


def _navigation(sections: Sequence[Section]) -> Html:
    items = [element("li", element("a", heading, href=f"#{address}")) for address, heading, _ in sections]
    button = element("button", "Dark or light", type="button", id="theme", cls="scripted", hidden=True)
    return element("nav", element("ul", items), button, aria_label="Sections")


def _section(address: str, heading: str, content: Html) -> Html:
    return element("section", element("h2", heading), content, id=address)
