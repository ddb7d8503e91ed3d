"""One ``repro matrix``, or ``repro merge``, from its arguments to its exit code."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from repro.cli import errors, output, selection, session, target, terminal
from repro.lab.errors import LabError
from repro.lab.process import Lab
from repro.observe.catalog import matching
from repro.observe.plan import DEFAULT_DEADLINE_S, Plan
from repro.versions import marks as marking
from repro.versions import matrix as running
from repro.versions import render
from repro.versions.merge import NotMergeable, merged, read
from repro.versions.specification import BadSpecification, Specification, of_file, of_flags, shard
from repro.versions.trial import Trial

READY_S = 60.0
PROJECT = Path("pyproject.toml")


def matrix(arguments: argparse.Namespace) -> int:
    """Try the cells, show the table, write what was asked for.

    Raises:
        UsageError: something that was asked cannot be done.
        CannotTest: the lab does not start, or a file cannot be written.
    """
    asked = _specification(arguments)
    if arguments.plan:
        output.write(json.dumps(_jobs(asked, arguments.jobs)) + "\n")
        return errors.OK
    patterns = selection.patterns_of(asked.only, node=asked.node)
    expected = None if arguments.baseline is None else _baseline(arguments.baseline)
    aimed = target.resolve(os.environ, wanted=arguments.target, env_file=arguments.env_file)
    session.check_lab_servers(arguments, aimed)
    cells = shard(asked.cells, *(arguments.shard or (1, 1)))
    if not cells:
        raise errors.UsageError(f"--shard: there are {len(asked.cells)} cells, so that this part is empty")
    session.say_target(aimed)
    try:
        with _on(aimed, arguments) as variables:
            plan = Plan(
                run_id=session.new_run_id(),
                kind="env",
                variables=variables,
                entries=matching(patterns, node=asked.node),
                deadline_s=arguments.deadline or DEFAULT_DEADLINE_S,
                commit=arguments.commit or aimed.kind == "lab",
            )
            order = running.Order(cells, plan, asked.repeat)
            tried = running.run(order, _tell, _Counter(len(cells)).done)
    except LabError as error:
        raise errors.CannotTest(f"the lab: {error}") from error
    code = _judged(arguments, tried.trials, expected)
    return errors.INTERRUPTED if tried.interrupted else code


def merge(arguments: argparse.Namespace) -> int:
    """Join documents, show the table, write what was asked for.

    Raises:
        UsageError: a document cannot be read, or is none.
        CannotTest: a file cannot be written.
    """
    expected = None if arguments.baseline is None else _baseline(arguments.baseline)
    return _judged(arguments, merged(map(_document, arguments.runs)), expected)


def _document(path: Path) -> list[Trial]:
    try:
        return read(path)
    except NotMergeable as error:
        raise errors.UsageError(f"{path}: {error}") from error
    except OSError as error:
        raise errors.UsageError(f"{path}: cannot be read ({error.strerror})") from error


def _judged(
    arguments: argparse.Namespace, trials: Sequence[Trial], expected: Mapping[str, Mapping[str, str]] | None
) -> int:
    noted = marking.along(trials) if expected is None else marking.against(trials, expected)
    _show(arguments, trials, noted)
    return exit_code(trials, noted, compared=expected is not None)


def _specification(arguments: argparse.Namespace) -> Specification:
    """The flags' matrix; where they name no axis, the file's, narrowed by the flags."""
    try:
        if arguments.axes:
            cells = tuple(dict.fromkeys(of_flags(arguments.axes)))
            return Specification(cells, tuple(arguments.only), arguments.node, arguments.repeat or 1)
    except BadSpecification as error:
        raise errors.UsageError(str(error)) from error
    path: Path = arguments.config or PROJECT
    try:
        found = of_file(path)
    except BadSpecification as error:
        hint = "" if arguments.config else "; or name versions with --with"
        raise errors.UsageError(f"{path}: {error}{hint}") from error
    except OSError as error:
        raise errors.UsageError(
            f"{path}: cannot be read ({error.strerror}); name versions with --with, or a file with --config"
        ) from error
    return Specification(
        found.cells,
        tuple(arguments.only) or found.only,
        arguments.node or found.node,
        arguments.repeat or found.repeat,
    )


def _jobs(asked: Specification, most: int) -> Mapping[str, Sequence[Mapping[str, object]]]:
    """The strategy's matrix of a job of GitHub's: a part of the cells each."""
    count = min(most, len(asked.cells))
    return {
        "include": [
            {
                "shard": f"{number}/{count}",
                "cells": "; ".join(map(str, shard(asked.cells, number, count))),
            }
            for number in range(1, count + 1)
        ]
    }


def _baseline(path: Path) -> dict[str, dict[str, str]]:
    try:
        return marking.read(path)
    except marking.BadBaseline as error:
        raise errors.UsageError(f"--baseline: {path}: {error}") from error
    except OSError as error:
        raise errors.UsageError(f"--baseline: {path} cannot be read ({error.strerror})") from error


@contextlib.contextmanager
def _on(aimed: target.Target, arguments: argparse.Namespace) -> Iterator[Mapping[str, str]]:
    """The target's variables; the lab runs as long as the block, once for all cells."""
    if aimed.kind == "env":
        yield aimed.variables
        return
    with Lab.launch(postgres_bindir=arguments.postgres_bindir, redis_server=arguments.redis_server) as lab:
        lab.wait_ready(READY_S)
        yield {**aimed.variables, **lab.environment}


