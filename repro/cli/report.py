"""``repro report RUN``: the report of a run that was made before."""

from __future__ import annotations

import argparse

from repro.cli import errors, options

DESCRIPTION = """\
Print the report of a run: Markdown that is ready for an issue, a page for a
browser, JUnit's XML for a CI server, or the run document.
"""

EPILOG = options.epilog(
    {
        "repro report latest": "the newest run in reports/",
        "repro report latest --for asyncpg": "as an issue for asyncpg",
        "repro report reports/20260131-235959-3f9a2c": "a run's folder",
        "repro report latest --format json": "its run.json",
        "repro report latest --format html --output run.html": "the page",
        "repro report results/run.json --output issue.md": "into a file",
        "repro report latest --preview": "what was taken out",
        "repro report --check issue.md": "ready to be filed?",
    },
    "exit codes: 0 printed, or ready to be filed; 1 --check found something;\n"
    "            2 no such run or file, or it cannot be read",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument(
        "run", metavar="RUN", nargs="?", help="a run's folder, its run.json, its id, or `latest`"
    )
    parser.add_argument(
        "--for",
        dest="upstream",
        metavar="UPSTREAM",
        help="in the form that this project asks for, with where to file it; nobody: the run's own report;"
        " by default the finding's cause chooses",
    )
    parser.add_argument(
        "--format",
        choices=("markdown", "html", "json", "junit"),
        default="markdown",
        help="default: markdown",
    )
    parser.add_argument(
        "--output", type=options.path, metavar="FILE", help="write there instead of standard output"
    )
    parser.add_argument(
        "--preview",
        action="store_true",
        help="list what was taken out of the run's files, where, and what its reports leave out",
    )
    parser.add_argument(
        "--check",
        type=options.path,
        metavar="FILE",
        help="tell whether a report can be filed: its summary, secrets, fences, size, places left to fill;"
        " - is standard input",
    )
    parser.add_argument(
        "--env-file", type=options.path, metavar="F", help="with --check: the secrets of F must not be in it"
    )


def execute(arguments: argparse.Namespace) -> int:
    """Carry the command out."""
    # They load the reports' code, which help does not need.
    if arguments.check is not None:
        if arguments.run is not None:
            raise errors.UsageError("report: --check reads a file and no run; leave RUN out")
        from repro.cli import checking  # noqa: PLC0415

        return checking.check(arguments.check, arguments.env_file)
    from repro.cli import runs  # noqa: PLC0415

    return runs.report(arguments)
