"""Finished programs, run by themselves."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from repro.reproduce import checking
from repro.reproduce.bench import Bench
from repro.reproduce.checking import checked, told
from repro.reproduce.drivers import DRIVERS
from repro.reproduce.place import Place
from repro.reproduce.program import Program
from tests.diagnose.test_engine import outcome

PROGRAM = Program(DRIVERS["tcp.asyncpg"], (), Place("DATABASE_URL"), {})
EXPECTED = outcome("tcp.asyncpg", failure="connection_refused", message="refused at port 4711")


@dataclass
class Laid:
    """A bench whose programs have a text of ours."""

    folder: Path
    texts: list[str]
    left_s: float = 60.0

    def runner(self, _program: Program) -> str:
        return sys.executable

    def laid(self, program: Program) -> Path:
        file = self.folder / program.file
        file.write_text(self.texts.pop(0))
        return file

    def environment(self, _program: Program) -> Mapping[str, str]:
        return dict(os.environ)


def results(tmp_path: Path, *texts: str) -> checking.Checked:
    return checked(cast("Bench", Laid(tmp_path, list(texts))), PROGRAM, EXPECTED, times=len(texts))


def fails(word: str, message: str) -> str:
    return f"print({word!r})\nraise OSError({message!r})"


@pytest.mark.parametrize(
    ("second", "failed"),
    [
        (fails("opened", "refused at port 80"), 2),  # another number is no other failure
        (fails("opened", "reset"), 1),
        (fails("begun", "refused at port 80"), 1),  # it came further
        ("pass", 1),
    ],
)
def test_only_the_same_failure_counts(second: str, failed: int, tmp_path: Path) -> None:
    found = results(tmp_path, fails("opened", "refused at port 4711"), second)

    assert (found.runs, found.failed, found.every_time) == (2, failed, failed == 2)
    assert found.output.split("\n") == ["opened", "OSError: refused at port 4711"]


def test_one_that_does_not_end_is_ended_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "LONGEST_S", 1.0)
    text = (
        "import subprocess, sys\n"
        "subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"  # it has the same output
    )
    before = time.monotonic()

    found = results(tmp_path, text)

    assert (found.runs, found.failed) == (1, 0)
    assert time.monotonic() - before < 30  # the end of the output is the end of the last that had it


def test_what_is_told_has_no_stack_and_no_file_of_this_machine() -> None:
    printed = """\
opened
Traceback (most recent call last):
  File "/home/somebody/x.py", line 3, in <module>
    connect()
    ^^^^^^^^^
ValueError: no
file:///home/somebody/x.mjs:3
minified(code)
        ^

Error: connect ECONNREFUSED
    at file:///home/somebody/x.mjs:3:1 {
  [cause]: Error: why
}

Node.js v20.0.0"""
    assert told(printed).split("\n") == [
        "opened",
        "ValueError: no",
        "Error: connect ECONNREFUSED",
        "  [cause]: Error: why",
        "}",
    ]
