"""``repro explain CAUSE``: what it is, how it shows, how to tell it from its look-alikes, the fix."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from repro.cli import options

if TYPE_CHECKING:
    from repro.cli.options import Subparsers

DESCRIPTION = "Explain a known cause, or list them all."

EPILOG = options.epilog(
    {
        "repro explain": "all causes, a line each",
        "repro explain sl-localhost-443": "one of them",
        "repro explain --write docs/causes": "a page for each, as Markdown",
    }
)


def add_parser(commands: Subparsers) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "explain", help="what a cause is, and what to do about it", description=DESCRIPTION, epilog=EPILOG
    )
    parser.add_argument("cause", metavar="CAUSE", nargs="?", help="its id; all of them without one")
    parser.add_argument(
        "--write", type=options.path, metavar="DIR", help="write a page for each cause into this folder"
    )
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace) -> int:
    """Carry the command out."""
    from repro.cli import explaining  # noqa: PLC0415 - loads the causes, which help does not need

    return explaining.explain(arguments)
