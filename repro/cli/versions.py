"""One ``repro matrix``, or ``repro merge``, from its arguments to its exit code."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import secrets
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from repro.cli import errors, github, output, selection, session, staging, target, terminal
from repro.lab.errors import LabError
from repro.observe.catalog import matching
from repro.observe.plan import DEFAULT_DEADLINE_S, Plan
from repro.persistence.dsn import MalformedUrl, parse_url
from repro.probe.secrets import URL_VARIABLES, redactor_for
from repro.redaction import Redactor
from repro.versions import marks as marking
from repro.versions import matrix as running
from repro.versions import render
from repro.versions.merge import NotMergeable, merged, read
from repro.versions.specification import BadSpecification, Specification, of_file, of_flags, shard
from repro.versions.trial import Trial

PROJECT = Path("pyproject.toml")
_CHOSEN = 1024
"""Ports from here are the system's to choose; those below are a driver's own idea."""


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
    scenario = staging.named(arguments.scenario)
    wanted = "lab" if scenario else arguments.target
    aimed = target.resolve(os.environ, wanted=wanted, env_file=arguments.env_file)
    session.check_lab_servers(arguments, aimed)
    cells = shard(asked.cells, *(arguments.shard or (1, 1)))
    if not cells:
        raise errors.UsageError(f"--shard: there are {len(asked.cells)} cells, so that this part is empty")
    session.say_target(aimed)
    try:
        with staging.on(aimed, arguments, scenario) as scene:
            plan = Plan(
                run_id=session.new_run_id(),
                kind="env",
                variables=scene.variables,
                entries=matching(patterns, node=asked.node),
                deadline_s=arguments.deadline or DEFAULT_DEADLINE_S,
                commit=arguments.commit or aimed.kind == "lab",
                inherited=scene.environment,
            )
            redactor = redactor_for(plan.variables, os.environ, secrets.token_hex(16))
            ports = _ports(plan.variables) if aimed.kind == "lab" else frozenset()
            order = running.Order(cells, plan, redactor, asked.repeat, ports, arguments.show_hosts)
            tried = running.run(order, _tell, _Counter(len(cells)).done)
    except LabError as error:
        raise errors.CannotTest(f"the lab: {error}") from error
    positions = {cell: number for number, cell in enumerate(asked.cells)}
    trials = [dataclasses.replace(trial, position=positions[trial.cell]) for trial in tried.trials]
    code = _judged(arguments, trials, expected, redactor)
    if not tried.interrupted:
        return code
    errors.tell(f"interrupted after {len(tried.trials)} of {len(cells)} cells")
    return errors.INTERRUPTED


def merge(arguments: argparse.Namespace) -> int:
    """Join documents, show the table, write what was asked for.

    Raises:
        UsageError: a document cannot be read, or is none.
        CannotTest: a file cannot be written.
    """
    expected = None if arguments.baseline is None else _baseline(arguments.baseline)
    redactor = redactor_for({}, os.environ, secrets.token_hex(16))
    return _judged(arguments, merged(map(_document, arguments.runs)), expected, redactor)


def _document(path: Path) -> list[Trial]:
    try:
        return read(path)
    except NotMergeable as error:
        raise errors.UsageError(f"{path}: {error}") from error
    except OSError as error:
        raise errors.UsageError(f"{path}: cannot be read ({error.strerror})") from error


def _judged(
    arguments: argparse.Namespace,
    trials: Sequence[Trial],
    expected: Mapping[str, Mapping[str, str]] | None,
    redactor: Redactor,
) -> int:
    noted = marking.along(trials) if expected is None else marking.against(trials, expected)
    _show(arguments, trials, noted, redactor)
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


def _ports(variables: Mapping[str, str]) -> frozenset[str]:
    """The ports of the lab, which its system chose."""
    found = set()
    for name in URL_VARIABLES:
        with contextlib.suppress(MalformedUrl):
            found |= {each.port for each in parse_url(variables.get(name, "")).hosts}
    return frozenset(str(port) for port in found if port is not None and port >= _CHOSEN)


def _tell(what: str) -> None:
    """Say what takes time to somebody who watches."""
    if terminal.standard_error(os.environ).attended:
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
        """Say one to somebody who watches."""
        self._done += 1
        if not terminal.standard_error(os.environ).attended:
            return
        states = [found.state for found in trial.verdicts.values()]
        said = (
            "skipped"
            if trial.skipped
            else ", ".join(f"{states.count(each)} {each}" for each in dict.fromkeys(states))
        )
        errors.tell(f"{self._done:>3}/{self._of}  {trial.cell}: {said}")


def _show(
    arguments: argparse.Namespace, trials: Sequence[Trial], noted: marking.Marks, redactor: Redactor
) -> None:
    if arguments.json:
        output.write(output.checked(render.as_json(trials, noted), redactor, "the matrix"))
    elif trials:
        shown = terminal.of(sys.stdout, os.environ)
        text = render.as_text(
            trials,
            noted,
            symbols=shown.symbols is terminal.UNICODE,
            columns=shutil.get_terminal_size().columns if shown.attended else None,
        )
        output.write(output.checked(text, redactor, "the matrix"))
    errors.tell(render.sentence(trials, noted))
    files = (
        (arguments.markdown, render.as_markdown(trials, noted)),
        (arguments.junit, render.as_junit(trials)),
        (arguments.write_baseline, marking.as_baseline(trials)),
    )
    for path, text in files:
        if path is not None:
            _write(path, output.checked(text, redactor, "the matrix"))
    told = output.checked(render.as_markdown(trials, noted), redactor, "the matrix")
    lines = [output.checked(line, redactor, "the matrix") for line in render.as_annotations(trials, noted)]
    github.publish(told, lines, os.environ)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
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
