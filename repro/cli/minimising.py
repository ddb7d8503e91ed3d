"""One ``repro minimise`` from its arguments to its exit code."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from repro.cli import errors, output, session, staging, target, terminal
from repro.cli.reading import refusing
from repro.diagnose.undiagnosed import Identity
from repro.document import FAILING, Outcome, RunDocument, find_run, read_run
from repro.lab.errors import LabError
from repro.lab.scenarios import BY_NAME
from repro.observe import names
from repro.observe.interruption import noting
from repro.observe.plan import DEFAULT_DEADLINE_S
from repro.probe.secrets import redactor_for
from repro.redaction import Redactor
from repro.report.counting import times
from repro.reproduce import record
from repro.reproduce.bench import Bench, Interrupted, NoEnvironment, OutOfTime, Site
from repro.reproduce.case import at_once
from repro.reproduce.checking import UNCHECKED, Checked
from repro.reproduce.drivers import DRIVERS, Driver
from repro.reproduce.minimising import INTERRUPTION, FailsOtherwise, Minimised, counted, proved
from repro.reproduce.minimising import minimise as reduce
from repro.reproduce.program import Program
from repro.reproduce.sameness import failure_of, shown
from repro.reproduce.start import program_of

_SCENARIO = re.compile(r"repro lab run ([a-z0-9-]+)")


def minimise(arguments: argparse.Namespace) -> int:
    """Find the smallest program, write it, check it, say how to run it.

    Raises:
        UsageError: something that was asked cannot be done.
        CannotTest: the probe does not fail like that here, or what is needed cannot be had.
    """
    with refusing("minimise"):
        file = find_run(arguments.run, output.REPORTS)
        document = read_run(file)
    outcome = _chosen(document, arguments.probe)
    driver = _driver(outcome["name"])
    try:
        with _site(arguments, document) as site:
            return _carried_out(arguments, file.parent, document, outcome, driver=driver, site=site)
    except LabError as error:
        raise errors.CannotTest(f"the lab: {error}") from error
    except NoEnvironment as error:
        raise errors.CannotTest(f"the driver of {outcome['name']}: {error}") from error
    except OSError as error:
        raise errors.CannotTest(f"the reproduction cannot be made ({error.strerror})") from error


def _chosen(document: RunDocument, name: str | None) -> Outcome:
    """The failing probe that is meant.

    Raises:
        UsageError: there is none, it did not fail, or it is not said which.
    """
    failing = [each for each in document["probes"] if each["status"] in FAILING]
    names = ", ".join(each["name"] for each in failing)
    if not failing:
        raise errors.UsageError(f"no probe of the run {document['run_id']} failed; name another run")
    if name is None:
        if len(failing) > 1:
            raise errors.UsageError(f"several probes of that run failed; name one with --probe: {names}")
        return failing[0]
    found = [each for each in failing if each["name"] == name]
    if not found:
        raise errors.UsageError(
            f"--probe: {errors.quoted(name)} did not fail in the run {document['run_id']}; these did: {names}"
        )
    return found[0]


def _driver(probe: str) -> Driver:
    if probe not in DRIVERS:
        raise errors.UsageError(
            f"--probe: {errors.quoted(probe)} has no driver but txrepro's own, which leaves nothing to show; "
            f"name one of {', '.join(DRIVERS)}"
        )
    return DRIVERS[probe]


@contextlib.contextmanager
def _site(arguments: argparse.Namespace, document: RunDocument) -> Iterator[Site]:
    """What the run was pointed at, again: its scenario, the lab, or the target that the environment names."""
    scenario = _SCENARIO.fullmatch(str(document["environment"].get("command", "")))
    if (
        scenario is not None
        and scenario[1] in BY_NAME
        and arguments.target is None
        and arguments.env_file is None
    ):
        played = BY_NAME[scenario[1]]
        session.check_lab_servers(arguments)
        errors.tell(f"target  the lab, in the scenario {played.name}")
        with staging.running_lab(arguments) as lab, played.stage(lab) as scene:
            yield Site(scene.variables, scene.environment)
        return
    aimed = target.resolve(os.environ, wanted=arguments.target, env_file=arguments.env_file)
    if aimed.kind == "lab" and document["target"].get("kind") != "lab" and arguments.target is None:
        raise errors.UsageError(
            "the run was on a target of yours: set DATABASE_URL or name it with --env-file; "
            "for the lab, add --target lab"
        )
    session.check_lab_servers(arguments, aimed)
    session.say_target(aimed)
    if aimed.kind == "env":
        yield Site(aimed.variables)
        return
    with staging.running_lab(arguments) as lab:
        yield Site({**aimed.variables, **lab.environment})


def _carried_out(
    arguments: argparse.Namespace,
    folder: Path,
    document: RunDocument,
    outcome: Outcome,
    *,
    driver: Driver,
    site: Site,
) -> int:
    wanted = failure_of(outcome)
    assert wanted is not None  # noqa: S101 - only failing probes are chosen
    start = program_of(document, outcome, driver, site.variables, site.in_force())
    errors.tell(f"before  {shown(wanted)}")
    deadline_s = arguments.deadline or DEFAULT_DEADLINE_S
    with Bench(
        driver, site, start.versions, deadline_s, lambda what: errors.tell(f"driver  {what}")
    ) as bench:
        found, result = _found(bench, start, wanted)
    with noting() as caught:
        made = _record(outcome, start, found, result)
        redactor = _redactor(site, (outcome, found.outcome), show_hosts=arguments.show_hosts)
        made = record.redacted(made, redactor.value)
        written = record.write(folder, made, redactor.check)
    _show(made, written)
    if arguments.json:
        output.write(json.dumps({**made.as_json(), "path": str(written)}, indent=2) + "\n")
    if caught.happened or found.stopped == INTERRUPTION:
        return errors.INTERRUPTED
    return errors.OK if result.every_time else errors.FINDING


def _redactor(site: Site, outcomes: Sequence[Outcome], *, show_hosts: bool) -> Redactor:
    environ = site.in_force()
    met = None if show_hosts else names.met(site.variables, environ, outcomes, {})
    return redactor_for(site.variables, environ, os.urandom(16).hex(), met)


def _found(bench: Bench, start: Program, wanted: Identity) -> tuple[Minimised, Checked]:
    """The smallest program, and how often it fails by itself.

    Raises:
        CannotTest: the whole program does not fail as the probe did, or there is no time to try it.
        KeyboardInterrupt: stopped before there is anything to keep.
    """
    try:
        found = reduce(bench, start, wanted, _Progress().tell)
    except FailsOtherwise as error:
        raise errors.CannotTest(
            f"{start.driver.probe} cannot be reproduced by its driver alone: {error}"
        ) from error
    except OutOfTime as error:
        raise errors.CannotTest("the deadline left no time for a trial; give more with --deadline") from error
    except Interrupted:
        raise KeyboardInterrupt from None
    if found.stopped == INTERRUPTION:
        return found, UNCHECKED
    try:
        return proved(bench, found, at_once(start.case))
    except KeyboardInterrupt:
        return replace(found, stopped=INTERRUPTION), UNCHECKED


def _record(outcome: Outcome, start: Program, found: Minimised, result: Checked) -> record.Reproduction:
    program = found.program
    before, after = counted(start.case), counted(program.case)
    failure_before, failure_after = failure_of(outcome), failure_of(found.outcome)
    return record.Reproduction(
        probe=program.driver.probe,
        file=program.file,
        install=program.install,
        command=program.command,
        settings=program.settings,
        target=program.needed,
        failure_before=shown(failure_before) if failure_before else "",
        failure_after=shown(failure_after) if failure_after else "",
        parts={kind: (before[kind], after[kind]) for kind in before},
        kept=[part.name for part in program.case],
        trials=found.trials,
        stopped=found.stopped,
        wanted=result.wanted,
        runs=result.runs,
        failed=result.failed,
        output=result.output[-record.MOST_OUTPUT :],
        text=program.text,
    )


class _Progress:
    """Says each trial on a terminal, and nothing in a pipe."""

    def __init__(self) -> None:
        self._attended = terminal.standard_error(os.environ).attended
        self._number = 0

    def tell(self, what: str) -> None:
        """Say one."""
        self._number += 1
        if self._attended:
            errors.tell(f"trial   {self._number:>3}  {what}")


_PLURALS = {
    "statement": "statements",
    "option": "options",
    "variable": "variables",
    "concurrency": "kinds of concurrency",
}


def _show(made: record.Reproduction, written: Path) -> None:
    told = [f"{after} of {before} {_PLURALS[kind]}" for kind, (before, after) in made.parts.items() if before]
    early = f"; ended early by {made.stopped}" if made.stopped else ""
    errors.tell(f"after   {made.failure_after}")
    errors.tell(f"parts   {', '.join(told)}, in {made.trials} trials{early}")
    for each in made.kept:
        errors.tell(f"        {each}")
    errors.tell(f"target  {made.target}")
    errors.tell(f"written {written}")
    errors.tell(f"install {made.install}")
    errors.tell(f"run     {made.command}")
    errors.tell(f"checked {_checked(made)}")


def _checked(made: record.Reproduction) -> str:
    if not made.runs:
        return "not yet: run it as above"
    early = f", and there was no time for {made.wanted - made.runs} more" if made.runs < made.wanted else ""
    return f"failed in the same way {times(made.failed, made.runs)}, from an empty folder{early}"
