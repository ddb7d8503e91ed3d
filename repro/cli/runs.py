"""Runs that were made before: their reports, rendered anew from what was written."""

from __future__ import annotations

import argparse
from pathlib import Path

from repro.cli import errors, output
from repro.cli.errors import UsageError, without_urls
from repro.document import RunError, find_run, read_events, read_run
from repro.report import html, junit, markdown
from repro.reproduce import record
from repro.resources import issue_template


def report(arguments: argparse.Namespace) -> int:
    """Show the report of a run.

    Raises:
        UsageError: there is no such run, it cannot be read, or the file cannot be written.
    """
    if arguments.run is None:
        raise UsageError(
            "report: name a RUN, such as latest, or a file with --check; see `repro report --help`"
        )
    try:
        text = _text(arguments.run, arguments.format)
    except RunError as error:
        raise UsageError(f"report: {without_urls(str(error))}") from error
    if arguments.output is None:
        output.write(text)
    else:
        _save(text, arguments.output)
    return errors.OK


def _text(run: str, form: str) -> str:
    file = find_run(run, output.REPORTS)
    document = read_run(file)
    if form == "json":
        return file.read_text("utf-8")
    if form == "junit":
        return junit.render(document)
    events = read_events(file.parent, document)
    made = record.read(file.parent)
    if form == "html":
        return html.render(document, events, made)
    return markdown.render(document, events, issue_template(), made)


def _save(text: str, file: Path) -> None:
    try:
        file.write_text(text, "utf-8")
    except OSError as error:
        raise UsageError(
            f"--output {file}: cannot be written ({error.strerror}); name another file"
        ) from error
