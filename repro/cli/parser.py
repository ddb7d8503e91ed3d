"""The parser of the whole command line, whose complaints are one line each."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from repro.cli import (
    bisect,
    decide,
    diff,
    errors,
    explain,
    lab,
    matrix,
    merge,
    minimise,
    probe,
    report,
    run,
    trace,
)
from repro.cli.options import epilog

DESCRIPTION = """\
One transaction, every driver. See where they part, prove why, and file it.

Runs the same production transaction through every Postgres driver and
transport, and the same push through both Redis transports; records what each
really did, and writes a report that an upstream maintainer can act on.
"""

EPILOG = epilog(
    {
        "repro run": "all probes on servers of its own",
        "DATABASE_URL=postgresql://... repro run": "the same against a database of yours",
        "repro run --only 'tcp.*' --json": "some probes, the result as JSON",
        "repro report latest": "the last run's report",
    },
    """\
exit codes:
  0    all tested and all agree
  1    a finding
  2    usage or configuration
  3    could not test
  130  interrupted; what was seen so far is written
""",
)


_CHOICE = re.compile(r"invalid choice: .*?(?=\(choose from |\Z)", re.DOTALL)
"""Where argparse quotes what was typed, which may hold a password."""


class Parser(argparse.ArgumentParser):
    """Takes no abbreviations, and raises instead of printing its usage."""

    def __init__(self, **options: Any) -> None:
        options["formatter_class"] = argparse.RawDescriptionHelpFormatter
        options["allow_abbrev"] = False
        super().__init__(**options)

    def error(self, message: str) -> NoReturn:
        """Turn a complaint into a `UsageError`."""
        told = errors.without_urls(_CHOICE.sub("no such choice; ", message))
        raise errors.UsageError(f"{told}; see `{self.prog} --help`")


class _Version(argparse.Action):
    """Prints the versions only when they are asked for: finding them out loads libpq."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,  # noqa: ARG002 - argparse's own signature
        values: str | Sequence[Any] | None,  # noqa: ARG002
        option_string: str | None = None,  # noqa: ARG002
    ) -> None:
        from repro.cli import output, version  # noqa: PLC0415 - see the class

        output.write(version.block())
        parser.exit()


def build() -> argparse.ArgumentParser:
    """The parser with all commands."""
    parser = Parser(prog="repro", description=DESCRIPTION, epilog=EPILOG)
    parser.add_argument(
        "--version", action=_Version, nargs=0, help="the versions of everything, to paste into a report"
    )
    parser.set_defaults(execute=_nothing_asked)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    for command in (run, probe, trace, report, diff, decide, explain, minimise, matrix, bisect, merge, lab):
        command.add_parser(commands)
    return parser


def _nothing_asked(_arguments: argparse.Namespace) -> int:
    build().print_help(sys.stderr)
    return errors.USAGE
