"""The head of every trace: which sources were active, and what they cannot see.

An event that is missing from a trace proves nothing unless one knows that somebody was looking.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from repro.document.shape import RunDocument
from repro.events import EVENT_SCHEMA

CANNOT_SEE: Mapping[str, tuple[str, ...]] = {
    "hook": (
        "connections of child processes",
        "connections that a C library makes by itself, other than libpq's",
        "the bytes of a connection",
    ),
}
"""For each source what it is blind to."""


def with_visibility(
    document: RunDocument, probe: str, lines: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """A probe's trace with its `visibility` record at the head, unless a source has put one there already.

    Args:
        document: the run.
        probe: the probe's name.
        lines: its trace lines.
    """
    if lines and lines[0].get("op") == "visibility":
        return list(lines)
    return [_record(document, probe, lines), *lines]


def _record(document: RunDocument, probe: str, lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    sources = sorted({"hook", *(str(line["src"]) for line in lines)})
    return {
        "seq": 0,
        "t0": 0.0,
        "t": 0.0,
        "src": "run",
        "op": "visibility",
        "conn": None,
        "pid": None,
        "peer": None,
        "failure": None,
        "errno": None,
        "schema": EVENT_SCHEMA,
        "run_id": document["run_id"],
        "probe": probe,
        "sources": sources,
        "cannot_see": [blind for source in sources for blind in CANNOT_SEE.get(source, ())],
        "wall_clock_origin": document["started_at"],
    }
