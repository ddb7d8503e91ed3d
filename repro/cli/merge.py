"""``repro merge``: what several machines came to, as one table."""

from __future__ import annotations

import argparse

from repro.cli import errors, options

DESCRIPTION = """\
Join the documents of `repro matrix --json` and of single runs into one table;
of a cell that several tried, the last one that was tried counts.
"""

EPILOG = options.epilog(
    {
        "repro merge part-*.json": "the parts of a sharded matrix",
        "repro merge part-*.json --baseline b.json": "and compare",
        "repro merge reports/*": "single runs, a row each",
    },
    "exit codes: those of `repro matrix`",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument(
        "runs", metavar="RUN", nargs="+", type=options.path, help="a file, or the folder of a run"
    )
    options.add_results(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Carry the command out.

    Raises:
        UsageError: a document cannot be read.
        CannotTest: a file cannot be written.
    """
    from repro.cli import versions  # noqa: PLC0415 - loads the lab, which help does not need

    try:
        return versions.merge(arguments)
    except OSError as error:
        raise errors.CannotTest(f"the runs cannot be joined ({error.strerror})") from error
