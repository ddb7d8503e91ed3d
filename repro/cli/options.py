"""The flags that several commands share, and how their values are read."""

from __future__ import annotations

import argparse

TYPE_CHECKING = False  # as in `repro.cli.parser`
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_MOST = 1000

_LONGEST_S = 86_400.0
"""Seconds that a deadline may name: a longer one is a slip, and clocks have their ends."""

_COMMAND_COLUMNS = 34
"""A longer command stands on a line of its own, so that every help text fits 80 columns."""


def epilog(examples: Mapping[str, str], more: str = "") -> str:
    """The end of a help text: commands to try, with what each does, and anything else."""
    width = max((len(command) for command in examples if len(command) <= _COMMAND_COLUMNS), default=0)
    lines = [line for example in examples.items() for line in _example(*example, width)]
    return "\n".join(["examples:", *lines, *(["", more] if more else [])])


def _example(command: str, meaning: str, width: int) -> list[str]:
    """A command beside its meaning, or above it where it is too long for that."""
    if len(command) <= width:
        return [f"  {command:<{width}}  {meaning}"]
    return [f"  {command}", f"  {'':<{width}}  {meaning}"]


def count(text: str) -> int:
    """A number of repetitions or jobs."""
    number = int(text) if text.isdecimal() else 0
    if not 1 <= number <= _MOST:
        raise argparse.ArgumentTypeError(f"must be a number from 1 to {_MOST}")
    return number


def add_only(parser: argparse.ArgumentParser) -> None:
    """The flag that names the probes."""
    parser.add_argument(
        "--only",
        action="append",
        metavar="GLOB",
        default=[],
        help="only the probes of these names; may be repeated, and be a list with commas",
    )


def add_show_hosts(parser: argparse.ArgumentParser) -> None:
    """The flag that says that whose target it is may be told."""
    parser.add_argument(
        "--show-hosts",
        action="store_true",
        help="write foreign hosts, their addresses and users as they are, and not as tokens",
    )


def add_target(parser: argparse.ArgumentParser, deadline_of: str = "the whole run") -> None:
    """The flags that say where the database and the queue are.

    Args:
        parser: of the command.
        deadline_of: what ``--deadline`` is for, in words.
    """
    group = parser.add_argument_group(
        "target",
        "DATABASE_URL (or POSTGRES_URL), UPSTASH_REDIS_URL, and UPSTASH_REDIS_REST_URL\n"
        "with its UPSTASH_REDIS_REST_TOKEN: from the environment, else from the file;\n"
        "the lab where none of them is set.",
    )
    group.add_argument(
        "--target", choices=("lab", "env"), help="lab: local servers, whatever is set; env: only what is set"
    )
    group.add_argument(
        "--env-file", type=path, metavar="F", help="read variables that the environment has not, from F"
    )
    group.add_argument(
        "--commit",
        action="store_true",
        help="write durably on the target, in a schema of the run's own that is dropped; the lab always does",
    )
    group.add_argument(
        "--deadline", type=positive_seconds, metavar="S", help=f"seconds for {deadline_of} (default: 120)"
    )


def add_results(parser: argparse.ArgumentParser) -> None:
    """The flags that say in which forms a matrix is shown and written."""
    group = parser.add_argument_group("results", "The table is on standard output, unless --json is.")
    group.add_argument("--json", action="store_true", help="print the matrix as JSON instead of the table")
    group.add_argument("--markdown", type=path, metavar="FILE", help="write it as Markdown")
    group.add_argument("--junit", type=path, metavar="FILE", help="write it as JUnit's XML")
    group.add_argument("--baseline", type=path, metavar="FILE", help="compare with what is expected")
    group.add_argument("--write-baseline", type=path, metavar="FILE", help="write what came out")


def add_lab_servers(parser: argparse.ArgumentParser) -> None:
    """The flags that name this system's own servers for the lab."""
    group = parser.add_argument_group(
        "servers of the lab", "The installed wheels' servers, or this system's own."
    )
    group.add_argument(
        "--postgres-bindir", type=path, metavar="DIR", help="a folder with postgres and initdb"
    )
    group.add_argument(
        "--redis-server", type=path, metavar="FILE", help="a redis-server or valkey-server program"
    )


def path(text: str) -> Path:
    """A path, which a URL is not: it may hold a password, and paths are said again in messages.

    Raises:
        argparse.ArgumentTypeError: it is empty or a URL.
    """
    if not text.strip() or "://" in text:
        raise argparse.ArgumentTypeError("give a path")
    from pathlib import Path  # noqa: PLC0415 - help needs none

    return Path(text)


def positive_seconds(text: str) -> float:
    """A number of seconds above zero, and at most a day.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= _LONGEST_S:
        raise argparse.ArgumentTypeError(f"give a number of seconds above zero, at most {_LONGEST_S:g}")
    return value
