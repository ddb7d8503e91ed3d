"""Commands to type, made from the arguments that were given: to repeat a run, and to say how it was made."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence


def run(arguments: argparse.Namespace, *, only: Sequence[str] = ()) -> str:
    """The ``repro run`` that does the same again; where it is written is left to the default.

    Args:
        arguments: those of the run.
        only: probes to narrow it to; as it was where this is empty.
    """
    words = ["repro", "run", *(["--only", ",".join(only)] if only else _repeated("--only", arguments.only))]
    for flag in ("--target", "--env-file", "--deadline", "--postgres-bindir", "--redis-server"):
        value = getattr(arguments, flag[2:].replace("-", "_"))
        if value is not None:
            words += [flag, f"{value:g}" if isinstance(value, float) else str(value)]
    words += [
        flag
        for flag in ("--node", "--commit", "--no-experiments", "--show-hosts", "--tap", "--pcap")
        if getattr(arguments, flag[2:].replace("-", "_"))
    ]
    return shlex.join(words)


def _repeated(flag: str, values: Sequence[str]) -> list[str]:
    return [word for value in values for word in (flag, value)]
