"""Joins what several machines came to: documents of matrices, and of single runs, as one table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from repro.document.schema import InvalidDocument, validate_matrix
from repro.environments.pins import Cell, Pin
from repro.versions.render import SCHEMA
from repro.versions.trial import Trial, Verdict, verdict

RUN_SCHEMA = "txrepro/run/1"
_RUN_FILE = "run.json"


class NotMergeable(ValueError):  # noqa: N818 - it says what is wrong
    """A file that is no document of a matrix or a run; the message is one line without the file's name."""


def read(path: Path) -> list[Trial]:
    """The cells of a matrix's document, or a run's as one cell.

    Args:
        path: a file, or the folder of a run.

    Raises:
        NotMergeable: it is neither.
        OSError: it cannot be read.
    """
    file = path / _RUN_FILE if path.is_dir() else path
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        schema = document["schema"]
        if schema == SCHEMA:
            validate_matrix(document)
            return [_trial(cell) for cell in document["cells"]]
        if schema == RUN_SCHEMA:
            return [_of_run(document)]
    except InvalidDocument as error:
        raise NotMergeable(str(error)) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotMergeable("it is no document of a matrix or a run") from error
    raise NotMergeable(f"its schema is {schema!r}, not {SCHEMA} or {RUN_SCHEMA}")


def _trial(cell: Mapping[str, Any]) -> Trial:
    return Trial(
        Cell(tuple(map(_pin, cell["pins"]))),
        dict(cell["versions"]),
        cell["skipped"],
        {each["name"]: _verdict(each) for each in cell["probes"]},
        cell["position"],
    )


def _pin(pin: Mapping[str, Any]) -> Pin:
    return Pin(pin["ecosystem"], pin["name"], pin["wanted"])


def _verdict(probe: Mapping[str, Any]) -> Verdict:
    return Verdict(
        probe["state"], probe["failure"] or "", probe["failed"], probe["runs"], probe["reason"] or ""
    )


def _of_run(document: Mapping[str, Any]) -> Trial:
    """A run as a cell that is named by it."""
    verdicts = {probe["name"]: verdict([probe]) for probe in document["probes"]}
    return Trial(Cell((Pin("pypi", "run", document["run_id"]),)), verdicts=verdicts)


def merged(parts: Iterable[Iterable[Trial]]) -> list[Trial]:
    """All trials, in the order of their matrix; of one cell the last one that was tried counts."""
    found: dict[Cell, Trial] = {}
    for part in parts:
        for trial in part:
            if trial.is_tried or trial.cell not in found:
                found[trial.cell] = trial
    return sorted(found.values(), key=lambda trial: trial.position)
