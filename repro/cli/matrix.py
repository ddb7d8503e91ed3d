"""``repro matrix``: the probes over versions of packages."""

from __future__ import annotations

import argparse
import re

from repro.cli import errors, options

DESCRIPTION = """\
Run the probes in environments with other versions of their packages, each in
one of its own, and say where one passes and another fails.

The cells come from --with, each one an axis; or from [tool.txrepro.matrix] of
a TOML file. Python packages are installed by uv, Node's by npm, into a cache;
a cell that was built once needs no network. A version that cannot be installed
here is skipped, with its reason.
"""

EPILOG = options.epilog(
    {
        "repro matrix --with redis=7.4,8.0,latest --only push.redis-tcp": "three versions of one driver",
        "repro matrix --with asyncpg=0.29,0.31 --with sqlalchemy=2.0,2.1": "four cells",
        "repro matrix --node --with npm:drizzle-orm=0.43.1,0.45.4": "of Node",
        "repro matrix --write-baseline b.json": "remember what is expected",
        "repro matrix --baseline b.json": "exit 1 only where something differs",
        "repro matrix --plan github": "the jobs, for GitHub Actions",
        "repro matrix --shard 2/4": "the part of one job",
    },
    "exit codes: 0 all pass, or as the baseline says; 1 one fails, or differs;\n"
    "            2 usage or configuration, 3 nothing could be tried, 130 interrupted",
)

_MOST_JOBS = 256
"""GitHub runs no more for one matrix (its documented limits)."""

_SHARD = re.compile(r"([1-9]\d{0,3})/([1-9]\d{0,3})")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument(
        "--with", dest="axes", action="append", default=[], metavar="NAME=V,V",
        help="an axis: a package and its versions, series (3.2), ranges, latest or oldest; "
        "npm:NAME for Node's, python=3.12 for the interpreter; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--config", type=options.path, metavar="FILE", help="a TOML file with [tool.txrepro.matrix]"
    )
    parser.add_argument("--only", action="append", default=[], metavar="GLOB", help="only these probes")
    parser.add_argument("--node", action="store_true", help="the Node probes too")
    parser.add_argument(
        "--repeat", type=options.count, metavar="N", help="try each cell N times (default: 1)"
    )
    parser.add_argument("--scenario", metavar="NAME", help="break the lab first; see `repro lab scenarios`")
    parser.add_argument("--shard", type=_shard, metavar="I/N", help="only the I-th of N parts of the cells")
    parser.add_argument("--plan", choices=("github",), help="print the jobs as JSON, and run nothing")
    parser.add_argument("--jobs", type=_jobs, default=4, metavar="N", help="of --plan (default: 4)")
    options.add_results(parser)
    options.add_show_hosts(parser)
    options.add_target(parser, deadline_of="each cell")
    options.add_lab_servers(parser)


def _shard(text: str) -> tuple[int, int]:
    match = _SHARD.fullmatch(text)
    if match is None or int(match[1]) > int(match[2]):
        raise argparse.ArgumentTypeError("must be I/N, such as 2/4")
    return int(match[1]), int(match[2])


def _jobs(text: str) -> int:
    number = options.count(text)
    if number > _MOST_JOBS:
        raise argparse.ArgumentTypeError(f"GitHub runs at most {_MOST_JOBS} jobs of one matrix")
    return number


def execute(arguments: argparse.Namespace) -> int:
    """Carry the command out.

    Raises:
        UsageError: what was asked for cannot be done.
        CannotTest: the lab does not start, or a file cannot be written.
    """
    from repro.cli import versions  # noqa: PLC0415 - loads the lab, which help does not need

    try:
        return versions.matrix(arguments)
    except OSError as error:
        raise errors.CannotTest(f"the matrix cannot be carried out ({error.strerror})") from error
