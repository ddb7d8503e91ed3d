"""Writes the folder of a run, whole or not at all.

``run.json`` is put in last. A folder without it is no run, so nobody ever sees half of one.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from repro import plain_json
from repro.document.schema import validate, validate_event
from repro.document.shape import RunDocument
from repro.document.visibility import with_visibility
from repro.redaction import Redactor

RUN_FILE = "run.json"
REPORT_FILE = "report.md"
PAGE_FILE = "report.html"
PACKETS_FILE = "trace.pcapng"

Events = Mapping[str, Sequence[Mapping[str, Any]]]
"""The trace lines of each probe, by its name."""


class OutputError(Exception):
    """A run cannot be written; the message is one line that names the place and the reason."""


def redact_run(
    document: RunDocument, events_by_probe: Events, redactor: Redactor
) -> tuple[RunDocument, dict[str, list[dict[str, Any]]]]:
    """A run without its secrets; a report is best rendered from this."""
    events = {probe: redactor.value(list(lines)) for probe, lines in events_by_probe.items()}
    return cast("RunDocument", redactor.value(document)), events


def write_run(
    folder: Path,
    document: RunDocument,
    events_by_probe: Events,
    redactor: Redactor,
    reports: Callable[[RunDocument, Events], Mapping[str, str]],
    *,
    packets: Callable[[Events], bytes] | None = None,
) -> RunDocument:
    """Write a run: ``run.json``, its reports, ``trace/<probe>.jsonl``, and ``trace.pcapng`` if wanted.

    Everything is rendered, redacted, validated and searched for secrets in memory before the first byte is
    written; the files then appear together.

    Args:
        folder: where; it is made if it is missing, and must hold no run yet.
        document: the run.
        events_by_probe: each probe's trace lines; a `visibility` record is put at their head.
        redactor: knows every secret of the run.
        reports: renders the reports of the redacted run, by their files' names.
        packets: makes ``trace.pcapng`` of the redacted trace lines; None for a run without one.

    Returns:
        The document as it was written.

    Raises:
        OutputError: the folder cannot be written.
        InvalidDocument: the document or a trace line is not of the published shape; a bug.
        SecretFound: a secret would have been written; a bug.
    """
    redacted, events = redact_run(document, events_by_probe, redactor)
    validate(redacted)
    told = {name: redactor.text(text) for name, text in reports(redacted, events).items()}
    files = dict(_files(redacted, events, told))
    if packets is not None:
        files = {PACKETS_FILE: packets(events), **files}
    for name, data in files.items():
        redactor.check(data, name)
    try:
        _write(folder, files)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise OutputError(f"the run cannot be written to {folder}: {reason}") from error
    return redacted


def _files(document: RunDocument, events: Events, reports: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    """Every file of a run by its path, ``run.json`` last."""
    for probe in document["probes"]:
        if probe["events"] is not None:
            lines = with_visibility(document, probe["name"], events.get(probe["name"], ()))
            yield probe["events"], b"".join(map(_line, lines))
    for name, text in reports.items():
        yield name, _bytes(text)
    yield RUN_FILE, _bytes(plain_json.dumps(document, indent=2, allow_nan=False) + "\n")


def _line(line: Mapping[str, Any]) -> bytes:
    validate_event(line)
    return _bytes(plain_json.dumps(line, separators=(",", ":"), allow_nan=False) + "\n")


def _bytes(text: str) -> bytes:
    """UTF-8. Half a surrogate pair, which no UTF-8 can hold, becomes the escape that JSON has for it."""
    return text.encode("utf-8", "backslashreplace")


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write the files beside their places, then move them there; after a failure nothing of them is left."""
    with contextlib.ExitStack() as undo:
        for missing in _missing(folder):
            missing.mkdir()
            undo.callback(_remove, missing)
        staging = Path(tempfile.mkdtemp(prefix=".writing-", dir=folder))
        undo.callback(shutil.rmtree, staging, ignore_errors=True)
        _stage(staging, files)
        for name in dict.fromkeys(path.partition("/")[0] for path in files):
            _move(staging / name, folder / name)
            undo.callback(_remove, folder / name)
        staging.rmdir()
        undo.pop_all()


def _missing(folder: Path) -> list[Path]:
    return [each for each in reversed((folder, *folder.parents)) if not each.exists()]


def _stage(staging: Path, files: Mapping[str, bytes]) -> None:
    for name, data in files.items():
        path = staging / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)


def _move(source: Path, place: Path) -> None:
    if place.exists():  # a rename would silently take the place of a file
        raise FileExistsError(17, f"{place.name} of another run is in the way")
    os.rename(source, place)  # noqa: PTH104 - pairs with the check above; Path.rename is the same call


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
