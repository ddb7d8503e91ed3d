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
from repro.report import facts, flow, matrix
from repro.report.escape import cell, code, fence, prose, shortened
from repro.report.failure import MOST_OF_A_NAME, MOST_OF_A_NOTE

Events = Mapping[str, Sequence[Mapping[str, Any]]]

MARK = "<!-- txrepro:{name} {hint} -->"

MOST_OPTIONS = 40

_ROUND_TRIPS = {
    "http": "every transaction is one request: nothing can be read inside it before COMMIT",
    "websocket": "a gateway for WebSockets stands between the application and the database",
    "tcp": "connections to the database itself, or to a pooler in front of it",
}
"""What a transport of the database means for the application."""


def render(document: RunDocument, events: Events, *, picture: str, chosen: str | None = None) -> str:
    """The record as Markdown.

    Args:
        document: the run.
        events: the trace lines of each probe, by its name.
        picture: the file of the flow as SVG, beside the record.
        chosen: the probe whose driver is taken; None for the proposal of the evidence.
    """
    return "\n\n".join(part for part in _parts(document, events, picture, chosen) if part) + "\n"


def proposal(document: RunDocument, *, pushes: bool) -> list[Outcome]:
    """The drivers that the evidence speaks for, the quickest first: they passed, and nothing is open.

    For the database a driver must have held its transactions together; the control is no driver.

    Args:
        document: the run.
        pushes: of the queue; else of the database.
    """
    fit = [each for each in document["probes"] if is_push(each) == pushes and _is_fit(each)]
    return sorted(fit, key=lambda each: (each["duration_ms"], each["name"]))


def _is_fit(outcome: Outcome) -> bool:
    atomic = outcome["atomicity"]["status"] in {"held", "not_applicable"}
    return outcome["status"] == "pass" and atomic and outcome["name"] != "tcp.raw"


def _parts(document: RunDocument, events: Events, picture: str, chosen: str | None) -> Iterator[str]:
    yield "# Which driver runs the transaction"
    date, run = document["started_at"][:10], code(document["run_id"])
    yield f"- Status: proposed\n- Date: {date}\n- Evidence: run {run}"
    yield "## Context"
    yield _mark("context", "What has to be decided, and for which application, in your own words.")
    yield _context(document)
    yield "## Evidence"
    yield matrix.render(document["probes"][: 4 * MOST_OPTIONS])
    yield f"{matrix.LEGEND}."
    yield _findings(document)
    yield fence(flow.mermaid(flow.ways(document, events)), "mermaid") if _tried(document) else ""
    yield f"The same as a picture: [{picture}]({picture})." if _tried(document) else ""
    yield "## Options"
    yield _options(document)
    yield _fixes(document)
    yield "## Choice"
    yield from _choice(document, chosen)
    yield "## Consequences"
    yield _consequences(document, chosen)
    yield _mark("consequences", "What else follows for the application: pools, timeouts, where it runs.")
    yield "## To repeat it"
    yield facts.commands(document)


def _mark(name: str, hint: str) -> str:
    return MARK.format(name=name, hint=hint)


def _tried(document: RunDocument) -> list[Outcome]:
    return [each for each in document["probes"] if each["status"] != "skip"]


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
        return "No finding: all that was tested agrees." if _tried(document) else "Nothing was tested."
    return "\n".join(f"- {_finding(each)}" for each in document["findings"][:MOST_OPTIONS])


def _finding(finding: Finding) -> str:
    who = ", ".join(code(shortened(each, MOST_OF_A_NAME)) for each in finding["probes"][:12])
    cause = (
        f"cause {code(finding['cause'])}, {finding['proof']}" if finding["cause"] else "cause not determined"
    )
    told = f"{prose(shortened(finding['title'], MOST_OF_A_NOTE))} ({who}; {cause})"
    if (experiment := finding["experiment"]) is None:
        return told
    before, after = experiment["baseline"], experiment["changed"]
    return (
        f"{told}: unchanged it failed {before['failed']} of {before['runs']} times, and {after['failed']} of"
        f" {after['runs']} with {prose(shortened(experiment['change'], MOST_OF_A_NOTE))}"
    )


def _options(document: RunDocument) -> str:
    """Each driver that was tried, with what the run says of it."""
    head = ["| option | driver | transport | outcome | one transaction | time |", "|---|---|---|---|---|--:|"]
    tried = _tried(document)
    rows = [_option(each) for each in tried[:MOST_OPTIONS]]
    more = [f"{len(tried) - MOST_OPTIONS} more are in `run.json`."] if len(tried) > MOST_OPTIONS else []
    return "\n\n".join(["\n".join([*head, *rows]), *more]) if rows else "None: nothing was tested."


