"""``repro lab scenarios`` lists and plays them; ``repro lab run NAME`` shows one, with a run's screen."""

from __future__ import annotations

import argparse
import difflib
import json
import os
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from repro.cli import accuracy, body, errors, output, session, staging, summary, table, terminal, wording
from repro.cli.accuracy import Row
from repro.cli.play import judged, plan_of, play
from repro.cli.target import Target
from repro.document import Finding, Outcome, OutputError
from repro.lab.errors import LabError
from repro.lab.process import Lab
from repro.lab.scenarios import BY_NAME, SCENARIOS
from repro.lab.scenarios.healthy import HEALTHY
from repro.lab.scenarios.scenario import Scenario
from repro.probe.node import NODE_MISSING


def listing(arguments: argparse.Namespace) -> int:
    """List the scenarios, or play them.

    Raises:
        UsageError: no scenario has such a name.
        CannotTest: the lab does not start, or the table cannot be written.
    """
    chosen = _chosen(arguments.names)
    if arguments.play:
        return _play_all(arguments, chosen)
    if arguments.json:
        output.write(json.dumps([_as_json(each) for each in chosen], indent=2) + "\n")
        return errors.OK
    width = max(len(each.name) for each in chosen)
    output.write("".join(_line(each, width) for each in chosen))
    return errors.OK


def _chosen(patterns: Sequence[str]) -> list[Scenario]:
    chosen = [each for each in SCENARIOS if not patterns or _matches(each, patterns)]
    if not chosen:
        raise errors.UsageError(
            f"no scenario is called {errors.quoted(patterns[0])}; see `repro lab scenarios`"
        )
    return chosen


def _matches(scenario: Scenario, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(scenario.name, pattern) for pattern in patterns)


def _as_json(scenario: Scenario) -> dict[str, object]:
    return {
        "name": scenario.name,
        "cause": scenario.cause,
        "title": scenario.title,
        "probes": list(scenario.only),
        "proof": scenario.proof,
        "lacks": scenario.lacks(),
    }


def _line(scenario: Scenario, width: int) -> str:
    lacks = scenario.lacks()
    return f"{scenario.name:<{width}}  {scenario.title}{f'  [{lacks}]' if lacks else ''}\n"


def _play_all(arguments: argparse.Namespace, chosen: Sequence[Scenario]) -> int:
    session.check_lab_servers(arguments)
    healthy = [HEALTHY[number % len(HEALTHY)] for number in range(arguments.healthy)]
    packages = _packages(chosen)
    rows: list[Row] = []
    try:
        with staging.running_lab(arguments) as lab:
            for scenario in [*chosen, *healthy]:
                rows.append(_row(scenario, lab, packages))
                output.write(rows[-1].as_text())
    except LabError as error:
        raise errors.CannotTest(f"the lab: {error}") from error
    output.write(accuracy.sentence(rows) + "\n")
    if arguments.write is not None:
        _write(arguments.write, accuracy.markdown(rows))
    return errors.FINDING if any(row.wrong for row in rows) else errors.OK


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise errors.CannotTest(f"{path} cannot be written ({error.strerror})") from error


def _row(scenario: Scenario, lab: Lab, packages: Mapping[str, str]) -> Row:
    lacks = _lacks(scenario, packages)
    if lacks is not None:
        return Row(scenario, lacks=lacks)
    played = play(scenario, lab, run_id=session.new_run_id(), packages=packages)
    return Row(scenario, played=played, wrong=played.wrong())


def _lacks(scenario: Scenario, packages: Mapping[str, str]) -> str | None:
    if scenario.needs_node and NODE_MISSING in packages:
        return packages[NODE_MISSING]
    return scenario.lacks()


def _packages(chosen: Sequence[Scenario]) -> dict[str, str]:
    return session.node_packages() if any(each.needs_node for each in chosen) else {}


def run(arguments: argparse.Namespace) -> int:
    """Show one scenario: the fault in place, a run against it, its report; and whether the cause was found.

    Returns:
        0 where what had to be found was found, 1 where it was not.

    Raises:
        UsageError: there is no such scenario.
        CannotTest: it cannot be played here.
    """
    scenario = BY_NAME.get(arguments.scenario)
    if scenario is None:
        close = difflib.get_close_matches(arguments.scenario, BY_NAME, n=1)
        hint = f"did you mean {close[0]}?" if close else "see `repro lab scenarios`"
        raise errors.UsageError(f"no scenario is called {errors.quoted(arguments.scenario)}; {hint}")
    session.check_lab_servers(arguments)
    packages = _packages([scenario])
    lacks = _lacks(scenario, packages)
    if lacks is not None:
        raise errors.CannotTest(f"the scenario {scenario.name}: {lacks}")
    run_id = session.new_run_id()
    folder = output.RunFolder(arguments.out or output.REPORTS / run_id)
    try:
        return _shown(arguments, scenario, packages, run_id, folder.path)
    except LabError as error:
        raise errors.CannotTest(f"the lab: {error}") from error
    except OutputError as error:
        raise errors.CannotTest(str(error)) from error
    finally:
        folder.drop_if_empty()


def _shown(
    arguments: argparse.Namespace, scenario: Scenario, packages: Mapping[str, str], run_id: str, folder: Path
) -> int:
    screen = terminal.standard_error(os.environ)
    errors.tell(f"run     {run_id}")
    errors.tell(f"broken  {scenario.title}")
    command = f"repro lab run {scenario.name}"
    with staging.running_lab(arguments) as lab, scenario.stage(lab) as scene:
        plan = plan_of(scenario, scene, run_id, packages)
        with table.watcher(screen) as watcher:
            finished = body.carry_out(
                plan,
                Target("env", scene.variables, {}, (f"the lab, in the scenario {scenario.name}",)),
                folder,
                command,
                watcher,
                pcap=False,
                experiments=not arguments.no_experiments,
                show_hosts=True,  # all of them are the lab's
            )
    document = finished.shown
    deadline = f"{wording.seconds(plan.deadline_s)}, at most {wording.seconds(plan.share_s)} a probe"
    where = f"in the scenario {scenario.name}"
    summary.show(summary.Ending(document, folder, command, deadline, finished.interrupted, where), screen)
    if arguments.json:
        output.write((folder / "run.json").read_text("utf-8"))
    if finished.interrupted:
        return errors.INTERRUPTED
    return _verdict(arguments, scenario, document["probes"], document["findings"])


def _verdict(
    arguments: argparse.Namespace, scenario: Scenario, outcomes: list[Outcome], findings: list[Finding]
) -> int:
    wrong = list(judged(scenario, outcomes, findings))
    if arguments.no_experiments:
        wrong = [each for each in wrong if not each.startswith("its proof")]
    for each in wrong:
        errors.tell(f"missed  {each}")
    if not wrong:
        errors.tell(f"right   {scenario.cause or 'undiagnosed'} is what was to be found")
    return errors.FINDING if wrong else errors.OK
