"""``repro run``: the probes on the target, the diagnosis, and the report."""

from __future__ import annotations

import argparse

from repro.cli import options

DESCRIPTION = """\
Run the production transaction through every driver, and the push through both
Redis transports, side by side; compare what each did, and write run.json,
report.md and a trace a probe.

Without a target in the environment the lab is started: real servers on
loopback, gone when the run ends. On a target of yours nothing durable is left
behind; without --commit nothing durable is written at all.
"""

EPILOG = options.epilog(
    {
        "repro run": "everything on the lab",
        "repro run --env-file .env": "on what .env names",
        "repro run --only 'tcp.*,ws.neon'": "some probes",
        "repro run --target lab --json": "on the lab; the document on stdout",
        "repro run --postgres-bindir /usr/lib/postgresql/17/bin": "with this system's Postgres in the lab",
    },
    "The table's marks, in the order of the stages:\n"
    "  dial   resolve connect tls upgrade     auth   authenticate\n"
    "  write  begin insert commit, or push    check  read_back atomicity cleanup\n\n"
    "exit codes: 0 all agree, 1 a finding, 2 usage or configuration,\n"
    "            3 could not test, 130 interrupted",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    options.add_only(parser)
    parser.add_argument(
        "--node",
        action="store_true",
        help="the original Node drivers too; their pinned packages are installed once, with npm",
    )
    options.add_target(parser)
    parser.add_argument(
        "--no-experiments", action="store_true", help="find causes, and do not prove them by experiment"
    )
    options.add_show_hosts(parser)
    parser.add_argument(
        "--tap",
        action="store_true",
        help="lead connections through a tap too, for drivers that hide their messages (Linux; an observer)",
    )
    parser.add_argument(
        "--pcap",
        action="store_true",
        help="write trace.pcapng for Wireshark, rebuilt from the messages, without their values",
    )
    parser.add_argument("--json", action="store_true", help="print the run document alone on standard output")
    parser.add_argument(
        "--out", type=options.path, metavar="DIR", help="write the run there (default: reports/<run id>/)"
    )
    options.add_lab_servers(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Carry the command out."""
    from repro.cli import session  # noqa: PLC0415 - loads the whole toolkit, which help does not need

    return session.run(arguments)
