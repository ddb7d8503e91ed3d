"""``repro diff RUN_A RUN_B``: two runs side by side."""

from __future__ import annotations

import argparse

from repro.cli import options

DESCRIPTION = """\
Hold two runs against each other: what came of each probe, the first event
where their traces part, and what differs in versions, environment, variables
and target. Times, ids, and ports that a system chose are no difference.
"""

EPILOG = options.epilog(
    {
        "repro diff here.json ci.json": "works here, fails in CI",
        "repro diff previous latest": "the two newest runs in reports/",
        "repro diff A B --only 'ws.*'": "some probes",
        "repro diff A B --format markdown": "for an issue",
    },
    """\
A run is its folder, its run.json, its id, `latest` or `previous`. A run.json
that was sent alone has no traces: then the facts are compared.

exit codes: 0 they do not differ, 1 they differ, 2 a run cannot be read""",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("a", metavar="RUN_A", help="the first run")
    parser.add_argument("b", metavar="RUN_B", help="the second one")
    parser.add_argument(
        "--only", action="append", default=[], metavar="GLOB", help="these probes; repeatable, or with commas"
    )
    parser.add_argument("--all", action="store_true", dest="everything", help="show what is the same too")
    parser.add_argument(
        "--format", choices=("text", "markdown", "json"), default="text", help="default: text"
    )


def execute(arguments: argparse.Namespace) -> int:
    """Carry the command out."""
    from repro.cli import differing  # noqa: PLC0415 - loads the reports' code, which help does not need

    return differing.diff(arguments)
