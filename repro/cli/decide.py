"""``repro decide RUN``: a decision record from the evidence of a run."""

from __future__ import annotations

import argparse

from repro.cli import options

DESCRIPTION = """\
Write a decision record from a run: context, evidence, options, choice and
consequences, with the ways of the drivers as mermaid and as decision.svg.

What the run speaks for is proposed: a driver that passed, with its transaction
in one piece. Why it is taken is left to you, at marks in the file.
"""

EPILOG = options.epilog(
    {
        "repro decide latest": "beside the newest run's report",
        "repro decide latest --choose tcp.asyncpg": "you have chosen",
        "repro decide latest --choose fix-1": "the first of the fixes",
        "repro decide latest --out docs/decisions": "somewhere else",
    },
    "exit codes: 0 written; 2 no such run or option, or an edited record is there",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("run", metavar="RUN", help="a run's folder, its run.json, its id, or `latest`")
    parser.add_argument(
        "--choose",
        metavar="OPTION",
        help="the probe whose driver is taken, or a fix (default: what the run proposes)",
    )
    parser.add_argument(
        "--out", type=options.path, metavar="DIR", help="write it there (default: the run's folder)"
    )
    parser.add_argument("--force", action="store_true", help="in the place of a record that was edited")


def execute(arguments: argparse.Namespace) -> int:
    """Carry the command out."""
    from repro.cli import deciding  # noqa: PLC0415 - loads the reports' code, which help does not need

    return deciding.decide(arguments)
