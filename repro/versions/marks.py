"""What is noteworthy about a verdict: what it was before, in a baseline or in the cell before it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from repro.environments.pins import Cell
from repro.versions.trial import FAILURES, Trial, Verdict

Mark = Literal["regressed", "fixed", "changed", "new", ""]
Marks = Mapping[tuple[str, str], Mark]
"""By cell and probe."""

BASELINE = "txrepro/baseline/1"


class BadBaseline(ValueError):  # noqa: N818 - it says what is wrong
    """A file that is no baseline; the message is one line without the file's name."""


def along(trials: Sequence[Trial]) -> Marks:
    """Marks against the nearest cell before it that differs in one version and tried the probe.

    Args:
        trials: of a matrix, in the order in which the versions were asked for.
    """
    marks: dict[tuple[str, str], Mark] = {}
    for number, trial in enumerate(trials):
        for probe, found in trial.verdicts.items():
            before = _before(trial, probe, trials[:number])
            if before is not None and found.state != "skip":
                marks[str(trial.cell), probe] = _mark(before.key, found.key)
    return marks


def _before(trial: Trial, probe: str, earlier: Sequence[Trial]) -> Verdict | None:
    for other in reversed(earlier):
        known = other.verdicts.get(probe)
        if known is not None and known.state != "skip" and _differ_in_one_version(other.cell, trial.cell):
            return known
    return None


def _differ_in_one_version(one: Cell, other: Cell) -> bool:
    if [pin.name for pin in one.pins] != [pin.name for pin in other.pins]:
        return False
    return sum(left != right for left, right in zip(one.pins, other.pins, strict=True)) == 1


def against(trials: Sequence[Trial], expected: Mapping[str, Mapping[str, str]]) -> Marks:
    """Marks against a baseline; what is skipped has none, nor what is one of the ways of what was flaky.

    Args:
        trials: of a matrix.
        expected: a verdict's key by probe, by cell.
    """
    marks: dict[tuple[str, str], Mark] = {}
    for trial in trials:
        known = expected.get(str(trial.cell), {})
        for probe, found in trial.verdicts.items():
            if found.state == "skip":
                continue
            if probe not in known:
                marks[str(trial.cell), probe] = "new"
            else:
                same = ways(found.key) <= ways(known[probe]) and known[probe].startswith("flaky")
                marks[str(trial.cell), probe] = "" if same else _mark(known[probe], found.key)
    return marks


def ways(key: str) -> frozenset[str]:
    """In which ways a probe ended: its failures, and ``pass`` where it may pass.

    Args:
        key: of a verdict.
    """
    state, _, failures = key.partition(": ")
    found = failures.split(FAILURES) if failures else []
    return frozenset([*found, *([] if state == "fail" else ["pass"])])


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
