"""The page: its sections in the order in which a maintainer asks, and and how much of everything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from repro.document import RunDocument
from repro.report.html import (
    about,
    assets,
    failures,
    findings,
    frame,
    grid,
    listing,
    summary,
    trace,
    waterfall,
)
from repro.report.html.frame import Section
from repro.report.html.markup import Html
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
    tool = document["tool"]
    return frame.page(
        summary.title(document),
        summary.render(document, room),
        list(_sections(document, events, reproductions, room)),
        f"Made by {tool['name']} {tool['version']} from run.json and the traces of {document['run_id']}. ",
        style=assets.read(assets.STYLE),
        skip_to="findings" if document["findings"] else "content",
    )


def _sections(
    document: RunDocument,
    events: Events,
    reproductions: Sequence[Reproduction],
    room: Room,
) -> Iterator[Section]:
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
