"""Workflow commands of GitHub's runner, which shows them beside the run and in the pull request.

Their form and what must be escaped: https://docs.github.com/actions/reference/workflow-commands-for-github-actions.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Literal

from repro.document import FAILING, Finding, RunDocument
from repro.report import proof
from repro.report.escape import one_line, shortened

Level = Literal["error", "warning", "notice"]

MOST = 10
"""Errors of one step that GitHub shows."""

MOST_OF_A_LINE = 600
MOST_OF_A_TITLE = 200


def command(level: Level, title: str, text: str) -> str:
    """One annotation.

    Args:
        level: how grave it is.
        title: its heading.
        text: one line, or several.
    """
    return f"::{level} title={_property(title)}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def render(document: RunDocument, *, skipped: bool = False) -> list[str]:
    """An error for each finding, the best supported first; a warning where nothing could be told.

    Args:
        document: the run.
        skipped: add a notice for each probe that was skipped, with its reason.
    """
    told = [_finding(each) for each in document["findings"]]
    told += _without_finding(document)
    if len(told) > MOST:
        left_out = len(told) - MOST + 1
        told = [*told[: MOST - 1], command("error", "repro", f"{left_out} more findings are in the report")]
    if document["verdict"] == "inconclusive" and not told:
        told = [command("warning", "repro", "no probe came to its end: nothing was tested")]
    return [*told, *(_skipped(document) if skipped else [])]


def _skipped(document: RunDocument) -> list[str]:
    """The first of them; GitHub shows as many notices as errors."""
    found = (each for each in document["probes"] if each["status"] == "skip")
    lines = (
        command("notice", f"{_short(each['name'])} was skipped", _lines([each["reason"] or ""]))
        for each in found
    )
    return list(islice(lines, MOST))


def _short(text: str) -> str:
    return shortened(one_line(text), MOST_OF_A_TITLE)


def _finding(finding: Finding) -> str:
    cause = f"{finding['cause']}, {proof.word(finding)}" if finding["cause"] else "cause not determined"
    lines = [f"{', '.join(finding['probes'])} ({cause})"]
    if finding["experiment"] is not None:
        lines.append(f"proof: {proof.sentence(finding)}")
    lines += [f"fix: {fix}" for fix in finding["fix"][:1]]
    return command("error", _short(finding["title"]), _lines(lines))


def _without_finding(document: RunDocument) -> Iterator[str]:
    explained = {name for finding in document["findings"] for name in finding["probes"]}
    for outcome in document["probes"]:
        error = outcome["error"]
        if outcome["status"] in FAILING and outcome["name"] not in explained:
            how = outcome["status"] if error is None else f"{error['failure']} at {error['operation']}"
            yield command("error", _short(outcome["name"]), _lines([how]))


def _lines(lines: list[str]) -> str:
    return "\n".join(shortened(one_line(line), MOST_OF_A_LINE) for line in lines)
