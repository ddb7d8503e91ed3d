"""One ``repro bench`` from its arguments to its exit code."""

from __future__ import annotations

import argparse
import os
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import cast

from repro import __version__, environment_facts, plain_json
from repro.bench import budget, document, page
from repro.bench.budget import BadBudget, Budget
from repro.bench.document import BenchDocument
from repro.bench.lineup import BASELINES, members
from repro.bench.measure import Design, Measured, measure
from repro.cli import (
    errors,
    output,
    pacing,
    selection,
    session,
    staging,
    standings,
    target,
    terminal,
)
from repro.document import FAILING
from repro.lab.errors import LabError
from repro.lab.scenarios.scenario import Scene
from repro.observe import names
from repro.observe import target as described
from repro.observe.catalog import Entry, matching
from repro.observe.interruption import noting
from repro.observe.plan import DEFAULT_DEADLINE_S
from repro.observe.process import SETTINGS, overlaid
from repro.probe.request import Request
from repro.probe.secrets import redactor_for
from repro.redaction import Names, Redactor

BUDGET_EXCEEDED = 4

WARM_UP = 10
"""Rounds that are not counted: the lab's tables and the drivers' statement caches fill in the first six."""

_MOST_SEED = 10**9


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the arguments came to, before anything is started.

    Args:
        arguments: those of the command.
        patterns: the probes that ``--only`` names.
        entries: the probes.
        budgets: what they may take.
        aimed: the target.
        run_id: names the bench.
        began: the command's start, in seconds of the monotonic clock.
        started_at: the same moment of the wall clock.
    """

    arguments: argparse.Namespace
    patterns: Sequence[str]
    entries: Sequence[Entry]
    budgets: Sequence[Budget]
    aimed: target.Target
    run_id: str = field(default_factory=session.new_run_id)
    began: float = field(default_factory=time.monotonic)
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))


def bench(arguments: argparse.Namespace) -> int:
    """Time the drivers, write what came out, show it.

    Raises:
        UsageError: something that was asked cannot be done.
        CannotTest: the lab does not start, or the files cannot be written.
        KeyboardInterrupt: interrupted before anything was measured, or a second time.
    """
    asked = _asked(arguments)
    folder = output.RunFolder(arguments.out or output.REPORTS / asked.run_id)
    try:
        session.say_target(asked.aimed, asked.run_id)
        with noting():
            with staging.on(asked.aimed, arguments, None) as scene, pacing.shown(os.environ) as progress:
                design = _design(asked, scene)
                measured = measure(design, progress)
            return _finish(asked, scene, design, measured, folder.path)
    except LabError as error:
        raise errors.CannotTest(f"the lab: {error}") from error
    except OSError as error:
        raise errors.CannotTest(
            f"the bench cannot be carried out ({error.strerror or type(error).__name__})"
        ) from error
    finally:
        folder.drop_if_empty()


def _asked(arguments: argparse.Namespace) -> _Asked:
    patterns = _patterns(arguments.only)
    entries = matching(patterns)
    budgets = _budgets(arguments.budget, entries)
    aimed = target.resolve(os.environ, wanted=arguments.target, env_file=arguments.env_file)
    session.check_lab_servers(arguments, aimed)
    return _Asked(arguments, patterns, entries, budgets, aimed)


def _patterns(values: Sequence[str]) -> list[str]:
    """The probes that are asked for; those of Node are refused.

    Raises:
        UsageError: a pattern names none, or only probes of Node.
    """
    for pattern in (each.strip() for value in values for each in value.split(",")):
        if pattern and not matching([pattern]) and matching([pattern], node=True):
            raise errors.UsageError(
                f"--only: {errors.quoted(pattern)} names Node probes; their statements cross a pipe to Node, "
                "whose time would be counted as theirs, so bench times the Python drivers"
            )
    return selection.patterns_of(values)


def _budgets(values: Sequence[str], entries: Sequence[Entry]) -> list[Budget]:
    """What the flags allow.

    Raises:
        UsageError: a value is no budget, or is for nothing that is measured.
    """
    try:
        given = [each for value in values for each in budget.parse(value)]
    except BadBudget as error:
        raise errors.UsageError(f"--budget: {error}") from error
    measured = {*(entry.name for entry in entries), *BASELINES.values()}
    for each in given:
        found = [name for name in measured if fnmatchcase(name, each.pattern)]
        if not found:
            raise errors.UsageError(
                f"--budget: {errors.quoted(each.pattern)} names no probe that is measured"
            )
        if each.unit == "ratio" and set(found) <= set(BASELINES.values()):
            raise errors.UsageError(
                f"--budget: {errors.quoted(each.pattern)} is what the others are held against; "
                "give it a time, such as 20ms"
            )
    return given


def _design(asked: _Asked, scene: Scene) -> Design:
    arguments = asked.arguments
    variables = {name: value for name, value in scene.variables.items() if name in SETTINGS}
    request = Request(
        run_id=asked.run_id,
        variables=variables,
        environment={name: value for name, value in scene.variables.items() if name not in SETTINGS},
        commit=arguments.commit or asked.aimed.kind == "lab",
    )
    return Design(
        members=members(asked.entries, variables),
        request=request,
        began=asked.began,
        deadline_s=arguments.deadline or DEFAULT_DEADLINE_S,
        transactions=arguments.repeat,
        connects=arguments.connects,
        warm_up=WARM_UP,
        seed=secrets.randbelow(_MOST_SEED) if arguments.seed is None else arguments.seed,
    )


def _finish(asked: _Asked, scene: Scene, design: Design, measured: Measured, folder: Path) -> int:
    """Write the files, show the table, and say what it comes to."""
    whole = _document(asked, scene, design, measured)
    told = _redactor(design)
    hidden = told if asked.arguments.show_hosts else told.with_names(_names(design, measured))
    written = cast("BenchDocument", hidden.value(whole))
    document.validate(written)
    text = plain_json.dumps(written, indent=2) + "\n"
    _write(folder / "bench.json", text, hidden)
    _write(folder / "bench.html", page.render(written), hidden)
    shown = written if hidden is told else cast("BenchDocument", told.value(whole))
    standings.show(shown, folder, terminal.standard_error(os.environ))
    if asked.arguments.json:
        output.write(text)
    return exit_code(written, asked.patterns)


def _document(asked: _Asked, scene: Scene, design: Design, measured: Measured) -> BenchDocument:
    aimed = asked.aimed
    return document.assemble(
        design,
        measured,
        asked.budgets,
        started_at=asked.started_at,
        tool_version=__version__,
        environment=environment_facts.collect(os.environ),
        target=described.describe(
            aimed.kind,
            design.request.variables,
            overlaid(os.environ, scene.environment),
            aimed.sources.values(),
            aimed.notes,
        ),
    )


def _redactor(design: Design) -> Redactor:
    """Of the secrets alone; who the target is may be told on the screen."""
    request = design.request
    return redactor_for(request.variables, _environ(design), request.salt)


def _names(design: Design, measured: Measured) -> Names:
    return names.met(design.request.variables, _environ(design), document.outcomes(measured), {})


def _environ(design: Design) -> dict[str, str]:
    return {**os.environ, **design.request.environment}


def _write(path: Path, text: str, redactor: Redactor) -> None:
    """Write a file that holds no secret."""
    checked = output.checked(text, redactor, path.name)
    path.write_text(checked, encoding="utf-8", errors="backslashreplace")


def exit_code(written: BenchDocument, patterns: Sequence[str]) -> int:
    """What a bench comes to for whoever started it.

    A budget that was exceeded goes before a driver that failed: it is what was asked for. What was asked for
    and could not be measured goes before a pass.

    Args:
        written: the document.
        patterns: the probes that ``--only`` names; each must have got one that was measured.
    """
    if written["method"]["ended"] == "interrupted":
        return errors.INTERRUPTED
    verdicts = {each["verdict"] for each in written["budgets"]}
    if "exceeded" in verdicts:
        return BUDGET_EXCEEDED
    if any(each["status"] in FAILING for each in written["probes"]):
        return errors.FINDING
    measured = [each["name"] for each in written["probes"] if each["effect"] is not None]
    unanswered = any(not any(fnmatchcase(name, each) for name in measured) for each in patterns)
    if not measured or unanswered or "not_measured" in verdicts:
        return errors.COULD_NOT_TEST
    return errors.OK
