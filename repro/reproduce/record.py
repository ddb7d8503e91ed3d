"""What is kept of a reproduction beside its program, in the ``reproductions`` folder of a run."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from repro import plain_json

FOLDER = "reproductions"
SCHEMA = "txrepro/reproduction/1"

MOST_OUTPUT = 4_000
"""Characters kept of what it printed: the end, where the error stands."""


@dataclass(frozen=True, slots=True)
class Reproduction:
    """A program that was written and checked.

    Args:
        probe: which one it stands for.
        file: the program's name in the folder.
        install: the command that installs its packages.
        command: the command that runs it, with the form of each setting.
        settings: the variables that it wants.
        target: what it needs of a target, or what stands in for it.
        failure_before: how the probe failed.
        failure_after: how the program fails.
        parts: how many there were of each kind, and how many are left.
        kept: what is left, in words.
        trials: how many programs were tried.
        stopped: why the search ended early; empty where nothing can be left out any more.
        wanted: how often it was to be run from an empty folder.
        runs: how often there was time for that.
        failed: how often it failed in the same way.
        output: what it printed.
        text: the program; read from its file.
    """

    probe: str
    file: str
    install: str
    command: str
    settings: Sequence[str]
    target: str
    failure_before: str
    failure_after: str
    parts: Mapping[str, Sequence[int]]
    kept: Sequence[str]
    trials: int
    stopped: str
    wanted: int
    runs: int
    failed: int
    output: str
    text: str

    @property
    def every_time(self) -> bool:
        """Whether it failed in the same way as often as it was to be run."""
        return self.failed == self.wanted > 0

    def as_json(self) -> dict[str, Any]:
        """It as JSON data, with its schema's name; without the program, which has a file of its own."""
        told = asdict(self)
        del told["text"]
        return {"schema": SCHEMA, **told}


def redacted(made: Reproduction, value: Callable[[Any], Any]) -> Reproduction:
    """It without what a driver may have quoted. The program and its command name nothing of a target.

    Args:
        made: it.
        value: takes secrets, foreign hosts and users out of JSON data.
    """
    return replace(
        made,
        output=value(made.output),
        failure_before=value(made.failure_before),
        failure_after=value(made.failure_after),
        kept=value(made.kept),
    )


def write(folder: Path, made: Reproduction, check: Callable[[bytes, str], None]) -> Path:
    """Write a program and its record, the record last; one of the same probe is replaced.

    Args:
        folder: the run's.
        made: what is written.
        check: searches bytes for secrets, and raises where there is one; nothing is written then.

    Returns:
        The program's file.

    Raises:
        OSError: the folder cannot be written.
    """
    place = folder / FOLDER
    program = made.text.encode("utf-8", "backslashreplace")
    record = (plain_json.dumps(made.as_json(), indent=2) + "\n").encode("utf-8", "backslashreplace")
    check(program, made.file)
    check(record, f"{made.file}.json")
    place.mkdir(exist_ok=True)
    _replace(place / made.file, program)
    _replace(place / f"{made.file}.json", record)
    return place / made.file


def _replace(file: Path, data: bytes) -> None:
    beside = file.with_name(f".{file.name}.writing")
    beside.write_bytes(data)
    beside.replace(file)


def read(folder: Path) -> list[Reproduction]:
    """The reproductions of a run, by their files' names; one that cannot be read is left out.

    Args:
        folder: the run's.
    """
    found = []
    for record in sorted((folder / FOLDER).glob("*.json")):
        try:
            told = json.loads(record.read_text(encoding="utf-8"))
            if told.pop("schema", None) != SCHEMA:
                continue
            text = (folder / FOLDER / Path(told["file"]).name).read_text(encoding="utf-8")
            found.append(Reproduction(**told, text=text))
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            continue
    return found
