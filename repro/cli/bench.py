"""``repro bench``: the drivers side by side on the target."""

from __future__ import annotations

import argparse

from repro.cli import options

DESCRIPTION = """\
Time the production transaction over every driver, and the push over both Redis
transports, on your target or the lab: what connecting costs, what the
transaction takes on a warm connection, and how that compares with no driver at
all. Drivers take turns in a shuffled order, one at a time. What cannot be told
apart is said to be alike.

On a target of yours nothing durable is left behind; without --commit each
transaction makes temporary tables first, and their time is counted.
"""

EPILOG = options.epilog(
    {
        "repro bench": "all drivers on the lab",
        "repro bench --env-file .env": "on what .env names",
        "repro bench --only tcp.asyncpg,tcp.psycopg": "two drivers, and the baseline",
        "repro bench --budget tcp.asyncpg=1.5": "exit 4 where it takes longer than that",
        "repro bench --repeat 400 --json": "more rounds, for a program",
    },
    "exit codes: 0 measured, 1 a driver failed, 2 usage or configuration,\n"
    "            3 could not test, 4 a budget was exceeded,\n"
    "            130 interrupted (what was measured is written)",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    options.add_only(parser)
    parser.add_argument(
        "--repeat",
        type=options.count,
        metavar="N",
        default=100,
        help="transactions of each driver, after ten that are not counted (default: 100)",
    )
    parser.add_argument(
        "--connects",
        type=options.count,
        metavar="N",
        default=10,
        help="new connections of each driver (default: 10)",
    )
    parser.add_argument(
        "--budget",
        action="append",
        metavar="NAME=LIMIT",
        default=[],
        help="what the median may be: a ratio to the baseline (1.5) or a time (20ms); may be repeated",
    )
    parser.add_argument(
        "--seed",
        type=_seed,
        metavar="N",
        help="of the orders in which the drivers take turns (default: a new one, which is told)",
    )
    options.add_target(parser)
    options.add_show_hosts(parser)
    parser.add_argument(
        "--json", action="store_true", help="print the document of the bench alone on standard output"
    )
    parser.add_argument(
        "--out", type=options.path, metavar="DIR", help="write it there (default: reports/<run id>/)"
    )
    options.add_lab_servers(parser)


def _seed(text: str) -> int:
    if not text.isdecimal() or len(text) > _MOST_DIGITS:
        raise argparse.ArgumentTypeError("must be a whole number from 0 to 999999999")
    return int(text)


_MOST_DIGITS = 9


def execute(arguments: argparse.Namespace) -> int:
    """Carry the command out."""
    from repro.cli import benching  # noqa: PLC0415 - loads the whole toolkit, which help does not need

    return benching.bench(arguments)
