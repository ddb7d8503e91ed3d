"""The command line: ``repro``.

One module a command, each with its arguments and what it does. Nothing heavy is imported before a command
runs, and of the commands only the one that was named, so that ``repro --help`` answers at once. Standard
output carries what another program may read and nothing else; everything for people goes to standard error.
"""

from __future__ import annotations

import contextlib
import os
import sys

from repro.cli import errors, signals

TYPE_CHECKING = False  # as in `repro.cli.parser`
if TYPE_CHECKING:
    import argparse
    from typing import NoReturn


def main(argv: list[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: the arguments after the program's name; those of the process by default.

    Returns:
        The exit code: 0 all tested and all agree, 1 a finding, 2 usage or configuration, 3 could not test,
        130 interrupted.
    """
    try:
        with signals.terminating_like_interrupt():
            arguments = parse(sys.argv[1:] if argv is None else argv)
            code: int = arguments.execute(arguments)
            return code
    except BrokenPipeError:
        return errors.OK
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last place to tell one
        return errors.report(error)


def program() -> NoReturn:
    """Run the command that the process was started with, and leave the process.

    An interrupted one leaves by ``os._exit``: CPython remembers a Ctrl-C that met it inside ``exec`` (while a
    dataclass was made, say), and would end with the signal whatever the exit code, although all was said.
    """
    code = main()
    if code == errors.INTERRUPTED:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                with contextlib.suppress(OSError, ValueError):
                    stream.flush()
        os._exit(code)
    sys.exit(code)


def parse(argv: list[str]) -> argparse.Namespace:
    """Read the arguments of a command; ``execute`` of the result carries it out.

    Raises:
        UsageError: they cannot be read.
        SystemExit: help or the version was asked for, and shown.
    """
    from repro.cli.parser import build  # noqa: PLC0415 - a caller that only imports `main` pays for nothing

    return build(argv).parse_args(argv)
