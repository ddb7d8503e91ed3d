"""A decision record: which driver to take, with the evidence of a run, for the person who decides.

The form is the field's usual one (Nygard, "Documenting Architecture Decisions", 2011): status, context,
decision, consequences. What the run cannot know is left to the person, at marks that
`repro report --check` finds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from repro.diagnose.undiagnosed import in_words, is_push
from repro.document import FAILING, Finding, Outcome, RunDocument
from repro.report import facts, matrix, proof
from repro.report.deciding import candidates, flow
from repro.report.deciding.candidates import Fix
from repro.report.escape import (
    MOST_OF_A_NOTE,
    cell,
    code,
    fence,
    prose,
    short_cell,
    short_code,
    short_prose,
    shortened,
)

Events = Mapping[str, Sequence[Mapping[str, Any]]]

ASKED = {"context": "What has to be decided", "choice": "Why this one", "consequences": "What else follows"}
"""The headings below which the person writes."""

SIGNED = "<!-- written by repro decide, and not edited since: "
"""How the last line of a record begins, which its digest ends."""

MARK = "<!-- txrepro:{name} {hint} -->"

_FILES = "`run.json`, `report.md`, `report.html`, and the traces in `trace/`"

MOST_OPTIONS = 40
MOST_EVIDENCE = 3
MOST_VERSIONS = 20

_OF_A_DATABASE = {
    "http": "every transaction is one request, one round trip: nothing can be read inside it before COMMIT",
    "websocket": "a gateway for WebSockets stands between the application and the database",
    "tcp": "it opens connections to the database itself, or to a pooler in front of it",
}
_OF_A_QUEUE = {
    "http": "every push is a request with a token to the REST endpoint, and no connection is kept",
    "tcp": "it opens connections to the queue itself",
}
"""What a transport means for the application."""


def render(document: RunDocument, events: Events, *, picture: str, chosen: str | None = None) -> str:
    """The record as Markdown.

    Args:
        document: the run.
        events: the trace lines of each probe, by its name.
        picture: the file of the flow as SVG, beside the record.
        chosen: the probe whose driver is taken, or the name of a fix, of `candidates.names`;
            None for the proposal of the evidence.
    """
    return "\n\n".join(part for part in _parts(document, events, picture, chosen) if part) + "\n"


def _parts(document: RunDocument, events: Events, picture: str, chosen: str | None) -> Iterator[str]:
    yield "# Which driver runs the transaction"
    date, run = document["started_at"][:10], code(document["run_id"])
    yield f"- Status: proposed\n- Date: {date}\n- Evidence: run {run}: {_FILES} in its folder"
    yield "## Context"
    yield _context(document)
    yield from _asked("context", "What has to be decided, and for which application, in your own words.")
    yield "## Evidence"
    yield matrix.render(document["probes"][: 4 * MOST_OPTIONS])
    yield f"{matrix.LEGEND}."
    yield _findings(document)
    if candidates.tried(document):
        yield fence(flow.mermaid(flow.ways(document, events)), "mermaid")
        yield f"The same as a picture: [{picture}]({picture})."
    yield "## Options"
    yield _options(document)
    yield _versions(document)
    yield _open(document)
    yield _fixes(document)
    yield "## Choice"
    yield from _choice(document, chosen)
    yield "## Consequences"
    yield _consequences(document, chosen)
    yield from _asked(
        "consequences", "What else follows for the application: pools, timeouts, where it runs."
    )
    yield "## To repeat it"
    yield facts.commands(document)


def _asked(name: str, hint: str) -> Iterator[str]:
    """A place for the person, under a heading of its own: empty, it is seen without its mark too."""
    yield f"### {ASKED[name]}"
    yield MARK.format(name=name, hint=hint)


def _context(document: RunDocument) -> str:
    where = "the lab's own servers" if document["target"].get("kind") == "lab" else "one target"
    counts = matrix.tally(document["probes"])
    return (
        f"The same production transaction was run through each driver on {where}, and the same push through"
        f" each transport: **{counts}**. What each did on the network was recorded, and whether its"
        " transaction was one."
    )


def _findings(document: RunDocument) -> str:
    if not document["findings"]:
        return (
            "No finding: all that was tested agrees." if candidates.tried(document) else "Nothing was tested."
        )
    return "\n".join(f"- {_finding(each)}" for each in document["findings"][:MOST_OPTIONS])


def _finding(finding: Finding) -> str:
    who = ", ".join(short_code(each) for each in finding["probes"][:12])
    cause = (
        f"cause {short_code(finding['cause'])}, {proof.word(finding)}"
        if finding["cause"]
        else "cause not determined"
    )
    told = f"{short_prose(finding['title'])} ({who}; {cause}){_proof(finding)}"
    return "\n".join([told, *_evidence(finding)])


def _proof(finding: Finding) -> str:
    told = proof.sentence(finding)
    return told and f": {short_prose(told)}"


def _evidence(finding: Finding) -> Iterator[str]:
    for each in finding["evidence"][:MOST_EVIDENCE]:
        file = short_code(f"trace/{each['probe']}.jsonl")
        text = code(shortened(each["text"], MOST_OF_A_NOTE))
        event = "" if each["seq"] is None else f", event {each['seq']}"
        yield f"  - {file}{event}{f': {text}' if text else ''}"


def _options(document: RunDocument) -> str:
    """Each driver that was tried, with what the run says of it."""
    titles = [
        "option",
        "driver",
        "transport",
        "needs",
        "outcome",
        "one transaction",
        "to BEGIN",
        "whole probe",
    ]
    head = [f"| {' | '.join(titles)} |", "|---|---|---|---|---|---|--:|--:|"]
    tried = candidates.tried(document)
    rows = [_option(each) for each in tried[:MOST_OPTIONS]]
    more = [f"{len(tried) - MOST_OPTIONS} more are in `run.json`."] if len(tried) > MOST_OPTIONS else []
    return "\n\n".join(["\n".join([*head, *rows]), _TIMES, *more]) if rows else "None: nothing was tested."


_TIMES = (
    "*To BEGIN* is from the first connect attempt to the answer to BEGIN: what a first transaction waits for,"
    " without lookups. *Whole probe* includes the checks. One run's times are no benchmark."
)


def _option(outcome: Outcome) -> str:
    driver = " ".join(filter(None, (outcome["driver"]["name"], outcome["driver"]["version"])))
    to_begin = candidates.ms_to_begin(outcome)
    told = [
        short_cell(outcome["name"]),
        short_cell(driver),
        cell(outcome["transport"] or ""),
        candidates.needs(outcome),
        _outcome(outcome),
        outcome["atomicity"]["status"].replace("_", " "),
        "" if to_begin is None else f"{to_begin:,.0f} ms",
        f"{outcome['duration_ms']:,.0f} ms",
    ]
    return f"| {' | '.join(told)} |"


def _versions(document: RunDocument) -> str:
    """Which versions the options are made of, those with the same ones together."""
    by_versions: dict[str, list[str]] = {}
    for each in candidates.tried(document)[:MOST_OPTIONS]:
        found = [f"{name} {version}" for name, version in each.get("versions", {}).items()][:MOST_VERSIONS]
        told = ", ".join(short_code(version) for version in found)
        if told:
            by_versions.setdefault(told, []).append(_name(each))
    lines = [f"- {', '.join(who)}: {versions}" for versions, who in by_versions.items()]
    return "\n".join(["Versions beside those of the drivers:", "", *lines]) if lines else ""


def _open(document: RunDocument) -> str:
    """What was not checked, those with the same gap together."""
    by_gap: dict[str, list[str]] = {}
    for each in candidates.tried(document)[:MOST_OPTIONS]:
        for gap in candidates.unchecked(each):
            by_gap.setdefault(short_prose(gap), []).append(_name(each))
    lines = [f"- {gap}: {', '.join(who)}" for gap, who in by_gap.items()]
    return "\n".join(["Not checked on this run:", "", *lines]) if lines else ""


def _outcome(outcome: Outcome) -> str:
    error = outcome["error"]
    if error is None:
        return matrix.RESULTS[outcome["status"]]
    how = prose(in_words(error["failure"]))
    return f"{matrix.RESULTS[outcome['status']]} at {cell(error['operation'])}: {how}"


def _fixes(document: RunDocument) -> str:
    fixes = [
        f"- {code(fix.name)}: {short_prose(fix.text)} (against {_cause(fix)})"
        for fix in candidates.fixes(document)
    ]
    return "\n".join(["What would mend the options that failed:", "", *fixes]) if fixes else ""


def _cause(fix: Fix) -> str:
    return short_code(fix.finding["cause"] or "")


def _choice(document: RunDocument, chosen: str | None) -> Iterator[str]:
    fix = next((each for each in candidates.fixes(document) if each.name == chosen), None)
    if fix is not None:
        yield f"{code(fix.name)}, as it was asked for: {short_prose(fix.text)}"
        yield _verdict_on_fix(fix)
    elif chosen is not None:
        yield f"{code(chosen)}, as it was asked for. {_verdict_on(_outcome_of(document, chosen))}"
    else:
        yield "\n".join(_proposed(document, pushes) for pushes in (False, True) if _of_kind(document, pushes))
    yield from _asked("choice", "Why this one, in your own words; or another, and what speaks for it.")


def _verdict_on_fix(fix: Fix) -> str:
    proved = _proof(fix.finding)
    if not proved:
        return f"It is against {_cause(fix)}, which no experiment of this run has proved."
    return (
        f"It is against {_cause(fix)}, {proof.word(fix.finding)}{proved}."
        " Whether that is this very fix, the run does not say: try it, and run it again."
    )


def _outcome_of(document: RunDocument, name: str) -> Outcome:
    return next(each for each in document["probes"] if each["name"] == name)


def _of_kind(document: RunDocument, pushes: bool) -> list[Outcome]:  # noqa: FBT001 - which of two kinds
    return [each for each in candidates.tried(document) if is_push(each) == pushes]


def _proposed(document: RunDocument, pushes: bool) -> str:  # noqa: FBT001 - which of two kinds
    what = "the queue" if pushes else "the database"
    fit = candidates.proposal(document, pushes=pushes)
    if not fit:
        return f"- For {what}: none. No driver passed with all that was checked."
    first, *others = fit
    held = "" if pushes else ", with its transaction in one piece"
    gaps = [short_prose(gap) for gap in candidates.unchecked(first)]
    told = [f"- For {what}: {_name(first)}. It passed{held}."]
    if others:
        names = ", ".join(map(_name, others[:12]))
        told.append(
            f"So did {names}; it was the quickest (a database to BEGIN) of those of which least is open."
        )
    if gaps:
        told.append(f"Not checked: {'; '.join(gaps)}.")
    return " ".join(told)


def _verdict_on(outcome: Outcome) -> str:
    if _is_left_open(outcome):
        return f"**The run leaves it open:** it {_outcome(outcome)}; {_LOST} Run it again."
    if outcome["status"] in FAILING:
        return f"**The run speaks against it:** it {_outcome(outcome)}."
    if outcome["status"] == "skip":
        return "The run says nothing of it: it was skipped."
    if outcome["name"] == candidates.CONTROL:
        return "It passed; it is the control of the comparison, and no driver that an application could take."
    if not candidates.is_fit(outcome):
        atomic = outcome["atomicity"]["status"].replace("_", " ")
        return f"It passed; whether its transaction is one: {atomic}."
    return "It passed, with all that was checked."


def _consequences(document: RunDocument, chosen: str | None) -> str:
    """What the evidence says of what is taken, and of the others."""
    lines = [line for outcome in _taken(document, chosen) for line in _of_taken(outcome)]
    tried = candidates.tried(document)
    failed = [each for each in tried if each["status"] in FAILING]
    against = [each for each in failed if not _is_left_open(each)]
    lines += [f"- {_not_to_be_taken(each)}" for each in against[:MOST_OPTIONS]]
    lines += _left_open([each for each in failed if _is_left_open(each)])
    doubts = [each for each in tried if each["applied"] == "unknown" and each["status"] not in FAILING]
    lines += [
        f"- {_name(each)}: whether its transaction was applied is not known, so that code which takes it"
        " has to be safe to repeat."
        for each in doubts[:MOST_OPTIONS]
    ]
    return "\n".join(lines) or "- Nothing that was tested speaks against any of the options."


def _taken(document: RunDocument, chosen: str | None) -> list[Outcome]:
    """The probes that are taken; none where a fix is, since no probe of the run had it."""
    if chosen is not None:
        return [each for each in document["probes"] if each["name"] == chosen]
    both = (candidates.proposal(document, pushes=pushes) for pushes in (False, True))
    return [fit[0] for fit in both if fit]


def _of_taken(outcome: Outcome) -> Iterator[str]:
    means = _OF_A_QUEUE if is_push(outcome) else _OF_A_DATABASE
    if outcome["transport"] in means:
        yield f"- {_name(outcome)}: {means[outcome['transport']]}."
    for gap in candidates.unchecked(outcome):
        what = short_prose(gap)
        yield f"- {_name(outcome)}: {what} is to be checked before it is relied on."


def _not_to_be_taken(outcome: Outcome) -> str:
    name = _name(outcome)
    if outcome["atomicity"]["status"] == "broken":
        return (
            f"{name} must not be taken as it is: its transaction is not one, whether or not anything raises."
        )
    return f"{name} does not work on this target as it is: it {_outcome(outcome)}."


def _left_open(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """What of several drivers lost an answer, in one line: it is the same for all of them."""
    if outcomes:
        names = ", ".join(map(_name, outcomes[:MOST_OPTIONS]))
        whether = "it works" if len(outcomes) == 1 else "they work"
        yield (
            f"- {names}: whether {whether} on this target is left open. No answer says whether the"
            " transaction was applied, and an answer can be lost with any driver. Run it again, and make the"
            " code that takes one of them safe to repeat."
        )


_LOST = "no answer says whether its transaction was applied."


def _is_left_open(outcome: Outcome) -> bool:
    """Whether it failed after all was said, so that its transaction may have been applied."""
    is_torn = outcome["atomicity"]["status"] == "broken"
    return outcome["status"] in FAILING and outcome["applied"] == "unknown" and not is_torn


def _name(outcome: Outcome) -> str:
    return short_code(outcome["name"])
