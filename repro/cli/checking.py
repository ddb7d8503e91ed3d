"""``repro report --check FILE``: whether a report can be filed as it is."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from repro.cli import errors, target
from repro.cli.errors import UsageError
from repro.probe.secrets import known_secrets
from repro.report.checking.check import Problem, problems

MOST_BYTES = 4 << 20


def check(file: Path, env_file: Path | None) -> int:
    """Tell what is wrong with a report, a line each on standard error.

    Args:
        file: Markdown; ``-`` for standard input.
        env_file: whose secrets the report must not hold, besides the environment's.

    Raises:
        UsageError: a file cannot be read.
    """
    text = _read(file)
    found = problems(text, secrets=_secrets(env_file))
    for each in found:
        errors.tell(
            f"{_name(file)}:{each.line}: {'' if each.fails else 'worth a look: '}{errors.plain(_told(each))}"
        )
    if any(each.fails for each in found):
        return errors.FINDING
    errors.tell(f"{_name(file)}: ready, {len(text):,} characters")
    return errors.OK


def _told(problem: Problem) -> str:
    return f"{problem.what}; {problem.remedy}"


def _name(file: Path) -> str:
    return "standard input" if str(file) == "-" else errors.plain(str(file))


def _read(file: Path) -> str:
    try:
        if str(file) == "-":
            data = sys.stdin.buffer.read(MOST_BYTES + 1)
        else:
            with file.open("rb") as stream:
                data = stream.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise UsageError(f"--check {_name(file)}: is no report, it has more than {MOST_BYTES >> 20} MiB")
        return data.decode("utf-8")
    except OSError as error:
        raise UsageError(f"--check {_name(file)}: cannot be read ({error.strerror}); name a file") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"--check {_name(file)}: is no UTF-8 text; save it as such") from error


def _secrets(env_file: Path | None) -> Sequence[str]:
    """Those of the environment, and of the file."""
    read = {} if env_file is None else target.read_env_file(env_file)
    return known_secrets({name: entry.value for name, entry in read.items()}, os.environ)
