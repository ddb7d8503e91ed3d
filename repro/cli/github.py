"""Tells GitHub what a command found: annotations, and the summary of the step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from repro.cli import errors
from repro.document import RunDocument
from repro.document.writing import Events
from repro.report.ci import github, step_summary

MOST_OF_A_SUMMARY = 1024 * 1024
"""Bytes of one step; of a longer summary GitHub shows nothing.

https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""


def tell(document: RunDocument, events: Events, environ: Mapping[str, str]) -> None:
    """Tell of a run, where it ran on GitHub; elsewhere do nothing.

    Args:
        document: the run as it was written, without its secrets.
        events: the trace lines of each probe, by its name.
        environ: says where this runs.
    """
    if is_here(environ):
        publish(step_summary.render(document, events), github.render(document), environ)


def is_here(environ: Mapping[str, str]) -> bool:
    """Whether this is a step of GitHub's, or of a runner that does as GitHub does."""
    return environ.get("GITHUB_ACTIONS") == "true"


def publish(summary: str, annotations: Iterable[str], environ: Mapping[str, str]) -> None:
    """Add to the step's summary, and print annotations to standard error, where the runner reads them too.

    A summary that cannot be written is said in a line: what was found is more than how it is shown.

    Args:
        summary: Markdown.
        annotations: workflow commands.
        environ: names the summary's file in ``GITHUB_STEP_SUMMARY``.
    """
    if not is_here(environ):
        return
    file = environ.get("GITHUB_STEP_SUMMARY")
    if file:
        _append(Path(file), summary)
    for line in annotations:
        errors.tell(line)


def _append(file: Path, summary: str) -> None:
    told = f"\n{summary}".encode("utf-8", "backslashreplace")
    try:
        there = file.stat().st_size if file.exists() else 0
        if there + len(told) > MOST_OF_A_SUMMARY:
            errors.tell("repro: GITHUB_STEP_SUMMARY has no room left, so that the summary is not in it")
            return
        with file.open("ab") as stream:
            stream.write(told)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a path"
        errors.tell(f"repro: GITHUB_STEP_SUMMARY cannot be written ({reason})")