def _tell(what: str) -> None:
    errors.tell(f"cell    {what}")


class _Counter:
    """Says each cell as it ends.

    Args:
        of: how many there are.
    """

    def __init__(self, of: int) -> None:
        self._of = of
        self._done = 0

    def done(self, trial: Trial) -> None:
        """Say one."""
        self._done += 1
        states = [found.state for found in trial.verdicts.values()]
        said = (
            "skipped"
            if trial.skipped
            else ", ".join(f"{states.count(each)} {each}" for each in dict.fromkeys(states))
        )
        errors.tell(f"{self._done:>3}/{self._of}  {trial.cell}: {said}")


def _show(arguments: argparse.Namespace, trials: Sequence[Trial], noted: marking.Marks) -> None:
    if arguments.json:
        output.write(render.as_json(trials, noted))
    elif trials:
        symbols = terminal.of(sys.stdout, os.environ).symbols is terminal.UNICODE
        output.write(render.as_text(trials, noted, symbols=symbols))
    errors.tell(render.sentence(trials, noted))
    _written(arguments.markdown, lambda: render.as_markdown(trials, noted))
    _written(arguments.junit, lambda: render.as_junit(trials))
    _written(arguments.write_baseline, lambda: marking.as_baseline(trials))
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(render.as_markdown(trials, noted))
    if os.environ.get("GITHUB_ACTIONS") == "true":
        for line in render.as_annotations(trials, noted):
            errors.tell(line)


def _written(path: Path | None, text: Callable[[], str]) -> None:
    if path is None:
        return
    try:
        path.write_text(text(), encoding="utf-8")
    except OSError as error:
        raise errors.CannotTest(f"{path} cannot be written ({error.strerror})") from error


def exit_code(trials: Sequence[Trial], noted: marking.Marks, *, compared: bool) -> int:
    """What the command comes to.

    Args:
        trials: of the matrix.
        noted: their marks.
        compared: whether a baseline says what is expected.
    """
    if not any(trial.is_tried for trial in trials):
        return errors.COULD_NOT_TEST
    if compared:
        return errors.FINDING if any(noted.values()) else errors.OK
    states = {found.state for trial in trials for found in trial.verdicts.values()}
    return errors.FINDING if states & {"fail", "flaky"} else errors.OK
