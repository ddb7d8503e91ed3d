"""The parser of the whole command line, whose complaints are one line each."""

from __future__ import annotations

import argparse
import os
import re
import sys
from importlib import import_module

from repro.cli import errors
from repro.cli.options import epilog

TYPE_CHECKING = False  # as type checkers know it; `typing` itself takes a tenth of the time of the help
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any, NoReturn

COMMANDS = {
    "run": "run the probes on the target and write the report",
    "probe": "run one probe, live",
    "trace": "any program's lookups, connects and messages, live",
    "report": "print the report of a run",
    "diff": "two runs side by side, and where they part",
    "decide": "write a decision record from a run's evidence",
    "explain": "what a cause is, and what to do about it",
    "minimise": "the smallest program that fails as a probe did",
    "bench": "the drivers side by side: what each takes",
    "matrix": "the probes over versions of packages",
    "bisect": "the version that broke or repaired it",
    "merge": "join what several machines came to",
    "lab": "local Postgres, Valkey and gateways",
}
"""Each command, in the help's order, and what it does. The module of its name has the rest: `DESCRIPTION`,
`EPILOG`, `add_arguments` and `execute`."""

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
  4    a budget of repro bench was exceeded
  130  interrupted; what was seen so far is written
""",
)


_CHOICE = re.compile(r"invalid choice: '?(?P<typed>.*?)'? ?(?=\(choose from |\Z)", re.DOTALL)
"""Where argparse quotes what was typed, which may hold a password."""

_WORD = re.compile(r"[\w.-]+")

_STANDARD_OUTPUT = 1


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """As wide as the terminal; told so, argparse need not load compression to find it out by `shutil`."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_columns() - 2)


def _columns() -> int:
    """The terminal's width: what ``COLUMNS`` says, else what standard output has, else 80."""
    told = os.environ.get("COLUMNS", "")
    if told.isdecimal() and int(told) > 0:
        return int(told)
    try:
        return os.get_terminal_size(_STANDARD_OUTPUT).columns or 80
    except OSError:  # it is closed, or no terminal
        return 80


class Parser(argparse.ArgumentParser):
    """Takes no abbreviations, and raises instead of printing its usage."""

    def __init__(self, **options: Any) -> None:
        options["formatter_class"] = _Formatter
        options["allow_abbrev"] = False
        super().__init__(**options)

    def parse_known_args(  # type: ignore[override]  # as it is called here
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """As argparse does, but nothing may be left over: the command that it was given to knows its options.

        Raises:
            UsageError: something is.
        """
        found, extra = super().parse_known_args(args, namespace)
        if extra:
            raise errors.UsageError(self._too_much(extra[0]))
        return found, extra

    def error(self, message: str) -> NoReturn:
        """Turn a complaint into a `UsageError`."""
        wrong = _CHOICE.search(message)
        told = errors.without_urls(_CHOICE.sub("no such choice ", message))
        meant = "" if wrong is None else _meant(wrong["typed"], _WORD.findall(message[wrong.end() :]))
        raise errors.UsageError(f"{told}{meant}; see `{self.prog} --help`")

    def _too_much(self, extra: str) -> str:
        """What was not understood, without the value: it may be a URL with its password."""
        see = f"see `{self.prog} --help`"
        if extra.startswith("--"):
            option = extra.partition("=")[0]
            meant = _meant(option, self._option_string_actions)
            return f"unknown option {errors.quoted(option)}{meant}; {see}"
        if extra.startswith("-"):
            return f"unknown option {extra[:2]}; {see}"
        if "://" in extra:
            return "a URL is no argument here; put it into DATABASE_URL or an --env-file"
        return f"too many arguments; {see}"


def _meant(typed: str, known: Iterable[str]) -> str:
    """What a slip of the finger was meant to be, if anything is near."""
    from difflib import get_close_matches  # noqa: PLC0415 - for what goes wrong only

    near = get_close_matches(typed, known, n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""


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


def build(argv: Sequence[str] | None = None) -> argparse.ArgumentParser:
    """The parser of the command line.

    Args:
        argv: the arguments that it will read. Of the command that they name the parser is made, and of the
            others only the line in the help. All are made where this is None.
    """
    parser = Parser(prog="repro", description=DESCRIPTION, epilog=EPILOG)
    parser.add_argument(
        "--version", action=_Version, nargs=0, help="the versions of everything, to paste into a report"
    )
    parser.set_defaults(execute=_nothing_asked)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    made = set(COMMANDS) if argv is None else {next((word for word in argv if word in COMMANDS), None)}
    for name, what in COMMANDS.items():
        if name in made:
            command = import_module(f"repro.cli.{name}")
            below = commands.add_parser(
                name, help=what, description=command.DESCRIPTION, epilog=command.EPILOG
            )
            command.add_arguments(below)
            below.set_defaults(execute=command.execute)
        else:
            commands.add_parser(name, help=what, add_help=False)
    return parser


def _nothing_asked(_arguments: argparse.Namespace) -> int:
    build(()).print_help(sys.stderr)
    return errors.USAGE
