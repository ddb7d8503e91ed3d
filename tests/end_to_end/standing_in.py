"""The command line with this interpreter in the place of the environments that want a registry.

``python -m tests.end_to_end.standing_in matrix --with asyncpg=1.0.0``
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from repro.cli import program
from repro.cli.signals import terminating_like_interrupt


def stand_in() -> None:
    """Put this interpreter, which has the packages that the project wants, in their place."""
    from repro.cli import bisecting  # noqa: PLC0415 - a signal may come meanwhile
    from repro.environments import python  # noqa: PLC0415

    def this_interpreter(*_asked: Any, **_more: Any) -> python.Environment:
        return python.Environment(Path(sys.executable), {})

    def two_releases(*_asked: Any, **_more: Any) -> list[str]:
        return ["1.0.0", "2.0.0"]

    python.provide = this_interpreter
    vars(bisecting)["releases"] = two_releases


if __name__ == "__main__":
    try:
        with terminating_like_interrupt():
            stand_in()
            program()
    except KeyboardInterrupt:
        os._exit(130)
