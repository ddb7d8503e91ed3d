"""``repro lab up``: the local services, kept running for other programs."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from repro.cli import errors, options

if TYPE_CHECKING:
    from repro.cli.options import Subparsers

DESCRIPTION = """\
Start Postgres, Valkey and the Neon and Upstash gateways on loopback, print
the environment to use them, and keep them running until Ctrl-C or SIGTERM.

Standard output is the environment alone, as NAME=value lines. It holds the
passwords of these servers, which are made anew each time.
"""

EPILOG = options.epilog(
    {
        "repro lab up": "the environment on the screen",
        "repro lab up > lab.env": "its environment in a file; then, in another terminal:",
        "repro run --target env --env-file lab.env": "point a run at it",
        "set -a; . ./lab.env; set +a; node app.js": "point any program at it",
    },
    "exit codes: 0 ended as asked, 2 usage, 3 could not start or died",
)


def add_parser(commands: Subparsers) -> None:
    """Add the command and its one subcommand to the command line."""
    parser = commands.add_parser(
        "lab", help="local Postgres, Valkey and gateways", description="The local services.", epilog=EPILOG
    )
    parser.set_defaults(execute=_nothing_asked)
    subcommands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="lab_command")
    up = subcommands.add_parser(
        "up", help="start them and keep them running", description=DESCRIPTION, epilog=EPILOG
    )
    up.add_argument("--json", action="store_true", help="print the environment as one JSON object")
    options.add_lab_servers(up)
    up.set_defaults(execute=execute)


def _nothing_asked(_arguments: argparse.Namespace) -> int:
    raise errors.UsageError("lab: name a command, such as `repro lab up`; see `repro lab --help`")


def execute(arguments: argparse.Namespace) -> int:
    """Carry ``lab up`` out."""
    from repro.cli import keeping  # noqa: PLC0415 - loads the lab, which help does not need

    return keeping.up(arguments)
