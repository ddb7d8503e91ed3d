"""``repro bisect``: the version of a package with which something broke, or was repaired."""

from __future__ import annotations

import argparse

from repro.cli import options

DESCRIPTION = """\
Find the first version of a package with which a probe fails, or with --find
fixed the first with which it passes again. Both ends are checked first. Bad is
what fails as the bad end does, or with --says what says so; a version that
cannot be installed, that fails otherwise, or with which the control fails, is
skipped. It ends with a block to paste into an issue.

With --check it tries nothing but the probe as it is installed, for
`git bisect run`: exit code 0 is good, 1 bad, 125 skip.
"""

EPILOG = options.epilog(
    {
        "repro bisect redis --good 7.4.0 --bad 8.0.0 --probe push.redis-tcp": "on a target where it fails",
        "repro bisect npm:pg --good 8.11.0 --bad 8.16.0 --probe node.pg": "a package of Node",
        "repro bisect asyncpg --good 0.31 --bad 0.29 --find fixed --probe tcp.asyncpg": "what repaired it",
        "git bisect run repro bisect --check --probe tcp.psycopg": "in a driver's repository",
    },
    "exit codes: 0 found, 2 usage, or an end is not as it was said, 3 could not test;\n"
    "            with --check 0 good, 1 bad, 125 skip",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("package", metavar="PACKAGE", nargs="?", help="redis, or npm:drizzle-orm")
    parser.add_argument("--good", metavar="V", help="a version with which the probe passes")
    parser.add_argument("--bad", metavar="V", help="a version with which it fails")
    parser.add_argument("--probe", metavar="NAME", required=True, help="whose outcome counts")
    parser.add_argument(
        "--find",
        choices=("broken", "fixed"),
        default="broken",
        help="what the newer end is (default: broken)",
    )
    parser.add_argument("--says", metavar="TEXT", help="bad is only what says this, anywhere in its error")
    parser.add_argument("--pre", action="store_true", help="pre-releases too")
    parser.add_argument("--repeat", type=options.count, default=1, metavar="N", help="try each N times")
    parser.add_argument(
        "--with", dest="beside", action="append", default=[], metavar="NAME=V", help="pinned in each trial"
    )
    parser.add_argument(
        "--scenario", metavar="NAME", help="in the lab, broken so (see `repro lab scenarios`)"
    )
    parser.add_argument("--check", action="store_true", help="the probe alone, for `git bisect run`")
    options.add_show_hosts(parser)
    options.add_target(parser)
    options.add_lab_servers(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Carry the command out.

    Raises:
        UsageError: what was asked for cannot be done.
        CannotTest: the lab does not start, or the versions cannot be looked up.
    """
    from repro.cli import bisecting  # noqa: PLC0415 - loads the lab, which help does not need

    return bisecting.check(arguments) if arguments.check else bisecting.bisect(arguments)
