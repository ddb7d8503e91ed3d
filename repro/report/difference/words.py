"""An event in a few words, fit to stand beside another one's."""

from __future__ import annotations

from repro.report.difference.model import Line, Parting
from repro.trace.formats import fields
from repro.trace.formats.messages import told
from repro.trace.formats.printable import printable, shortened
from repro.trace.formats.timeline import outcome

MOST_OF_AN_EVENT = 160
"""Characters."""


def said(line: Line) -> str:
    """An event on one line that cannot drive a terminal: what, with whom, and what came of it."""
    arrow = {"client": "->", "server": "<-"}.get(fields.sender(line) or "")
    if arrow is not None:
        failed = fields.failure(line)
        return shortened(
            " ".join(filter(None, (arrow, told(line), failed and printable(failed)))), MOST_OF_AN_EVENT
        )
    peer = fields.peer(line)
    dialled = fields.operation(line) == "connect"
    what = "connect" if dialled else told(line)
    whom = printable(peer) if dialled and peer is not None else ""
    return shortened(" ".join(filter(None, (what, whom, outcome(line)))), MOST_OF_AN_EVENT)


def where(parting: Parting) -> str:
    """Where two traces part, in a sentence: from which events on, and on which connection."""
    a, b = (
        f"after the last event of {run}" if each.seq is None else f"at event {each.seq} of {run}"
        for run, each in (("A", parting.a), ("B", parting.b))
    )
    places = "place" if parting.further == 1 else "places"
    more = f"; {parting.further} more such {places}" if parting.further else ""
    return f"the traces part on {parting.where}, {a} and {b}{more}"
