"""The command ``repro``, and ``python -m repro``."""

from __future__ import annotations

import os

TYPE_CHECKING = False  # as in `repro.cli.parser`
if TYPE_CHECKING:
    from typing import NoReturn


def start() -> NoReturn:
    """Load the program and run it; a Ctrl-C that meets it while it loads ends it as one does later."""
    try:
        from repro.cli import program  # noqa: PLC0415 - it may be interrupted
    except KeyboardInterrupt:
        os._exit(130)
    program()


if __name__ == "__main__":
    start()
