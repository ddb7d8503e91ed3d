"""Writes the decision record of a run."""

from __future__ import annotations

import argparse
import os
import secrets
from pathlib import Path

from repro.cli import errors, output
from repro.cli.errors import UsageError, without_urls
from repro.document import RunDocument, RunError, find_run, read_events, read_run
from repro.probe.secrets import redactor_for
from repro.report import decision, flow, svg

RECORD = "decision.md"
PICTURE = "decision.svg"


def decide(arguments: argparse.Namespace) -> int:
    """Write the record, and its picture beside it.

    Raises:
        UsageError: there is no such run or probe, or a record is in the way.
        CannotTest: it would hold a secret; a bug.
    """
    try:
        file = find_run(arguments.run, output.REPORTS)
        document = read_run(file)
        events = read_events(file.parent, document)
    except RunError as error:
        raise UsageError(f"decide: {without_urls(str(error))}") from error
    _check_choice(arguments.choose, document)
    folder: Path = arguments.out or file.parent
    if not arguments.force and (folder / RECORD).exists():
        raise UsageError(
            f"{folder / RECORD}: is there already, perhaps edited; name a folder with --out, or --force"
        )
    title = f"Which driver dials what: run {document['run_id']}"
    files = {
        PICTURE: svg.render(flow.ways(document, events), title),
        RECORD: decision.render(document, events, picture=PICTURE, chosen=arguments.choose),
    }
    _write(folder, files)
    output.write(f"{folder / RECORD}\n")
    return errors.OK


def _check_choice(name: str | None, document: RunDocument) -> None:
    names = [each["name"] for each in document["probes"]]
    if name is not None and name not in names:
        raise UsageError(f"--choose {errors.quoted(name)}: no probe of that run; its are {', '.join(names)}")


def _write(folder: Path, files: dict[str, str]) -> None:
    redactor = redactor_for({}, os.environ, secrets.token_hex(16))
    checked = {name: output.checked(redactor.text(text), redactor, name) for name, text in files.items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in checked.items():
            (folder / name).write_text(text, "utf-8", "backslashreplace")
    except OSError as error:
        raise UsageError(
            f"{folder}: cannot be written to ({error.strerror}); name another with --out"
        ) from error
