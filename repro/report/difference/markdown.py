"""What differs between two runs, as Markdown for an issue or a step's summary."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from repro.report.difference.model import Difference, Parting, ProbeDifference, Row, Section, Stretch
from repro.report.difference.words import where
from repro.report.escape import cell, code, fence, prose, shortened

LIMIT = 60_000
"""Characters; GitHub refuses a comment of more than 65,536."""

_MOST_OF_A_VALUE = 300


def render(difference: Difference, *, everything: bool = False) -> str:
    """The Markdown, of fewer than 60,000 characters; what does not fit is counted.

    Args:
        difference: of two runs.
        everything: show what is the same too.
    """
    parts = [f"- A: {code(difference.a)}\n- B: {code(difference.b)}"]
    if difference.same:
        parts.append("The runs do not differ.")
    parts += [prose(remark) for remark in difference.remarks]
    parts += _parts(difference, everything=everything)
    kept: list[str] = []
    room = LIMIT - 100
    for part in parts:
        if len(part) + 2 > room:
            break
        kept.append(part)
        room -= len(part) + 2
    if len(kept) < len(parts):
        kept.append(f"{len(parts) - len(kept)} more parts did not fit; `--format text` has them.")
    return "\n\n".join(kept) + "\n"


def _parts(difference: Difference, *, everything: bool) -> Iterator[str]:
    for section in difference.results:
        yield from _section(section, everything=everything)
    for probe in difference.probes:
        if everything or not probe.same or probe.remarks:
            yield "\n\n".join(_probe(probe, everything=everything))
    for section in difference.facts:
        yield from _section(section, everything=everything)


def _section(section: Section, *, everything: bool) -> Iterator[str]:
    rows = section.rows if everything else section.differing
    if rows:
        yield f"### {section.title[:1].upper()}{section.title[1:]}\n\n{_table(rows)}"


def _table(rows: Sequence[Row]) -> str:
    told = (f"| {cell(row.name)} | {_value(row.a)} | {_value(row.b)} |" for row in rows)
    return "\n".join(["| | A | B |", "|---|---|---|", *told])


def _value(text: str) -> str:
    return cell(shortened(text, _MOST_OF_A_VALUE)) or "nothing"


def _probe(probe: ProbeDifference, *, everything: bool) -> Iterator[str]:
    yield f"### {code(probe.name)}"
    if probe.parting is not None:
        yield f"{prose(where(probe.parting))}\n\n{_parting(probe.parting)}"
    rows = [row for row in probe.rows if everything or not row.same]
    if rows:
        yield _table(rows)
    if probe.remarks:
        yield "\n".join(f"- {prose(remark)}" for remark in probe.remarks)


def _parting(parting: Parting) -> str:
    """In the manner of a unified diff, which GitHub colours."""
    lines = [f"  {event}" for event in parting.before]
    lines += [f"- A: {event}" for event in _events(parting.a)]
    lines += [f"+ B: {event}" for event in _events(parting.b)]
    return fence("\n".join(lines), "diff")


def _events(stretch: Stretch) -> Sequence[str]:
    return stretch.events or ["nothing more"]
