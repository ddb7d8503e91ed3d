"""The report of a run, for a maintainer who has one minute.

What it says is facts, output and commands. The summary sentence is left to the person who files it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from repro.diagnose import patience
from repro.document import FAILING, Counts, Finding, Outcome, RunDocument
from repro.report import facts, failure, matrix, network, proof, reproduction, template
from repro.report.counting import counted, more_in_run, times
from repro.report.escape import (
    brief,
    cell,
    prose,
    short_cell,
    short_code,
    short_prose,
)
from repro.report.failure import Room
from repro.report.fitting import fitted
from repro.reproduce.record import Reproduction

Events = Mapping[str, Sequence[Mapping[str, Any]]]

MOST_FINDINGS = 20

ABOUT = (
    "txrepro runs one and the same production transaction through each driver, and one and the same push "
    "through each transport, records what each did on the network, and checks that the transaction was one."
)


def render(
    document: RunDocument,
    events_by_probe: Events,
    template_text: str,
    reproductions: Sequence[Reproduction] = (),
) -> str:
    """The report of a run as Markdown, of fewer than 60,000 characters.

    Failing probes are shown whole, passing ones in a line. What does not fit loses its middle: a fifth of the
    room is for the head and the rest for the end.

    Args:
        document: the run.
        events_by_probe: the trace lines of each probe, by its name; a probe may be missing.
        template_text: Markdown with slots, such as `repro.resources.issue_template`.
        reproductions: of failing probes, as they stand beside the run.
    """

    def in_room(room: Room) -> str:
        contents = _contents(document, events_by_probe, room)
        alone = reproduction.render(reproductions, room)
        contents["commands"] = "\n\n".join(filter(None, (contents["commands"], alone)))
        return template.fill(template_text, contents)

    return fitted(in_room)


def overview(document: RunDocument, events_by_probe: Events, room: Room) -> tuple[str, str]:
    """A run without its failures in full: what was found, and the matrix.

    Args:
        document: the run.
        events_by_probe: the trace lines of each probe, by its name; a probe may be missing.
        room: how much to show.
    """
    return _result(document, events_by_probe, room), _matrix(document, room)


def _contents(document: RunDocument, events: Events, room: Room) -> dict[str, str]:
    """Markdown for each slot of the template."""
    return {
        "form": "",
        "summary": template.SUMMARY,
        "result": _result(document, events, room),
        "matrix": _matrix(document, room),
        "failures": "\n\n".join(_failures(document, events, room)),
        "commands": facts.commands(document),
        "target": facts.target(document, room),
        "environment": facts.environment(document, room),
        "transaction": facts.transaction(document, room),
    }


def _result(document: RunDocument, events: Events, room: Room) -> str:
    """The run at a glance: the counts, then one line for each way in which probes failed."""
    counts = matrix.tally(document["probes"])
    probes = document["probes"]
    where = "the lab" if document["target"].get("kind") == "lab" else "one target"
    many = counted(len(probes), "probe")
    glance = f"**{counts}** of {many} on {where}, {document['started_at'][:10]}."
    return "\n\n".join([f"{glance} {ABOUT}", *_findings(document, events, room)])


def _matrix(document: RunDocument, room: Room) -> str:
    probes = document["probes"]
    parts = [matrix.render(probes[: room.rows]), f"{matrix.LEGEND}."]
    if len(probes) > room.rows:
        parts.append(more_in_run(len(probes) - room.rows, "probe"))
    return "\n\n".join([*parts, *_skipped(probes, room)])


def _skipped(outcomes: Sequence[Outcome], room: Room) -> Iterator[str]:
    """The skipped probes by their reasons."""
    by_reason: dict[str, list[str]] = {}
    for each in outcomes:
        if each["status"] == "skip":
            by_reason.setdefault(brief(each["reason"] or "", room.note), []).append(each["name"])
    lines = [f"- skipped {_some(names, room)}: {prose(reason)}" for reason, names in by_reason.items()]
    if len(lines) > room.rows:
        lines[room.rows :] = [f"- {more_in_run(len(lines) - room.rows, 'reason')}"]
    if lines:
        yield "\n".join(lines)


def _failures(document: RunDocument, events: Events, room: Room) -> Iterator[str]:
    failing = [each for each in document["probes"] if each["status"] in FAILING]
    if not failing:
        yield (
            "Nothing."
            if any(each["status"] == "pass" for each in document["probes"])
            else "Nothing was tested."
        )
        return
    drawn = {finding["probes"][0] for finding in document["findings"] if finding["probes"]}
    for outcome in failing[: room.probes]:
        if outcome["error"] is not None:
            name = outcome["name"]
            contrast = _contrast(outcome, document["probes"], events, room)
            lines = events.get(name, ())
            yield failure.render(outcome, outcome["error"], lines, contrast, room, is_drawn=name in drawn)
    left_out = len(failing) - room.probes
    if left_out > 0:
        yield more_in_run(left_out, "failing probe")


def _contrast(failing: Outcome, outcomes: Sequence[Outcome], events: Events, room: Room) -> str:
    """What the passing probes of the same kind reached, with their names."""
    reached = network.passing_addresses(failing, outcomes, events)
    return ", ".join(
        f"{short_cell(address)} ({_some(names, room)})" for address, names in list(reached.items())[:4]
    )


def _some(names: Sequence[str], room: Room) -> str:
    return ", ".join(map(cell, names[: room.names])) + (" …" if len(names) > room.names else "")


def _findings(document: RunDocument, events: Events, room: Room) -> Iterator[str]:
    findings = document["findings"]
    shown = findings[: max(3, min(MOST_FINDINGS, room.probes))]
    if shown:
        items = (_finding(finding, document, events, room) for finding in shown)
        yield "\n".join(f"{number}. {item}" for number, item in enumerate(items, start=1))
    if len(findings) > len(shown):
        yield more_in_run(len(findings) - len(shown), "finding")


def _finding(finding: Finding, document: RunDocument, events: Events, room: Room) -> str:
    """One finding as an item of a list. Undiagnosed, it says what was seen and no more."""
    head = f"{_some(finding['probes'], room)}: **{short_prose(finding['title'], room.note)}**"
    if finding["cause"] is None:
        first = f"{head}{_parting(finding, document, events)} (cause not determined)"
        return "\n   ".join([first, *_ruled_out(finding, room), *_patience(finding, document, room)])
    lines = [
        f"{head} (cause {short_code(finding['cause'])}, {proof.word(finding)})",
        short_prose(finding["summary"], 5 * room.note // 2),
    ]
    return "\n   ".join([*filter(None, lines), *_proof(finding, room), *_patience(finding, document, room)])


def _parting(finding: Finding, document: RunDocument, events: Events) -> str:
    """Where the probes of a finding dialled, against where the passing ones did."""
    members = [each for each in document["probes"] if each["name"] in finding["probes"]]
    addresses = [each["error"]["address"] for each in members if each["error"] is not None]
    told = list(dict.fromkeys(address for address in addresses if address is not None))
    if not told:
        return ""
    own = f" at {_addresses(told)}"
    reached = list(network.passing_addresses(members[0], document["probes"], events))
    return f"{own}; passing probes reached {_addresses(reached)}" if reached else own


def _addresses(addresses: Sequence[str]) -> str:
    return ", ".join(short_code(each) for each in addresses[:4])


def _failed(counts: Counts) -> str:
    return f"failed {times(counts['failed'], counts['runs'])}"


def _proof(finding: Finding, room: Room) -> Iterator[str]:
    if (experiment := finding["experiment"]) is not None:
        before, after = map(_failed, (experiment["baseline"], experiment["changed"]))
        change = short_prose(experiment["change"], room.note)
        command = short_code(experiment["command"], room.note)
        yield f"- experiment: {change}: {before} before, {after} with it; {command}"
    yield from _ruled_out(finding, room)
    for fix in finding["fix"][: room.links]:
        yield f"- fix: {short_prose(fix, room.note)}"
    for link in finding["links"][: room.links]:
        yield f"- see {short_code(link, room.note)}"


def _patience(finding: Finding, document: RunDocument, room: Room) -> Iterator[str]:
    """How long the drivers wait by themselves where the probes ran into a timeout."""
    members = [each for each in document["probes"] if each["name"] in finding["probes"]]
    for each in patience.beside(members)[: room.links]:
        yield f"- {short_prose(each['text'], room.note)}"


def _ruled_out(finding: Finding, room: Room) -> Iterator[str]:
    for other in finding["ruled_out"][: min(8, room.links)]:
        cause = short_code(other["cause"])
        yield f"- ruled out {cause}: {short_prose(other['because'], room.note)}"
