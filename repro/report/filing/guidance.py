"""What the person who files must know: where, what was filed before, what is left to do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from repro.document import Finding, RunDocument
from repro.report import template
from repro.report.escape import one_line, shortened
from repro.report.filing import choice, known, links, subject, whose
from repro.report.filing.known import KnownIssue
from repro.report.filing.subject import Subject
from repro.report.filing.upstream import Upstream
from repro.reproduce.record import Reproduction

MOST_OF_A_LINE = 400

_MARK = re.compile(r"<!-- txrepro:fill (.*?) -->", re.DOTALL)


def lines(
    document: RunDocument,
    events: Mapping[str, Sequence[Mapping[str, Any]]],
    target: Upstream,
    body: str,
    reproductions: Sequence[Reproduction] = (),
) -> list[str]:
    """What to tell the person who files a report, line by line, the most important first.

    Args:
        document: the run.
        events: the trace lines of each probe, by its name.
        target: who is told.
        body: what `repro.report.filing.issue.render` made for it.
        reproductions: of the run, as they stand beside it.
    """
    told = subject.of(document, events, target, reproductions)
    if told.finding is None or not told.concerns:
        return [one_line(_misfit(told))]
    parts = (*_where(told, told.finding), *target.notes, *_program(told), *_left(body))
    return [one_line(each) for each in parts]


def for_finding(document: RunDocument, finding: Finding) -> list[str]:
    """Where a finding is to be filed, line by line: an upstream, a known thread, or nowhere.

    Args:
        document: the run.
        finding: of that run.
    """
    chosen = choice.chosen_for(document, finding)
    head = f"{shortened(one_line(finding['title']), MOST_OF_A_LINE)} ({_names(finding['probes'])})"
    if chosen.upstream is not None and _is_vulnerability(finding):
        return [f"{head}: may be a vulnerability; tell it in private: {chosen.upstream.security}"]
    threads = [f"  {each}" for each in known.matches(document, finding)]
    if chosen.upstream is None:
        return [f"{head}: nothing to file. {chosen.because}", *threads]
    return [f"{head}: {chosen.upstream.name}. {chosen.because}", *threads]


def _names(names: Sequence[str]) -> str:
    shown = [shortened(one_line(each), 80) for each in names[:8]]
    return ", ".join([*shown, *(["…"] if len(names) > len(shown) else [])])


def _misfit(told: Subject) -> str:
    """Why the report does not belong to the upstream, and to whose it does."""
    if told.finding is None:
        return "nothing failed in this run: there is nothing to file"
    chosen = choice.chosen_for(told.document, told.finding)
    other = f"Take --for {chosen.upstream.name}" if chosen.upstream is not None else chosen.because
    return f"nothing that failed in this run is of {told.upstream.name}: do not file this there. {other}"


def _where(told: Subject, finding: Finding) -> Iterator[str]:
    """Whose it is, the channel, and the link that is due: private, a known thread, a search and a new one."""
    target, chosen = told.upstream, choice.chosen_for(told.document, finding)
    if _is_vulnerability(finding):
        yield f"this may be a vulnerability, so no public thread; tell it in private: {target.security}"
        return
    if chosen.upstream is not None and chosen.upstream.name != target.name:
        yield f"the finding is rather that of {chosen.upstream.name}: take --for {chosen.upstream.name}"
    if target.channel == "none":
        yield f"do not file at {target.repository}: {target.reason}"
        yield f"take --for {target.instead}"
    if threads := _threads(told, finding):
        yield from map(str, threads)
        yield "add what is new to a thread that is there; no new one is wanted"
    elif target.channel == "none":
        return
    elif chosen.upstream is None:
        yield f"nothing to file. {chosen.because}"
        yield f"if you think otherwise, search: {links.search(told)}"
    elif told.lacks_package:
        yield f"{choice.unseen(told.document, target)}; then file it"
        yield f"search first: {links.search(told)}"
    else:
        yield f"channel: {target.channel} at {target.repository}: {target.reason}"
        yield f"search first: {links.search(told)}"
        yield f"then begin one, and paste the file: {links.new(told)}"


def _threads(told: Subject, finding: Finding) -> list[KnownIssue]:
    """The known threads of a finding, those of the upstream's own packages first."""
    own = set(map(str.casefold, told.upstream.packages))
    found = known.matches(told.document, finding)
    return sorted(found, key=lambda each: each.package.casefold() not in own)


def _is_vulnerability(finding: Finding) -> bool:
    belongs = whose.of(finding)
    return belongs is not None and belongs.vulnerability


def _program(told: Subject) -> Iterator[str]:
    """Whether there is a program, and of which driver."""
    if told.main is None or not choice.is_of(told.main, told.upstream):
        return  # a program of another driver is no part of the report
    name = told.main["name"]
    command = f"`repro minimise {told.document['run_id']} --probe {name}`"
    if told.reproduction is None:
        yield f"no program yet: {command} makes one and checks it"
    elif told.reproduction.probe != name:
        yield f"the program is of {told.reproduction.probe}: {command} makes one of {name}"


def _left(body: str) -> Iterator[str]:
    """What a person still has to fill in."""
    if template.SUMMARY in body:
        yield "to fill in: the sentence that says what is wrong, in your own words"
    yield from (f"to fill in: {each}" for each in dict.fromkeys(_MARK.findall(body)))
