"""What differs between two runs, as lines for a terminal or a pipe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Literal

from repro.report.difference.model import Difference, Parting, ProbeDifference, Row, Section, Stretch
from repro.report.difference.words import where
from repro.trace.formats.printable import printable, shortened

Style = Literal["plain", "head", "dim", "a", "b"]

Styled = tuple[str, Style]
"""A line, and how it is to look."""

BESIDE = 120
"""Columns from which on both runs stand beside each other."""

_MOST_OF_A_VALUE = 400
_NAME = 26
_MARK = len(" ... ")
"""Columns of the mark of a cut, which `shortened` adds."""


def render(difference: Difference, *, width: int | None, everything: bool = False) -> Iterator[Styled]:
    """The lines, without their ends; none of them can drive a terminal.

    Args:
        difference: of two runs.
        width: columns of the terminal; None for a pipe, where both runs stand below each other.
        everything: show what is the same too.
    """
    yield f"A  {printable(difference.a)}", "a"
    yield f"B  {printable(difference.b)}", "b"
    for remark in difference.remarks:
        yield f"   {printable(remark)}", "dim"
    if difference.same:
        yield "", "plain"
        yield "The runs do not differ.", "head"
    for section in difference.results:
        yield from _section(section, width, everything=everything)
    for probe in difference.probes:
        if everything or not probe.same or probe.remarks:
            yield from _probe(probe, width, everything=everything)
    for section in difference.facts:
        yield from _section(section, width, everything=everything)


def _section(section: Section, width: int | None, *, everything: bool) -> Iterator[Styled]:
    rows = section.rows if everything else section.differing
    if rows:
        yield "", "plain"
        yield section.title, "head"
        yield from _rows(rows, width)


def _probe(probe: ProbeDifference, width: int | None, *, everything: bool) -> Iterator[Styled]:
    yield "", "plain"
    yield printable(probe.name), "head"
    if probe.parting is not None:
        yield from _parting(probe.parting, width)
    yield from _rows([row for row in probe.rows if everything or not row.same], width)
    yield from ((f"  {printable(remark)}", "dim") for remark in probe.remarks)


def _rows(rows: Sequence[Row], width: int | None) -> Iterator[Styled]:
    """Names and values in columns where they fit into a line, else below each other."""
    for row in rows:
        name = printable(row.name)
        a, b = (shortened(printable(each), _MOST_OF_A_VALUE) or "nothing" for each in (row.a, row.b))
        if row.a == row.b:
            yield f"  {name:<{_NAME}}  {a}", "dim"
            continue
        style: Style = "dim" if row.same else "plain"
        line = f"  {name:<{_NAME}}  {a}  |  {b}"
        if len(line) <= (width or BESIDE):
            yield line, style
        else:
            yield f"  {name}", style
            yield f"    A  {a}", "dim" if row.same else "a"
            yield f"    B  {b}", "dim" if row.same else "b"


def _parting(parting: Parting, width: int | None) -> Iterator[Styled]:
    yield f"  {where(parting)}", "plain"
    for event in parting.before:
        yield f"      {event}", "dim"
    if width is not None and width >= BESIDE:
        yield from _beside(parting.a, parting.b, (width - 9) // 2)
    else:
        yield from ((f"    A {event}", "a") for event in _events(parting.a))
        yield from ((f"    B {event}", "b") for event in _events(parting.b))


def _beside(a: Stretch, b: Stretch, room: int) -> Iterator[Styled]:
    for one, other in zip_longest(_events(a), _events(b), fillvalue=""):
        left, right = (shortened(each, room - _MARK) for each in (one, other))
        yield f"    {left:<{room}} | {right}".rstrip(), "plain"


def _events(stretch: Stretch) -> Sequence[str]:
    return stretch.events or ["nothing more"]
