"""The head of every trace: which sources were active, and what they cannot see.

An event that is missing from a trace proves nothing unless one knows that somebody was looking.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from repro.document.shape import RunDocument
from repro.events import EVENT_SCHEMA

_ONLY_THE_KERNEL_SEES = (
    "connections of child processes",
    "connections that a C library makes by itself, other than libpq's",
)

_NOBODY_SEES = ("lookups of C libraries: only the names that are asked for", "connections over Unix sockets")


def with_visibility(
    document: RunDocument, probe: str, lines: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """A probe's trace with its `visibility` record at the head, which says the kernel's part too.

    Args:
        document: the run.
        probe: the probe's name.
        lines: its trace lines.
    """
    if lines and lines[0].get("op") == "visibility":
        head, *lines = lines
    else:
        head = {"kernel": "none"}
    kernel = head["kernel"] != "none"
    return [{**_record(document, probe, lines, kernel=kernel), **_of_the_kernel(head)}, *lines]


def _of_the_kernel(head: Mapping[str, Any]) -> dict[str, Any]:
    """What the line at the head says of the kernel's view."""
    return {name: value for name, value in head.items() if name.startswith("kernel")}


def _record(
    document: RunDocument, probe: str, lines: Sequence[Mapping[str, Any]], *, kernel: bool
) -> dict[str, Any]:
    seen_by = (name for line in lines for name in line.get("seen_by", ()))
    sources = sorted(
        {"hook", *(["kernel"] if kernel else []), *seen_by, *(str(line["src"]) for line in lines)}
    )
    return record(
        run_id=document["run_id"],
        probe=probe,
        sources=sources,
        cannot_see=[*(() if kernel else _ONLY_THE_KERNEL_SEES), *_NOBODY_SEES],
        wall_clock_origin=document["started_at"],
    )


def record(
    *, run_id: str, probe: str, sources: Sequence[str], cannot_see: Sequence[str], wall_clock_origin: str
) -> dict[str, Any]:
    """The first line of a trace.

    Args:
        run_id: the run's, or what stands for it.
        probe: whose trace it is.
        sources: which were active.
        cannot_see: what none of them sees, a few words each.
        wall_clock_origin: the wall clock at the moment that the lines' times are counted from.
    """
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
        "run_id": run_id,
        "probe": probe,
        "sources": list(sources),
        "cannot_see": list(cannot_see),
        "wall_clock_origin": wall_clock_origin,
    }
