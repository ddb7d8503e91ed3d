"""``repro probe NAME``: one probe, live."""

from __future__ import annotations

import argparse

from repro.cli import options

DESCRIPTION = """\
Run one probe and show its stages and what it does on the network as they
happen, a line each: lookups, connects, handshakes, requests, and the messages
that tell of a failure. Nothing is written to a folder.
"""

EPILOG = options.epilog(
    {
        "repro probe ws.neon": "on the lab",
        "repro probe tcp.psycopg --env-file .env": "on what .env names",
        "repro probe push.upstash-rest --json": "its protocol's lines, for a program",
    },
    "exit codes: 0 passed, 1 failed, 2 usage or configuration,\n"
    "            3 could not test (skipped), 130 interrupted",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("name", metavar="NAME", help="its name, such as tcp.psycopg")
    parser.add_argument(
        "--messages", action="store_true", help="each message too: hundreds, once the probe has ended"
    )
    options.add_target(parser)
    parser.add_argument(
        "--json", action="store_true", help="print the probe protocol's lines on standard output"
    )
    options.add_lab_servers(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Carry the command out."""
    from repro.cli import live  # noqa: PLC0415 - loads the whole toolkit, which help does not need

    return live.probe(arguments)
