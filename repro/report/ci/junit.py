"""A run as JUnit's XML, which CI servers read: a test suite of a run, a test case of a probe.

The elements and attributes are those of the schema that Jenkins' xUnit plugin publishes (``junit-10.xsd``).
GitLab and the test reporters of GitHub read the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.etree import ElementTree as ET

from repro.document import FAILING, Finding, Outcome, RunDocument
from repro.report import proof
from repro.report.ci.xml import as_document, clean
from repro.report.escape import one_line, shortened
from repro.report.facts import environment_rows

MOST_OF_A_MESSAGE = 300
MOST_OF_A_BODY = 4_000
MOST_RULED_OUT = 8


def render(document: RunDocument) -> str:
    """The run as XML, its declaration included.

    A probe that failed is a failure, one that timed out or crashed an error, one that was skipped is skipped.

    Args:
        document: the run.
    """
    outcomes = document["probes"]
    suite = ET.Element(
        "testsuite",
        name="repro run",
        tests=str(len(outcomes)),
        failures=str(_count(outcomes, "fail")),
        errors=str(_count(outcomes, "timeout", "crash")),
        skipped=str(_count(outcomes, "skip")),
        time=_seconds(document["duration_s"]),
        timestamp=clean(document["started_at"])[: len("2026-01-31T23:59:59")],
        hostname="localhost",
    )
    properties = ET.SubElement(suite, "properties")
    for name, value in _properties(document):
        ET.SubElement(properties, "property", name=name, value=clean(value))
    for outcome in outcomes:
        suite.append(_case(outcome, document["findings"]))
    return as_document(suite)


def _count(outcomes: Sequence[Outcome], *statuses: str) -> int:
    return sum(each["status"] in statuses for each in outcomes)


def _seconds(duration_s: float) -> str:
    return f"{duration_s:.3f}"


def _properties(document: RunDocument) -> Iterator[tuple[str, str]]:
    yield "run", document["run_id"]
    yield "verdict", document["verdict"]
    yield "target", str(document["target"].get("kind"))
    for name, told in environment_rows(document):
        if told:
            yield clean(one_line(name)), shortened(one_line(", ".join(told)), MOST_OF_A_MESSAGE)
    for outcome in document["probes"]:
        driver = outcome["driver"]
        if driver["name"] is not None and driver["version"] is not None:
            yield f"driver of {clean(outcome['name'])}", f"{driver['name']} {driver['version']}"


def _case(outcome: Outcome, findings: Sequence[Finding]) -> ET.Element:
    case = ET.Element(
        "testcase",
        classname=f"repro.{clean(outcome['transport'] or 'unknown')}",
        name=clean(outcome["name"]),
        time=_seconds(outcome["duration_ms"] / 1000),
    )
    if outcome["status"] == "skip":
        ET.SubElement(case, "skipped", message=_short(outcome["reason"] or ""))
    elif outcome["status"] in FAILING:
        kind = "failure" if outcome["status"] == "fail" else "error"
        own = [each for each in findings if outcome["name"] in each["probes"]]
        problem = ET.SubElement(case, kind, message=_message(outcome, own), type=_type(outcome))
        problem.text = shortened("\n".join(map(clean, _body(outcome, own))), MOST_OF_A_BODY)
    return case


def _short(text: str) -> str:
    return clean(shortened(one_line(text), MOST_OF_A_MESSAGE))


def _type(outcome: Outcome) -> str:
    error = outcome["error"]
    return _short(outcome["status"] if error is None else error["failure"])


def _message(outcome: Outcome, findings: Sequence[Finding]) -> str:
    """The finding's title; for want of one what the probe itself said."""
    error = outcome["error"]
    told = findings[0]["title"] if findings else "" if error is None else error["message"]
    return _short(told or outcome["reason"] or outcome["status"])


def _body(outcome: Outcome, findings: Sequence[Finding]) -> Iterator[str]:
    error = outcome["error"]
    if error is not None:
        yield f"{error['failure']} at {error['operation']}"
        for depth, link in enumerate(error["chain"]):
            yield f"{'  ' * depth}{one_line(link['type'])}: {one_line(link['message'])}"
    for finding in findings:
        yield from _told(finding)


def _told(finding: Finding) -> Iterator[str]:
    """A finding's title, cause, proof, what it is not, and the fix."""
    yield ""
    yield one_line(finding["title"])
    yield f"cause: {finding['cause'] or 'not determined'} ({proof.word(finding)})"
    if finding["experiment"] is not None:
        yield f"proof: {one_line(proof.sentence(finding))}"
        yield f"command: {one_line(finding['experiment']['command'])}"
    for other in finding["ruled_out"][:MOST_RULED_OUT]:
        yield f"ruled out {one_line(other['cause'])}: {one_line(other['because'])}"
    yield from (f"fix: {one_line(fix)}" for fix in finding["fix"])
