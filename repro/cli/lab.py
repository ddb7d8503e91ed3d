"""``repro lab up``: the local services, kept running for other programs."""

from __future__ import annotations

import argparse

from repro.cli import errors, options

DESCRIPTION = "The local services."

UP_DESCRIPTION = """\
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


SHOWS = {
    "origin": "the failure that this tool began with, in three acts",
    "duplicates": "how often an RPUSH arrives when its answers are lost, by client",
}

RUN_DESCRIPTION = """\
Start the lab, break one thing in it, run the probes against that, and show
what was found, and whether it is what had to be found. `repro lab scenarios`
lists the scenarios. Two more are told, and not diagnosed:

""" + "\n".join(f"  {name:<12}{what}" for name, what in SHOWS.items())

RUN_EPILOG = options.epilog(
    {
        "repro lab run tcp-port-is-ssh": "a database's URL that leads to SSH",
        "repro lab run origin": "needs Node 20 and npm",
    },
    "exit codes: 0 the right cause was found, 1 it was not, 2 usage,\n            3 it cannot be played here",
)

GATEWAY_DESCRIPTION = """\
Put Neon's SQL over HTTP and its WebSocket before the Postgres of DATABASE_URL,
on loopback, so that serverless drivers work with a local database; print the
variables that point to it, and keep it until Ctrl-C or SIGTERM.

The database must be on this machine: the gateway dials it without TLS.
"""

GATEWAY_EPILOG = options.epilog(
    {
        "repro lab gateway > gateway.env": "in a file; then, elsewhere:",
        "set -a; . ./gateway.env; set +a": "point what runs at it",
        "repro run --only ws.neon": "a serverless driver reaches it",
    },
    "exit codes: 0 ended as asked, 2 usage or configuration, 3 could not start",
)

LIST_DESCRIPTION = """\
List what the lab can break on purpose, one line each; with --play, play it all
on one lab and say for each what was found.
"""

LIST_EPILOG = options.epilog(
    {
        "repro lab scenarios": "all of them",
        "repro lab scenarios 'tls-*' --play": "play those of TLS",
        "repro lab scenarios --play --healthy 40 --write accuracy.md": "the whole table",
    }
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    subcommands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="lab_command")
    up = subcommands.add_parser(
        "up", help="start them and keep them running", description=UP_DESCRIPTION, epilog=EPILOG
    )
    up.add_argument("--json", action="store_true", help="print the environment as one JSON object")
    options.add_lab_servers(up)
    up.set_defaults(execute=execute_up)
    gateway = subcommands.add_parser(
        "gateway",
        help="the serverless protocols before your own local database",
        description=GATEWAY_DESCRIPTION,
        epilog=GATEWAY_EPILOG,
    )
    gateway.add_argument(
        "--env-file",
        type=options.path,
        metavar="F",
        help="read variables that the environment has not, from F",
    )
    gateway.add_argument("--json", action="store_true", help="print the variables as one JSON object")
    gateway.set_defaults(execute=execute_gateway)
    scenario = subcommands.add_parser(
        "run", help="show a scenario from start to end", description=RUN_DESCRIPTION, epilog=RUN_EPILOG
    )
    scenario.add_argument("scenario", metavar="NAME", help="which one")
    scenario.add_argument("--json", action="store_true", help="print the run document on standard output")
    scenario.add_argument(
        "--out", type=options.path, metavar="DIR", help="write the run there (default: reports/<run id>/)"
    )
    scenario.add_argument("--no-experiments", action="store_true", help="find the cause, and do not prove it")
    options.add_lab_servers(scenario)
    scenario.set_defaults(execute=execute_scenario)
    every = subcommands.add_parser(
        "scenarios", help="list what it can break", description=LIST_DESCRIPTION, epilog=LIST_EPILOG
    )
    every.add_argument("names", metavar="GLOB", nargs="*", help="only the scenarios of these names")
    every.add_argument("--json", action="store_true", help="print the list as JSON")
    every.add_argument("--play", action="store_true", help="play them")
    every.add_argument("--healthy", type=int, default=0, metavar="N", help="and N runs with nothing wrong")
    every.add_argument("--write", type=options.path, metavar="FILE", help="write the table as Markdown")
    options.add_lab_servers(every)
    every.set_defaults(execute=execute_list)


def execute(_arguments: argparse.Namespace) -> int:
    """Refuse ``lab`` alone.

    Raises:
        UsageError: always.
    """
    raise errors.UsageError("lab: name a command, such as `repro lab up`; see `repro lab --help`")


def execute_scenario(arguments: argparse.Namespace) -> int:
    """Carry ``lab run`` out."""
    from importlib import import_module  # noqa: PLC0415 - loads the lab, which help does not need

    module = arguments.scenario if arguments.scenario in SHOWS else "scenarios"
    code: int = import_module(f"repro.cli.{module}").run(arguments)
    return code


def execute_gateway(arguments: argparse.Namespace) -> int:
    """Carry ``lab gateway`` out."""
    from repro.cli import gateway  # noqa: PLC0415 - loads the lab, which help does not need

    return gateway.run(arguments)


def execute_list(arguments: argparse.Namespace) -> int:
    """Carry ``lab scenarios`` out."""
    from repro.cli import scenarios  # noqa: PLC0415 - loads the lab, which help does not need

    return scenarios.listing(arguments)


def execute_up(arguments: argparse.Namespace) -> int:
    """Carry ``lab up`` out."""
    from repro.cli import keeping  # noqa: PLC0415 - loads the lab, which help does not need

    return keeping.up(arguments)
