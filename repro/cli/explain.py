"""``repro explain CAUSE``: what it is, how it shows, how to tell it from its look-alikes, the fix."""

from __future__ import annotations

import argparse

from repro.cli import options

DESCRIPTION = "Explain a known cause, or list them all."

EPILOG = options.epilog(
    {
        "repro explain": "all causes, a line each",
        "repro explain sl-localhost-443": "one of them",
        "repro explain --write docs/causes": "a page for each, as Markdown",
    }
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("cause", metavar="CAUSE", nargs="?", help="its id; all of them without one")
    parser.add_argument(
        "--write", type=options.path, metavar="DIR", help="write a page for each cause into this folder"
    )


def execute(arguments: argparse.Namespace) -> int:
    """Carry the command out."""
    from repro.cli import explaining  # noqa: PLC0415 - loads the causes, which help does not need

    return explaining.explain(arguments)
