"""Finds and reads a run that was written before."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from repro.document.excerpt import Line, excerpts
from repro.document.schema import InvalidDocument, validate, validate_event
from repro.document.shape import RUN_SCHEMA, RunDocument
from repro.document.writing import RUN_FILE

REPORTS = Path("reports")

MOST_OF_A_LINE = 16 << 20
"""Bytes of a line of a trace; ours are cut to some thousand."""


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


@dataclass(frozen=True, slots=True)
class TraceFile:
    """The lines of one trace, read anew and one by one each time, so that its length is no matter.

    Args:
        file: where they are.
    """

    file: Path

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Each line, held against its schema.

        Raises:
            RunError: the file or a line cannot be read.
        """
        for number, text in _lines_of(self.file):
            try:
                line = json.loads(text)
                validate_event(line)
            except (ValueError, RecursionError) as error:
                raise RunError(f"{self.file}, line {number}: {_first_line(error)}") from error
            yield line


def open_traces(folder: Path, document: RunDocument) -> dict[str, TraceFile]:
    """The trace of each probe, as far as they are there: ``run.json`` may have been sent alone.

    Args:
        folder: the run's folder.
        document: the run.
    """
    files = {
        probe["name"]: folder / probe["events"] for probe in document["probes"] if probe["events"] is not None
    }
    return {name: TraceFile(file) for name, file in files.items() if file.is_file()}


def read_events(folder: Path, document: RunDocument) -> dict[str, list[dict[str, Any]]]:
    """The trace lines of each probe, all of them: see `open_traces` for long ones.

    Args:
        folder: the run's folder.
        document: the run.

    Raises:
        RunError: a trace cannot be read.
    """
    return {name: list(trace) for name, trace in open_traces(folder, document).items()}


def read_excerpts(folder: Path, document: RunDocument) -> dict[str, Sequence[Line]]:
    """What a report needs of the trace of each probe; all of a short one.

    Args:
        folder: the run's folder.
        document: the run.

    Raises:
        RunError: a trace cannot be read.
    """
    return excerpts(open_traces(folder, document), document)


def _json(file: Path) -> Any:
    try:
        return json.loads(_text(file))
    except ValueError as error:
        raise RunError(f"{file} is no JSON: {_first_line(error)}") from error


def _lines_of(file: Path) -> Iterator[tuple[int, str]]:
    """The lines of a file with their numbers; empty ones are passed over, only a line feed ends one."""
    try:
        with file.open("rb") as opened:
            for number, line in enumerate(iter(lambda: opened.readline(MOST_OF_A_LINE), b""), start=1):
                if len(line) == MOST_OF_A_LINE:
                    raise RunError(f"{file}, line {number}: is longer than {MOST_OF_A_LINE:,} bytes")
                if text := line.decode("utf-8").rstrip("\r\n"):
                    yield number, text
    except OSError as error:
        raise RunError(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise RunError(f"{file} is no UTF-8 text") from error


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise RunError(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise RunError(f"{file} is no UTF-8 text") from error


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]
