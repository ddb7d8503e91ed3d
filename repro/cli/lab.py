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


SCENARIOS = {
    "origin": "the failure that this tool began with, in three acts",
    "duplicates": "how often an RPUSH arrives when its answers are lost, by client",
}

RUN_DESCRIPTION = "Start the lab, and show what happens there:\n\n" + "\n".join(
    f"  {name:<12}{what}" for name, what in SCENARIOS.items()
)

RUN_EPILOG = options.epilog({"repro lab run origin": "needs Node 20 and npm"})


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
    scenario = subcommands.add_parser(
        "run", help="show a scenario from start to end", description=RUN_DESCRIPTION, epilog=RUN_EPILOG
    )
    scenario.add_argument("scenario", choices=tuple(SCENARIOS), help="which one")
    options.add_lab_servers(scenario)
    scenario.set_defaults(execute=execute_scenario)


def _nothing_asked(_arguments: argparse.Namespace) -> int:
    raise errors.UsageError("lab: name a command, such as `repro lab up`; see `repro lab --help`")


def execute_scenario(arguments: argparse.Namespace) -> int:
    """Carry ``lab run`` out."""
    from importlib import import_module  # noqa: PLC0415 - loads the lab, which help does not need

    code: int = import_module(f"repro.cli.{arguments.scenario}").run(arguments)
    return code


def execute(arguments: argparse.Namespace) -> int:
    """Carry ``lab up`` out."""
    from repro.cli import keeping  # noqa: PLC0415 - loads the lab, which help does not need

    return keeping.up(arguments)