def _option(outcome: Outcome) -> str:
    driver = " ".join(filter(None, (outcome["driver"]["name"], outcome["driver"]["version"])))
    told = [
        cell(shortened(outcome["name"], MOST_OF_A_NAME)),
        cell(shortened(driver, MOST_OF_A_NAME)),
        cell(outcome["transport"] or ""),
        _outcome(outcome),
        outcome["atomicity"]["status"].replace("_", " "),
        f"{outcome['duration_ms']:,.0f} ms",
    ]
    return f"| {' | '.join(told)} |"


def _outcome(outcome: Outcome) -> str:
    error = outcome["error"]
    if error is None:
        return matrix.RESULTS[outcome["status"]]
    how = prose(in_words(error["failure"]))
    return f"{matrix.RESULTS[outcome['status']]} at {cell(error['operation'])}: {how}"


def _fixes(document: RunDocument) -> str:
    fixes = [
        f"- {prose(shortened(fix, MOST_OF_A_NOTE))} (against {code(finding['cause'])})"
        for finding in document["findings"]
        if finding["cause"] is not None
        for fix in finding["fix"]
    ]
    return "\n".join(["What would mend the options that failed:", "", *fixes[:MOST_OPTIONS]]) if fixes else ""


def _choice(document: RunDocument, chosen: str | None) -> Iterator[str]:
    if chosen is not None:
        yield f"{code(chosen)}, as it was asked for. {_verdict_on(document, chosen)}"
    else:
        yield "\n".join(_proposed(document, pushes) for pushes in (False, True) if _of_kind(document, pushes))
    yield _mark("choice", "Why this one, in your own words; or another, and what speaks for it.")


def _of_kind(document: RunDocument, pushes: bool) -> list[Outcome]:  # noqa: FBT001 - which of two kinds
    return [each for each in _tried(document) if is_push(each) == pushes]


def _proposed(document: RunDocument, pushes: bool) -> str:  # noqa: FBT001 - which of two kinds
    what = "the queue" if pushes else "the database"
    fit = proposal(document, pushes=pushes)
    if not fit:
        return f"- For {what}: none. No driver passed with all that was checked."
    names = ", ".join(map(_name, fit[:12]))
    held = "" if pushes else ", with its transaction in one piece"
    return (
        f"- For {what}: {_name(fit[0])}. It passed{held}, and was the quickest of those that did on this run:"
        f" {names}. One run's times are no benchmark."
    )


def _verdict_on(document: RunDocument, chosen: str) -> str:
    outcome = next(each for each in document["probes"] if each["name"] == chosen)
    if outcome["status"] in FAILING:
        return f"**The run speaks against it:** it {_outcome(outcome)}."
    if outcome["status"] == "skip":
        return "The run says nothing of it: it was skipped."
    if not _is_fit(outcome):
        atomic = outcome["atomicity"]["status"].replace("_", " ")
        return f"It passed; whether its transaction is one: {atomic}."
    return "It passed, with all that was checked."


def _consequences(document: RunDocument, chosen: str | None) -> str:
    """What the evidence says of the one that is taken, and of those that are not."""
    taken = chosen or next((each["name"] for each in proposal(document, pushes=False)), None)
    outcome = next((each for each in document["probes"] if each["name"] == taken), None)
    lines = []
    if outcome is not None and not is_push(outcome) and outcome["transport"] in _ROUND_TRIPS:
        lines.append(f"- {_name(outcome)}: {_ROUND_TRIPS[outcome['transport']]}.")
    lines += [f"- {_not_to_be_taken(each)}" for each in _tried(document) if each["status"] in FAILING][
        :MOST_OPTIONS
    ]
    doubts = [each for each in _tried(document) if each["applied"] == "unknown"]
    lines += [
        f"- {_name(each)}: whether its transaction was applied is not known, so that code which takes it"
        " has to be safe to repeat."
        for each in doubts[:MOST_OPTIONS]
    ]
    return "\n".join(lines) or "- Nothing that was tested speaks against any of the options."


def _not_to_be_taken(outcome: Outcome) -> str:
    name = _name(outcome)
    if outcome["atomicity"]["status"] == "broken":
        return (
            f"{name} must not be taken as it is: its transaction is not one, whether or not anything raises."
        )
    return f"{name} does not work on this target as it is: it {_outcome(outcome)}."


def _name(outcome: Outcome) -> str:
    return code(shortened(outcome["name"], MOST_OF_A_NAME))
