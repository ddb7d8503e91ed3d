"""The page: its sections in the order in which a maintainer asks, and and how much of everything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from repro.document import RunDocument
from repro.report.html import about, assets, failures, findings, grid, listing, summary, trace, waterfall
from repro.report.html.markup import Html, element, join
from repro.report.html.room import Room
from repro.report.html.trace import Events
from repro.reproduce.record import Reproduction

LIMIT = 2_000_000
"""Bytes of a page, whatever the length of the traces."""


def render(
    document: RunDocument,
    events_by_probe: Events,
    reproductions: Sequence[Reproduction] = (),
) -> str:
    """The report of a run as one HTML file of less than 2 MB that needs no other file and no network.

    The same run gives the same text. Events that are not listed are counted, and named by their file.

    Args:
        document: the run.
        events_by_probe: the trace lines of each probe, by its name; a probe may be missing.
        reproductions: of failing probes, as they stand beside the run.
    """
    room = Room()
    while True:
        page = _page(document, events_by_probe, reproductions, room)
        if len(page.encode("utf-8", "backslashreplace")) < LIMIT or room == room.less():
            return page
        room = room.less()


def _page(
    document: RunDocument,
    events: Events,
    reproductions: Sequence[Reproduction],
    room: Room,
) -> str:
    sections = list(_sections(document, events, reproductions, room))
    body = element(
        "body",
        element(
            "a",
            "Skip to the findings" if document["findings"] else "Skip to the content",
            href="#content",
            cls="skip-link",
        ),
        element("div", summary.render(document, room), _navigation(sections), cls="head"),
        element("main", [_section(*each) for each in sections], id="content", tabindex=-1),
        element("footer", _footer(document)),
        element("div", id="tip", aria_hidden="true", hidden=True),
        element("script", Html(assets.read(assets.SCRIPT))),
    )
    return f"<!doctype html>\n{element('html', _head(document), body, lang='en')}\n"


def _sections(
    document: RunDocument,
    events: Events,
    reproductions: Sequence[Reproduction],
    room: Room,
) -> Iterator[tuple[str, str, Html]]:
    """Each section's address, heading and content, in order; one without content is left out."""
    traces = trace.read(document, events, room)
    every: tuple[tuple[str, str, Html | None], ...] = (
        ("findings", "Findings", findings.render(document, traces, room)),
        ("matrix", "Matrix", grid.render(document["probes"], room)),
        ("waterfall", "Waterfall", waterfall.render(traces, room) if traces else None),
        ("failures", "Failing probes", failures.render(document, events, traces, room)),
        ("traces", "Traces", listing.render(traces, room) if traces else None),
        ("reproductions", "Reproductions", about.reproductions(reproductions, room)),
        ("commands", "To repeat it", about.commands(document)),
        ("transaction", "The transaction", about.transaction(document, room)),
        ("target", "Target", about.target(document, room)),
        ("environment", "Environment", about.environment(document, room)),
    )
    for address, heading, content in every:
        if content:
            yield address, heading, content


def _section(address: str, heading: str, content: Html) -> Html:
    return element("section", element("h2", heading), content, id=address)


def _navigation(sections: Sequence[tuple[str, str, Html]]) -> Html:
    items = [element("li", element("a", heading, href=f"#{address}")) for address, heading, _ in sections]
    button = element("button", "Dark or light", type="button", id="theme", cls="scripted", hidden=True)
    return element("nav", element("ul", items), button, aria_label="Sections")


def _footer(document: RunDocument) -> Html:
    tool = document["tool"]
    return join(
        f"Made by {tool['name']} {tool['version']} from run.json and the traces of {document['run_id']}. ",
        "This file loads nothing.",
    )


def _head(document: RunDocument) -> Html:
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=assets.policy()),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", summary.title(document)),
        element("link", rel="icon", href="data:,"),
        element("style", Html(assets.read(assets.STYLE))),
    )
