"""Two runs held against each other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import islice

from repro.document import Outcome, RunDocument, Stage
from repro.report.difference import facts, partings
from repro.report.difference.facts import Rows
from repro.report.difference.meaning import Meaning
from repro.report.difference.model import MOST_EVENTS, Difference, Line, ProbeDifference, Row, Side

TIMES_LONGER = 3
MORE_MS = 100
"""What a stage must take longer, in both ways, to be told: times vary on any machine."""

MOST_NAMES = 12


NOT_ALIKE = (
    "one run wrote durably and the other did not: of the traces "
    "only lookups, attempts, handshakes, requests and logins are compared"
)


def compare(a: Side, b: Side, chosen: Callable[[str], bool] = lambda _: True) -> Difference:
    """What differs between two runs.

    Args:
        a: the first run.
        b: the second one.
        chosen: tells which probes are looked at, by their names.
    """
    meanings = Meaning(a.document), Meaning(b.document)
    rows = Rows(*meanings)
    names = _names(a, b, chosen)
    first, second = ({each["name"]: each for each in side.document["probes"]} for side in (a, b))
    probes = [
        _probe((a, first[name]), (b, second[name]), rows, meanings)
        for name in names
        if name in first and name in second
    ]
    return Difference(
        a=_named(a.document),
        b=_named(b.document),
        results=facts.results(a, b, rows, names),
        probes=sorted(probes, key=_least_telling),
        facts=facts.surroundings(a, b, rows, names),
        remarks=list(_remarks(a, b, [first[probe.name] for probe in probes if _tried(probe)])),
    )


def _names(a: Side, b: Side, chosen: Callable[[str], bool]) -> Collection[str]:
    found = (each["name"] for side in (a, b) for each in side.document["probes"])
    return list(dict.fromkeys(filter(chosen, found)))


def _named(document: RunDocument) -> str:
    return f"{document['run_id']}, {document['started_at']}"


def _least_telling(probe: ProbeDifference) -> tuple[bool, bool]:
    """Those with another result first, then those that part, then the others."""
    return _result(probe).same, probe.parting is None


def _result(probe: ProbeDifference) -> Row:
    return next(row for row in probe.rows if row.name == "result")


def _probe(
    a: tuple[Side, Outcome], b: tuple[Side, Outcome], rows: Rows, meanings: tuple[Meaning, Meaning]
) -> ProbeDifference:
    (side_a, one), (side_b, other) = a, b
    name = one["name"]
    parting = None
    remarks = list(_slower(one, other))
    if name in side_a.events and name in side_b.events:
        begins = _begin(side_a.events[name]), _begin(side_b.events[name])
        cut = len(begins[0]) == MOST_EVENTS, len(begins[1]) == MOST_EVENTS
        parting = partings.find(*begins, meanings, alike=_alike(side_a, side_b), cut=cut)
        if parting is None and any(cut):
            remarks.append(f"only the first {MOST_EVENTS:,} events of its traces are compared")
    told = rows.of(facts.of_probe(one), facts.of_probe(other))
    return ProbeDifference(name, told, parting, remarks)


def _begin(lines: Iterable[Line]) -> list[Line]:
    return list(islice(lines, MOST_EVENTS))


def _tried(probe: ProbeDifference) -> bool:
    """Whether both runs have tried a probe."""
    result = _result(probe)
    return "skip" not in {result.a, result.b}


def _alike(a: Side, b: Side) -> bool:
    return a.document["transaction"]["effect"] == b.document["transaction"]["effect"]


def _remarks(a: Side, b: Side, both: Sequence[Outcome]) -> Iterator[str]:
    """What both runs cannot be compared in."""
    if not _alike(a, b):
        yield NOT_ALIKE
    for letter, side in (("A", a), ("B", b)):
        missing = [each["name"] for each in both if each["name"] not in side.events]
        if missing:
            more = f" and {len(missing) - MOST_NAMES} more" if len(missing) > MOST_NAMES else ""
            yield f"of {letter} no trace is here of {', '.join(missing[:MOST_NAMES])}{more}"


def _slower(a: Outcome, b: Outcome) -> Iterator[str]:
    """The stages that took much longer in one of the runs."""
    lasted_a, lasted_b = (
        {each["name"]: _lasted_ms(each) for each in run["stages"] if each["status"] in {"pass", "fail"}}
        for run in (a, b)
    )
    for name in lasted_a:
        if name in lasted_b:
            short, long = sorted((lasted_a[name], lasted_b[name]))
            if long >= TIMES_LONGER * short and long - short > MORE_MS:
                yield f"{name} took {lasted_a[name]:,.0f} ms in A and {lasted_b[name]:,.0f} ms in B"


def _lasted_ms(stage: Stage) -> float:
    return max(0.0, stage["t"] - stage["t0"]) * 1000
