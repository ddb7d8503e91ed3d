"""What is noteworthy about a verdict: what it was before, in a baseline or in the cell before it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from repro.versions.trial import Trial, Verdict

Mark = Literal["regressed", "fixed", "changed", "new", ""]
Marks = Mapping[tuple[str, str], Mark]
"""By cell and probe."""

BASELINE = "txrepro/baseline/1"


class BadBaseline(ValueError):  # noqa: N818 - it says what is wrong
    """A file that is no baseline; the message is one line without the file's name."""


def along(trials: Sequence[Trial]) -> Marks:
    """Marks against the cell before, where the cells are versions of one package, in their order."""
    names = {tuple(pin.name for pin in trial.cell.pins) for trial in trials}
    if len(names) != 1 or len(next(iter(names))) != 1:
        return {}
    marks: dict[tuple[str, str], Mark] = {}
    before: dict[str, Verdict] = {}
    for trial in trials:
        for probe, found in trial.verdicts.items():
            if found.state == "skip":
                continue
            if probe in before:
                marks[str(trial.cell), probe] = _mark(before[probe].key, found.key)
            before[probe] = found
    return marks


def against(trials: Sequence[Trial], expected: Mapping[str, Mapping[str, str]]) -> Marks:
    """Marks against a baseline; what is skipped has none.

    Args:
        trials: of a matrix.
        expected: a verdict's key by probe, by cell.
    """
    marks: dict[tuple[str, str], Mark] = {}
    for trial in trials:
        known = expected.get(str(trial.cell), {})
        for probe, found in trial.verdicts.items():
            if found.state != "skip":
                mark: Mark = _mark(known[probe], found.key) if probe in known else "new"
                marks[str(trial.cell), probe] = mark
    return marks


def _mark(before: str, now: str) -> Mark:
    if before == now:
        return ""
    if before == "pass":
        return "regressed"
    return "fixed" if now == "pass" else "changed"


def read(path: Path) -> dict[str, dict[str, str]]:
    """A baseline.

    Raises:
        BadBaseline: the file is none.
        OSError: it cannot be read.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["schema"] != BASELINE:
            raise BadBaseline(f"its schema is {found['schema']!r}, not {BASELINE}")
        return {str(cell): dict(probes) for cell, probes in found["cells"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, BadBaseline):
            raise
        raise BadBaseline("it is no baseline; --write-baseline makes one") from error


def as_baseline(trials: Sequence[Trial]) -> str:
    """The verdicts of a matrix, to compare later ones with."""
    cells = {
        str(trial.cell): {
            probe: found.key for probe, found in trial.verdicts.items() if found.state != "skip"
        }
        for trial in trials
        if trial.is_tried
    }
    return json.dumps({"schema": BASELINE, "cells": cells}, indent=2) + "\n"
