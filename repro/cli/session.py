"""One ``repro run`` from its arguments to its exit code.

Everything that can be wrong with what was asked is found out first, in this order: the probes' names, the
target, the lab's servers, the folder. Only then does anything start.
"""

from __future__ import annotations

import argparse
import itertools
import os
import secrets
import shutil
import textwrap
import time
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from repro import plugins
from repro.cli import (
    body,
    command_line,
    errors,
    github,
    output,
    selection,
    summary,
    table,
    target,
    terminal,
    wording,
)
from repro.document import EXIT_CODES, FAILING, OutputError, RunDocument, read_excerpts
from repro.environments.node import NodeUnavailable, provide
from repro.lab.errors import LabError
from repro.observe.catalog import matching
from repro.observe.plan import DEFAULT_DEADLINE_S, Plan
from repro.probe.node import NODE_FOLDER, NODE_MISSING


def run(arguments: argparse.Namespace) -> int:
    """Run the probes, write the run, show its last screen.

    Raises:
        UsageError: something that was asked cannot be done.
        CannotTest: the lab does not start, or the run cannot be written.
        KeyboardInterrupt: interrupted before anything was seen, or a second time.
    """
    patterns = selection.patterns_of(arguments.only, node=arguments.node)
    aimed = target.resolve(os.environ, wanted=arguments.target, env_file=arguments.env_file)
    plan = plan_of(arguments, aimed, patterns)
    folder = output.RunFolder(arguments.out or output.REPORTS / plan.run_id)
    try:
        return _carry_out(arguments, plan, aimed, folder.path, patterns)
    finally:
        folder.drop_if_empty()


def plan_of(arguments: argparse.Namespace, aimed: target.Target, patterns: Sequence[str]) -> Plan:
    """What the arguments ask for.

    Raises:
        UsageError: a server for the lab cannot be used, or the target is not the lab.
    """
    check_lab_servers(arguments, aimed)
    entries = matching(patterns, node=getattr(arguments, "node", False))
    return Plan(
        run_id=new_run_id(),
        kind=aimed.kind,
        variables=aimed.variables,
        entries=entries,
        deadline_s=arguments.deadline or DEFAULT_DEADLINE_S,
        commit=arguments.commit,
        postgres_bindir=arguments.postgres_bindir,
        redis_server=arguments.redis_server,
        tap=getattr(arguments, "tap", False),
        inherited=node_packages() if any(entry.is_node for entry in entries) else {},
    )


def node_packages() -> dict[str, str]:
    """Where the packages of the Node probes are, installed where they were not; or why there are none."""
    try:
        folder = provide(os.environ, lambda what: errors.tell(f"node    {what}"))
    except NodeUnavailable as error:
        errors.tell(f"node    {error}")
        return {NODE_MISSING: str(error)}
    return {NODE_FOLDER: str(folder)}


def new_run_id() -> str:
    """A name for a run that sorts by time: ``20260131-235959-3f9a2c``."""
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(3)}"


def check_lab_servers(arguments: argparse.Namespace, aimed: target.Target | None = None) -> None:
    """Look whether the servers named for the lab are there.

    Raises:
        UsageError: one is not, or the target is not the lab.
    """
    named = {"--postgres-bindir": arguments.postgres_bindir, "--redis-server": arguments.redis_server}
    for flag, path in named.items():
        if path is not None and aimed is not None and aimed.kind != "lab":
            raise errors.UsageError(
                f"{flag}: is for the lab, but the target is {aimed.sentence()}; add --target lab"
            )
    if arguments.postgres_bindir is not None:
        for program in ("postgres", "initdb"):
            _check_program("--postgres-bindir", arguments.postgres_bindir / program)
    if arguments.redis_server is not None:
        _check_program("--redis-server", arguments.redis_server)


def _check_program(flag: str, program: Path) -> None:
    if not (program.is_file() and os.access(program, os.X_OK)):
        raise errors.UsageError(f"{flag}: {program} is no program; name the one that is installed")


def _carry_out(
    arguments: argparse.Namespace, plan: Plan, aimed: target.Target, folder: Path, patterns: Sequence[str]
) -> int:
    screen = terminal.standard_error(os.environ)
    say_target(aimed, plan.run_id)
    _say_broken()
    try:
        with table.watcher(screen) as watcher:
            finished = body.carry_out(
                plan,
                aimed,
                folder,
                command_line.run(arguments),
                watcher,
                pcap=arguments.pcap,
                experiments=not arguments.no_experiments,
                show_hosts=arguments.show_hosts,
            )
    except LabError as error:
        raise errors.CannotTest(f"the lab: {error}") from error
    except OutputError as error:
        raise errors.CannotTest(str(error)) from error
    except OSError as error:
        raise errors.CannotTest(
            f"the run cannot be carried out ({error.strerror or type(error).__name__})"
        ) from error
    _show(arguments, plan, folder, finished, screen)
    return exit_code(finished.document, patterns, interrupted=finished.interrupted)


def _say_broken() -> None:
    """What other packages declare and cannot be used."""
    for each in (*plugins.broken(plugins.PROBES), *plugins.broken(plugins.CAUSES)):
        errors.tell(f"plugin  {errors.plain(str(each))}")


def say_target(aimed: target.Target, run_id: str | None = None) -> None:
    """The first lines of everything: where the probes are pointed, and what was left aside for it."""
    if run_id is not None:
        errors.tell(f"run     {run_id}")
    first, *others = [aimed.sentence(), *aimed.notes]
    if aimed.kind == "lab" and others:
        first = f"{first} ({others.pop(0)})"
    width = shutil.get_terminal_size().columns - 8 if terminal.standard_error(os.environ).attended else 4_000
    lines = [line for text in (first, *others) for line in textwrap.wrap(text, width, break_on_hyphens=False)]
    for head, line in zip(itertools.chain(["target"], itertools.repeat("")), lines, strict=False):
        errors.tell(f"{head:<8}{line}")


def _show(
    arguments: argparse.Namespace,
    plan: Plan,
    folder: Path,
    finished: body.Finished,
    screen: terminal.Terminal,
) -> None:
    failing = [each["name"] for each in finished.document["probes"] if each["status"] in FAILING]
    ending = summary.Ending(
        document=finished.shown,
        folder=folder,
        repeat=command_line.run(arguments, only=failing),
        deadline=f"{wording.seconds(plan.deadline_s)}, at most {wording.seconds(plan.share_s)} a probe",
        interrupted=finished.interrupted,
    )
    summary.show(ending, screen)
    if github.is_here(os.environ):
        github.tell(finished.document, read_excerpts(folder, finished.document), os.environ)
    if arguments.json:
        output.write((folder / "run.json").read_text("utf-8"))


def exit_code(document: RunDocument, patterns: Sequence[str], *, interrupted: bool) -> int:
    """What a run comes to for whoever started it.

    A finding goes before what could not be tested: it is there, whatever else is not known.

    Args:
        document: the run.
        patterns: the probes that ``--only`` names; each must have got one to run.
        interrupted: somebody stopped it.
    """
    if interrupted:
        return errors.INTERRUPTED
    ran = [outcome["name"] for outcome in document["probes"] if outcome["status"] != "skip"]
    unanswered = [each for each in patterns if not any(fnmatchcase(name, each) for name in ran)]
    code = EXIT_CODES[document["verdict"]]
    return errors.COULD_NOT_TEST if code == errors.OK and unanswered else code
