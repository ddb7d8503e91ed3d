"""Runs a finished program as anybody would: from an empty folder, without the kit, several times."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from repro.document import Outcome
from repro.probe.failures import classify
from repro.reproduce.bench import LONGEST_S, Bench
from repro.reproduce.program import Program
from repro.reproduce.sameness import masked, phrases

REPETITIONS = 5


@dataclass(frozen=True, slots=True)
class Checked:
    """How often a program failed in the same way.

    Args:
        wanted: how often it was to be run.
        runs: how often there was time to run it.
        failed: how often it failed in the same way.
        output: what it printed when it failed, its error included; without the lines that name files.
    """

    wanted: int
    runs: int
    failed: int
    output: str

    @property
    def every_time(self) -> bool:
        """Whether it did as often as it was to be run."""
        return self.failed == self.wanted


UNCHECKED = Checked(REPETITIONS, 0, 0, "")
"""Of a program that was not run by itself."""


def checked(bench: Bench, program: Program, expected: Outcome, *, times: int = REPETITIONS) -> Checked:
    """Run a program several times, and compare each with what is expected of it.

    Args:
        bench: where.
        program: which one.
        expected: what it came to when it was tried.
        times: how often.
    """
    outputs: list[str] = []
    failing: list[str] = []
    runner = bench.runner(program)
    for _ in range(times):
        if bench.left_s <= 0:
            break
        code, output = _run(bench, program, runner)
        outputs.append(output)
        if code != 0 and _is(expected, output) and _words(output) == _words((failing or outputs)[0]):
            failing.append(output)
    return Checked(times, len(outputs), len(failing), told((failing or outputs or [""])[0]))


_OF_A_TRACE = re.compile(r"\s*(at .*|File \".*|[\^~]+|Traceback .*|Node\.js v.*)?$|(file:)?/\S+:\d+$|    ")


_POINTER = re.compile(r"\s*[\^~]+\s*")
_MOST_OF_A_LINE = 300


def told(output: str) -> str:
    """What was printed, without the stack: its files are this machine's."""
    lines = output.splitlines()
    pointed_at = {number for number, after in enumerate(lines[1:]) if _POINTER.fullmatch(after)}
    kept = (
        line for number, line in enumerate(lines) if number not in pointed_at and not _OF_A_TRACE.match(line)
    )
    return "\n".join(line[:_MOST_OF_A_LINE] for line in kept)


def _is(expected: Outcome, output: str) -> bool:
    """Whether the output holds the error; one that says nothing is told by the program's last word alone."""
    known = phrases(expected)
    seen = masked(output)
    if expected["status"] == "timeout" or not known or any(each in seen for each in known):
        return True
    return _failure(expected) in LOST and classify(RuntimeError(output)).failure in LOST


LOST = frozenset({"eof", "connection_reset"})
"""A connection that the server ended: drivers name it either way, by turns."""


def _failure(expected: Outcome) -> str:
    return expected["error"]["failure"] if expected["error"] is not None else ""


def _words(output: str) -> str:
    """What had worked before the error."""
    known = ("opened", "upgraded", "begun", "inserted", "committed", "pushed")
    return " ".join(line for line in output.splitlines() if line in known)


def _run(bench: Bench, program: Program, runner: str) -> tuple[int, str]:
    """The exit code and all that was printed; a program that does not end in time has the code 124."""
    file = bench.laid(program)
    process = subprocess.Popen(
        [runner, file.name],
        cwd=file.parent,
        env=_unbuffered(bench.environment(program)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=min(LONGEST_S, max(bench.left_s, 1.0)))
    except subprocess.TimeoutExpired:
        _kill(process)
        output, _ = process.communicate()
        return 124, output
    except BaseException:
        _kill(process)
        process.wait()
        raise
    return process.returncode, output


def _unbuffered(environ: Mapping[str, str]) -> dict[str, str]:
    return {**environ, "PYTHONUNBUFFERED": "1"}


def _kill(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
