"""Standard output, for other programs; and the folder that a run is written to."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from pathlib import Path

from repro.cli.errors import CannotTest, UsageError
from repro.redaction import Redactor, SecretFound

REPORTS = Path("reports")
FILES_OF_A_RUN = ("run.json", "report.md", "report.html", "trace", "bench.json", "bench.html")


def write(text: str) -> None:
    """Write to standard output as UTF-8, whatever the locale; a reader that has left is no error.

    Raises:
        CannotTest: it is closed, or its device is full.
    """
    if sys.stdout is None:
        raise CannotTest("standard output is closed, so the answer is lost")
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        forget_standard_output()
    except OSError as error:
        forget_standard_output()
        raise CannotTest(f"standard output cannot be written ({error.strerror})") from error


def forget_standard_output() -> None:
    """Point descriptor 1 at nothing, so that the interpreter's last flush does not complain."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def checked(text: str, redactor: Redactor, what: str) -> str:
    """A text that is about to be shown or written, after a last look for secrets.

    Args:
        text: it.
        redactor: knows the secrets.
        what: it is, for the message.

    Raises:
        CannotTest: it holds one; a bug.
    """
    try:
        redactor.check(text.encode("utf-8", "backslashreplace"), what)
    except SecretFound as error:
        raise CannotTest(f"{error}, so nothing is written") from error
    return text


class RunFolder:
    """The folder of one run: made and tried before anything starts, and taken away if nothing came of it.

    Args:
        path: the folder.

    Raises:
        UsageError: it cannot be written to, or holds a run already.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._made: list[Path] = []
        try:
            self._make(path)
            with tempfile.TemporaryFile(dir=path):
                pass
        except OSError as error:
            self.drop_if_empty()
            raise UsageError(
                f"--out {path}: cannot be written to ({error.strerror}); name a folder that can"
            ) from error
        taken = next((name for name in FILES_OF_A_RUN if (path / name).exists()), None)
        if taken is not None:
            raise UsageError(f"--out {path}: holds {taken} of another run; name another folder, or remove it")

    def _make(self, path: Path) -> None:
        missing = [each for each in (path, *path.parents) if not each.exists()]
        for each in reversed(missing):
            each.mkdir(exist_ok=True)
            self._made.append(each)

    def drop_if_empty(self) -> None:
        """Take away what was made here, as far as nothing is in it."""
        for each in reversed(self._made):
            with contextlib.suppress(OSError):
                each.rmdir()
