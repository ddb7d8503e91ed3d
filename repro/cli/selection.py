"""Which probes ``--only`` names."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from repro.cli.errors import UsageError, quoted
from repro.observe.catalog import NAMES, NODE_NAMES, Entry, matching, third_party


def patterns_of(values: Sequence[str], *, node: bool = False) -> list[str]:
    """The patterns of a repeatable flag whose values are lists with commas.

    Raises:
        UsageError: a value names nothing at all, or a pattern fits no probe.
    """
    patterns: list[str] = []
    for value in values:
        given = [each.strip() for each in value.split(",") if each.strip()]
        if not given:
            raise UsageError(f"--only: names no probe; {_the_probes()}")
        patterns += given
    for pattern in patterns:
        if not node and not matching([pattern]) and matching([pattern], node=True):
            raise UsageError(f"--only: {quoted(pattern)} names Node probes; add --node")
        if not matching([pattern], node=node):
            raise UsageError(f"--only: {_unknown(pattern)}")
    return patterns


def named(name: str) -> Entry:
    """The one probe of a name.

    Raises:
        UsageError: there is none.
    """
    found = [entry for entry in matching((), node=True) if entry.name == name]
    if not found:
        raise UsageError(_unknown(name))
    return found[0]


def _unknown(pattern: str) -> str:
    known = (*NAMES, *NODE_NAMES, *(entry.name for entry in third_party()))
    close = difflib.get_close_matches(pattern, known, n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    return f"no probe is called {quoted(pattern)}; {hint}{_the_probes()}"


def _the_probes() -> str:
    own = ", ".join((*NAMES, *(entry.name for entry in third_party())))
    return f"the probes are {own}, and with --node {', '.join(NODE_NAMES)}"
