"""Finds and reads a run that was written before."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any, cast

from repro.document.schema import InvalidDocument, validate, validate_event
from repro.document.shape import RUN_SCHEMA, RunDocument
from repro.document.writing import RUN_FILE

REPORTS = Path("reports")


class RunError(ValueError):
    """There is no such run, or it cannot be read; the message is one line."""


def find_run(run: str | Path, reports: Path = REPORTS) -> Path:
    """The ``run.json`` of a run.

    Args:
        run: a run's folder, its ``run.json``, its id, or ``latest``.
        reports: the folder in which ids and ``latest`` are looked up.

    Raises:
        RunError: there is none.
    """
    if str(run) == "latest":
        return _latest(reports)
    for candidate in (Path(run) / RUN_FILE, Path(run), reports / str(run) / RUN_FILE):
        with contextlib.suppress(OSError, ValueError):
            if candidate.is_file():
                return candidate
    raise RunError(f"no run {str(run)!r}: give its folder, its run.json, its id in {reports}, or latest")


def _latest(reports: Path) -> Path:
    files = by_age(reports)
    if not files:
        raise RunError(f"no run in {reports} yet: make one with `repro run`")
    return files[-1]


def by_age(reports: Path) -> list[Path]:
    """The ``run.json`` of each run in a folder of runs, the oldest first."""
    return [
        file for _, file in sorted((file.stat().st_mtime_ns, file) for file in reports.glob(f"*/{RUN_FILE}"))
    ]


def read_run(run: str | Path, reports: Path = REPORTS) -> RunDocument:
    """Read a run document and hold it against its schema.

    Args:
        run: a run's folder, its ``run.json``, its id, or ``latest``.
        reports: the folder in which ids and ``latest`` are looked up.

    Raises:
        RunError: there is none, or it is no run document of this version.
    """
    file = find_run(run, reports)
    document = _json(file)
    schema = document.get("schema") if isinstance(document, dict) else None
    if schema != RUN_SCHEMA:
        raise RunError(f"{file} is no {RUN_SCHEMA} document")
    try:
        validate(document)
    except InvalidDocument as error:
        raise RunError(f"{file}: {error}") from error
    return cast("RunDocument", document)


def read_events(folder: Path, document: RunDocument) -> dict[str, list[dict[str, Any]]]:
    """The trace lines of each probe, as far as they are there: ``run.json`` may have been sent alone.

    Args:
        folder: the run's folder.
        document: the run.

    Raises:
        RunError: a trace cannot be read.
    """
    files = {
        probe["name"]: folder / probe["events"] for probe in document["probes"] if probe["events"] is not None
    }
    return {name: _json_lines(file) for name, file in files.items() if file.is_file()}


def _json(file: Path) -> Any:
    try:
        return json.loads(_text(file))
    except ValueError as error:
        raise RunError(f"{file} is no JSON: {_first_line(error)}") from error


def _json_lines(file: Path) -> list[dict[str, Any]]:
    lines = []
    for number, line in enumerate(_text(file).split("\n"), start=1):
        if line:
            try:
                lines.append(json.loads(line))
                validate_event(lines[-1])
            except ValueError as error:
                raise RunError(f"{file}, line {number}: {_first_line(error)}") from error
    return lines


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise RunError(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise RunError(f"{file} is no UTF-8 text") from error


def _first_line(error: ValueError) -> str:
    return str(error).partition("\n")[0][:200]
