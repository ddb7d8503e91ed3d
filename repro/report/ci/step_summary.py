"""A run as the summary of a step of GitHub's: the verdict, the matrix, and what was found."""

from __future__ import annotations

from repro.document import RunDocument
from repro.report import facts, markdown
from repro.report.escape import code
from repro.report.fitting import fitted


def render(document: RunDocument, events_by_probe: markdown.Events) -> str:
    """The summary as Markdown, far below the 1 MiB that GitHub takes of a step.

    Args:
        document: the run.
        events_by_probe: the trace lines of each probe, by its name; a probe may be missing.
    """
    heading = f"## {document['tool']['name']}: {document['verdict']}"
    told = fitted(lambda room: "\n\n".join(markdown.overview(document, events_by_probe, room)))
    return f"{heading}\n\n{told}\n\n{facts.commands(document)}\n\nrun {code(document['run_id'])}\n"
