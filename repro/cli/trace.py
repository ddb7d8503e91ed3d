"""``repro trace -- COMMAND``: any program's lookups, connects and messages, live."""

from __future__ import annotations

import argparse

from repro.cli import options
from repro.cli.errors import UsageError

DESCRIPTION = """\
Run a program and show what it and its children do on the network, a line an
event, on standard error: the names they look up, every address they dial with
the real result, and the messages of Postgres, Redis, HTTP and WebSocket with
all values taken out. No root, no change to the program. Linux.

Connections that succeed are led through a tap, one hop on this machine, so
that their messages can be read; an address that does not answer is dialled by
the program itself. --no-tap leaves all connections alone and shows connects
and lookups only. --tls looks inside TLS too: the program is told to trust a
certificate made for this one run, and libpq's channel binding is switched off.

Set-user-ID programs run without their rights. The exit code is the program's.
"""

EPILOG = options.epilog(
    {
        "repro trace -- psql -c 'SELECT 1'": "what psql says, and is told",
        "repro trace --no-tap -- node app.js": "which addresses are dialled, and no more",
        "repro trace -o t.jsonl -- pytest": "the events as JSON lines too",
        "repro trace --pcapng t.pcapng -- ./app": "for Wireshark, rebuilt without values",
    },
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument(
        "--format",
        choices=("timeline", "json", "node"),
        default="timeline",
        help="how events are shown: timeline (default), JSON lines, or as NODE_DEBUG=net,tls,http shows them",
    )
    tap = parser.add_mutually_exclusive_group()
    tap.add_argument("--no-tap", action="store_true", help="lead nothing through a tap: no messages are seen")
    tap.add_argument("--tls", action="store_true", help="look inside TLS")
    parser.add_argument("--quiet", action="store_true", help="show nothing; for -o and its like")
    parser.add_argument("-o", "--out", type=options.path, metavar="F", help="write the events as JSON lines")
    parser.add_argument("--pcapng", type=options.path, metavar="F", help="write them for Wireshark")
    parser.add_argument(
        "--otel", type=options.path, metavar="F", help="write them under OpenTelemetry's attribute names"
    )
    parser.add_argument("--ooni", type=options.path, metavar="F", help="write them as OONI's netevents")
    parser.add_argument("words", metavar="COMMAND", nargs=argparse.REMAINDER, help="behind `--`: the program")


def execute(arguments: argparse.Namespace) -> int:
    """Carry the command out.

    Raises:
        UsageError: there is no command.
    """
    words = arguments.words[1:] if arguments.words[:1] == ["--"] else arguments.words
    if not words or "://" in words[0]:  # a URL may hold a password, and a command is said again
        raise UsageError("give a command behind `--`, such as: repro trace -- psql")
    from repro.cli import tracing  # noqa: PLC0415 - loads the whole toolkit, which help does not need

    return tracing.trace(arguments, words)
