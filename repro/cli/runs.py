"""Runs that were made before: their reports, rendered anew from what was written."""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path

from repro.cli import errors, output
from repro.cli.errors import UsageError
from repro.cli.reading import refusing
from repro.document import (
    PAGE_FILE,
    REPORT_FILE,
    RunDocument,
    find_run,
    open_traces,
    read_excerpts,
    read_run,
)
from repro.document.writing import RUN_FILE
from repro.report import html, markdown, preview
from repro.report.ci import junit
from repro.report.filing import choice, guidance, issue, upstream
from repro.report.filing.upstream import UnknownUpstream, Upstream
from repro.reproduce import record
from repro.resources import issue_template

_FILES = (RUN_FILE, REPORT_FILE, PAGE_FILE, "trace/*.jsonl", f"{record.FOLDER}/*")

NOBODY = "nobody"
"""As an upstream: the run's own report."""


def report(arguments: argparse.Namespace) -> int:
    """Show the report of a run.

    Raises:
        UsageError: there is no such run, it cannot be read, or the file cannot be written.
    """
    if arguments.run is None:
        raise UsageError(
            "report: name a RUN, such as latest, or a file with --check; see `repro report --help`"
        )
    _refuse_what_does_not_go_together(arguments)
    try:
        with refusing("report"):
            text = _text(arguments)
    except UnknownUpstream as error:
        raise UsageError(f"--for {errors.quoted(arguments.upstream)}: {error}") from error
    if arguments.output is None:
        output.write(text)
    else:
        _save(text, arguments.output)
    return errors.OK


def _refuse_what_does_not_go_together(arguments: argparse.Namespace) -> None:
    has_form = arguments.format != "markdown"
    if arguments.preview and (arguments.upstream is not None or has_form):
        raise UsageError("--preview: is of the run's files; leave --for and --format out")
    if arguments.upstream is not None and has_form:
        raise UsageError("--for: is for Markdown; leave --format out")


def _text(arguments: argparse.Namespace) -> str:
    file = find_run(arguments.run, output.REPORTS)
    document = read_run(file)
    if arguments.preview:
        return preview.listing(_files(file.parent, document), document, open_traces(file.parent, document))
    form = arguments.format
    if form == "json":
        return file.read_text("utf-8")
    if form == "junit":
        return junit.render(document)
    events = read_excerpts(file.parent, document)
    made = record.read(file.parent)
    if form == "html":
        return html.render(document, events, made)
    target = _upstream(arguments.upstream, document)
    if target is None:
        _tell_where(document)
        return markdown.render(document, events, issue_template(), made)
    text = issue.render(document, events, target, None, made)
    for line in [f"for {target.name}", *guidance.lines(document, events, target, text, made)]:
        errors.tell(errors.plain(line))
    return text


def _files(folder: Path, document: RunDocument) -> dict[str, str]:
    """The texts of a run, by their paths in its folder, which may hold other things too; not its traces."""
    traces = {probe["events"] for probe in document["probes"]}
    found: dict[str, str] = {}
    for pattern in _FILES:
        for file in sorted(folder.glob(pattern)):
            name = file.relative_to(folder).as_posix()
            if name not in traces:
                with contextlib.suppress(OSError, UnicodeDecodeError):
                    found[name] = file.read_text("utf-8")
    return found


def _upstream(name: str | None, document: RunDocument) -> Upstream | None:
    """The one that was asked for, else that of the first finding which is an upstream's."""
    if name == NOBODY:
        return None
    if name is not None:
        return upstream.load(name)
    chosen = (choice.chosen_for(document, finding).upstream for finding in document["findings"])
    return next((each for each in chosen if each is not None), None)


def _tell_where(document: RunDocument) -> None:
    """For each finding, where it is to be filed, or that it is nobody's but the user's."""
    for finding in document["findings"]:
        for line in guidance.for_finding(document, finding):
            errors.tell(errors.plain(line))


def _save(text: str, file: Path) -> None:
    try:
        file.write_text(text, "utf-8")
    except OSError as error:
        raise UsageError(
            f"--output {file}: cannot be written ({error.strerror}); name another file"
        ) from error
