"""A matrix as text, JSON, Markdown, JUnit and GitHub annotations, all from the same trials."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from xml.etree import ElementTree as ET

from repro.document.schema import validate_matrix
from repro.report.ci.github import command
from repro.report.ci.xml import as_document, clean
from repro.report.escape import cell, code, one_line
from repro.versions.marks import Marks
from repro.versions.trial import Trial, Verdict

SCHEMA = "txrepro/matrix/1"
_LONGEST = 300
_SIGNS = {"pass": "✓", "fail": "✗", "flaky": "~", "skip": "·"}
_ASCII = {"pass": "ok", "fail": "x", "flaky": "~", "skip": "-"}
_MARKDOWN = {"pass": "✓", "fail": "**✗**", "flaky": "**~**", "skip": "·"}


def as_text(trials: Sequence[Trial], marks: Marks, *, symbols: bool, columns: int | None = None) -> str:
    """A table for a terminal, and below it what failed and what was skipped.

    Args:
        trials: in the order of the rows.
        marks: what is noteworthy.
        symbols: whether the terminal can show more than ASCII.
        columns: of the terminal; where a row has more, the probes are the rows and the cells the columns,
            unless that is no narrower. None: as wide as it is.
    """
    probes = _probes(trials)
    signs = _SIGNS if symbols else _ASCII
    found = [[_sign(trial, probe, signs, marks) for probe in probes] for trial in trials]
    cells = [str(trial.cell) for trial in trials]
    rows = _aligned(["cell", *probes], [[cell, *row] for cell, row in zip(cells, found, strict=True)])
    if columns is not None and _widest(rows) > columns:
        turned = [[probe, *(row[at] for row in found)] for at, probe in enumerate(probes)]
        rows = min(rows, _aligned(["probe", *cells], turned), key=_widest)
    return "\n".join([*rows, *_below(trials, marks)]) + "\n"


def _aligned(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of text under their head, each column as wide as its widest text."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = ([f"{text:<{width}}" for text, width in zip(row, widths, strict=True)] for row in (head, *rows))
    return ["  ".join(line).rstrip() for line in lines]


def _widest(rows: Sequence[str]) -> int:
    return max(map(len, rows))


def _probes(trials: Sequence[Trial]) -> list[str]:
    return list(dict.fromkeys(probe for trial in trials for probe in trial.verdicts))


def _sign(trial: Trial, probe: str, signs: Mapping[str, str], marks: Marks) -> str:
    found = trial.verdicts.get(probe, Verdict("skip"))
    mark = marks.get((str(trial.cell), probe), "")
    return f"{signs[found.state]} {mark}".rstrip()


def _below(trials: Sequence[Trial], marks: Marks) -> Iterator[str]:
    for trial in trials:
        if trial.skipped:
            yield f"skipped  {trial.cell}: {_short(trial.skipped)}"
        for probe, found in trial.verdicts.items():
            if found.failure:
                mark = marks.get((str(trial.cell), probe), "")
                often = "" if found.state == "fail" else f", {found.failed} of {found.runs} times"
                yield f"{mark or found.state:<9}  {trial.cell}, {probe}: {found.failure}{often}"


def _short(text: str) -> str:
    line = one_line(text)
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def sentence(trials: Sequence[Trial], marks: Marks) -> str:
    """The counts in a sentence."""
    tried = sum(trial.is_tried for trial in trials)
    found = [verdict.state for trial in trials for verdict in trial.verdicts.values()]
    noted = [mark for mark in marks.values() if mark and mark != "new"]
    counts = ", ".join(f"{noted.count(mark)} {mark}" for mark in dict.fromkeys(noted))
    return (
        f"{tried} of {len(trials)} cells tried: {found.count('pass')} passed, {found.count('fail')} failed, "
        f"{found.count('flaky')} flaky{f'; {counts}' if counts else ''}"
    )


def as_json(trials: Sequence[Trial], marks: Marks) -> str:
    """The document of a matrix, valid against the published schema."""
    cells = [
        {
            "cell": str(trial.cell),
            "position": trial.position,
            "pins": [
                {"ecosystem": pin.ecosystem, "name": pin.name, "wanted": pin.wanted}
                for pin in trial.cell.pins
            ],
            "versions": dict(trial.versions),
            "skipped": trial.skipped,
            "probes": [_probe(trial, name, found, marks) for name, found in trial.verdicts.items()],
        }
        for trial in trials
    ]
    document = {"schema": SCHEMA, "cells": cells}
    validate_matrix(document)
    return json.dumps(document, indent=2) + "\n"


def _probe(trial: Trial, name: str, found: Verdict, marks: Marks) -> dict[str, object]:
    return {
        "name": name,
        "state": found.state,
        "failure": found.failure or None,
        "failed": found.failed,
        "runs": found.runs,
        "reason": _short(found.reason) or None,
        "mark": marks.get((str(trial.cell), name)) or None,
    }


def as_markdown(trials: Sequence[Trial], marks: Marks) -> str:
    """A table for an issue or a step's summary."""
    probes = _probes(trials)
    head = ["cell", "installed", *(cell(probe) for probe in probes)]
    lines = [
        f"### {sentence(trials, marks)}",
        "",
        f"| {' | '.join(head)} |",
        f"|{'---|' * len(head)}",
    ]
    for trial in trials:
        installed = ", ".join(f"{name} {version}" for name, version in trial.versions.items())
        cells = [_sign(trial, probe, _MARKDOWN, marks) for probe in probes]
        told = [cell(str(trial.cell)), cell(installed), *cells]
        lines.append(f"| {' | '.join(told)} |")
    below = [f"- {code(line)}" for line in _below(trials, marks)]
    return "\n".join([*lines, "", *below, ""] if below else [*lines, ""])


def as_junit(trials: Sequence[Trial]) -> str:
    """JUnit's XML: a test case for each probe in each cell."""
    cases = [(trial, name, found) for trial in trials for name, found in trial.verdicts.items()]
    skipped = [trial for trial in trials if trial.skipped]
    suite = ET.Element(
        "testsuite",
        name="repro matrix",
        tests=str(len(cases) + len(skipped)),
        failures=str(sum(found.state in {"fail", "flaky"} for _, _, found in cases)),
        skipped=str(len(skipped) + sum(found.state == "skip" for _, _, found in cases)),
    )
    for trial, name, found in cases:
        case = ET.SubElement(suite, "testcase", classname=clean(str(trial.cell)), name=name)
        if found.state in {"fail", "flaky"}:
            failure = ET.SubElement(case, "failure", message=clean(found.failure), type=found.state)
            failure.text = clean(_short(found.reason))
        elif found.state == "skip":
            ET.SubElement(case, "skipped", message=clean(_short(found.reason)))
    for trial in skipped:
        case = ET.SubElement(suite, "testcase", classname=clean(str(trial.cell)), name="environment")
        ET.SubElement(case, "skipped", message=clean(_short(trial.skipped or "")))
    return as_document(suite)


def as_annotations(trials: Sequence[Trial], marks: Marks) -> list[str]:
    """GitHub's workflow commands: an error for what regressed or changed, a notice for what is fixed."""
    lines = []
    for trial in trials:
        for name, found in trial.verdicts.items():
            mark = marks.get((str(trial.cell), name), "")
            if mark in {"regressed", "changed"}:
                lines.append(command("error", "repro matrix", f"{trial.cell}, {name}: {mark}, {found.key}"))
            elif mark == "fixed":
                lines.append(command("notice", "repro matrix", f"{trial.cell}, {name}: fixed"))
    return lines
