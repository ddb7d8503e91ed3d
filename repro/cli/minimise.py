"""``repro minimise RUN``: the smallest program that fails as a probe of a run did."""

from __future__ import annotations

import argparse

from repro.cli import options

DESCRIPTION = """\
Find the smallest set of statements, URL parameters, environment variables and
transactions at once with which a probe still fails in the same way, and write
it as a program of its own: one file in the driver's language, with the driver
and nothing of txrepro. It is then run from an empty folder, five times.

The run says which probe failed and how. The target is the environment's or the
file's, as for `repro run`; for a run on the lab, or of a scenario, the lab is
started again in the same way.
"""

EPILOG = options.epilog(
    {
        "repro minimise latest": "the probe that failed in the last run",
        "repro minimise latest --probe tcp.asyncpg": "one of those that failed",
        "repro minimise reports/RUN --env-file .env": "on what .env names",
        "repro minimise latest --json": "what was written, for a program",
    },
    "exit codes: 0 written, and it failed each time; 1 written, and it did not;\n"
    "            2 usage or configuration, 3 it does not fail like that here,\n"
    "            130 interrupted (the smallest so far is written)",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("run", metavar="RUN", help="a run's folder, its run.json, its id, or `latest`")
    parser.add_argument("--probe", metavar="NAME", help="which failing probe, where there are several")
    parser.add_argument(
        "--json", action="store_true", help="print what was found on standard output, as JSON"
    )
    options.add_show_hosts(parser)
    options.add_target(parser)
    options.add_lab_servers(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Carry the command out."""
    from repro.cli import minimising  # noqa: PLC0415 - loads the whole toolkit, which help does not need

    return minimising.minimise(arguments)
