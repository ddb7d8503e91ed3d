"""One ``repro diff``, from its arguments to its exit code."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from repro.cli import errors, output, terminal
from repro.cli.errors import UsageError, quoted
from repro.cli.reading import refusing
from repro.document import RunError, find_run, open_traces, read_run
from repro.document.reading import by_age
from repro.report import difference
from repro.report.difference import Difference, Side, markdown, text

PREVIOUS = "previous"

_COLOURS: dict[text.Style, str] = {"plain": "", "head": "1", "dim": "2", "a": "31", "b": "32"}
"""The parameters of SGR (ECMA-48, 8.3.117); those of a diff: what was, what is."""


def diff(arguments: argparse.Namespace) -> int:
    """Show what differs between two runs.

    Raises:
        UsageError: there is no such run, it cannot be read, or ``--only`` names no probe of theirs.
    """
    with refusing("diff"):
        a, b = _read(arguments.a), _read(arguments.b)
        found = difference.compare(a, b, _chosen(arguments.only, (a, b)))
    output.write(_shown(found, arguments))
    return errors.OK if found.same else errors.FINDING


def _read(run: str) -> Side:
    file = _previous() if run == PREVIOUS else find_run(run, output.REPORTS)
    document = read_run(file)
    return Side(document, open_traces(file.parent, document))


def _previous() -> Path:
    """The run before the newest one.

    Raises:
        RunError: there are not so many.
    """
    files = by_age(output.REPORTS)
    if len(files) < 2:
        raise RunError(f"fewer than two runs in {output.REPORTS}: make one with `repro run`")
    return files[-2]


def _chosen(values: Sequence[str], sides: Iterable[Side]) -> Callable[[str], bool]:
    """Whether a probe is looked at.

    Raises:
        UsageError: a pattern fits no probe of the runs.
    """
    patterns = [each.strip() for value in values for each in value.split(",") if each.strip()]
    if values and not patterns:
        raise UsageError("--only: names no probe")
    names = {each["name"] for side in sides for each in side.document["probes"]}
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            known = ", ".join(sorted(names))
            raise UsageError(
                f"--only: no probe of the two runs is called {quoted(pattern)}; they have {known}"
            )
    return lambda name: not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)


def _shown(found: Difference, arguments: argparse.Namespace) -> str:
    if arguments.format == "json":
        return difference.as_json(found)
    if arguments.format == "markdown":
        return markdown.render(found, everything=arguments.everything)
    screen = terminal.of(sys.stdout, os.environ)
    width = shutil.get_terminal_size().columns if screen.attended else None
    lines = text.render(found, width=width, everything=arguments.everything)
    return "".join(f"{_styled(line, style, colours=screen.colours)}\n" for line, style in lines)


def _styled(line: str, style: text.Style, *, colours: bool) -> str:
    code = _COLOURS[style] if colours else ""
    return f"\x1b[{code}m{line}\x1b[0m" if code and line else line
