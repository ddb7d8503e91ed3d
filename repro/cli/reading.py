"""Runs that are read again: one that is not there, or cannot be read, is the caller's to mend."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from repro.cli.errors import UsageError, without_urls
from repro.document import RunError


@contextlib.contextmanager
def refusing(command: str) -> Iterator[None]:
    """Translate what a run that cannot be read raises, at the one place of the command line.

    Args:
        command: which one reads it, such as ``report``.

    Raises:
        UsageError: there is no such run, or it cannot be read.
    """
    try:
        yield
    except RunError as error:
        raise UsageError(f"{command}: {without_urls(str(error))}") from error
