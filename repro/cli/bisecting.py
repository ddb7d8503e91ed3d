"""One ``repro bisect`` from its arguments to its exit code."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
import secrets
import shlex
from collections.abc import Iterator, Mapping, Sequence

from repro.cli import errors, output, selection, session, staging, target
from repro.document import FAILING, Outcome
from repro.environments import node
from repro.environments.node import NodeUnavailable
from repro.environments.pins import BadPin, Cell, Pin, parse, pins_of
from repro.environments.python import NotInstallable
from repro.lab.errors import LabError
from repro.observe import names
from repro.observe.catalog import QUEUE_NAMES, SPECIMENS, Entry, matching
from repro.observe.plan import DEFAULT_DEADLINE_S, Plan, reason_to_skip
from repro.observe.progress import Silent
from repro.observe.run import Observation, observe
from repro.probe.secrets import redactor_for
from repro.redaction import Redactor
from repro.versions.bisect import EndIsWrong
from repro.versions.bisection import Bisection, Finds, Question, Seen, Step, block, cell_of, word
from repro.versions.cells import prepared
from repro.versions.releases import NoReleases, releases

SKIP = 125
"""What `git bisect run` takes for a revision that cannot be tested."""

_TCP_QUEUE = frozenset({"push.redis-tcp", "node.ioredis"})


def bisect(arguments: argparse.Namespace) -> int:
    """Search, and print the block to paste.

    Raises:
        UsageError: what was asked for cannot be done, or an end is not what it was said to be.
        CannotTest: the lab does not start, or the versions cannot be looked up.
    """
    entry = _entry(arguments.probe)
    package = _package(arguments)
    beside = _beside(arguments.beside)
    _check_node(entry)
    versions = _range(arguments, package)
    with _plan(arguments) as base:
        control = _control(entry, base)
        words = _Words(redactor_for(base.variables, os.environ, secrets.token_hex(16)), arguments.show_hosts)
        plan = dataclasses.replace(base, entries=[*([control] if control else []), entry])
        question = Question(entry.name, control.name if control else None, arguments.find, arguments.says)
        errors.tell(f"search  {len(versions)} versions of {package.name}, {versions[0]} to {versions[-1]}")
        bisection = Bisection(
            question,
            versions,
            lambda version: _tried(cell_of(package, version, beside), plan, arguments.repeat, words),
            lambda step: _show(step, arguments.find),
            words.told,
        )
        try:
            found = bisection.run()
        except EndIsWrong as error:
            told = _wrong_end(str(error), arguments, bisection, versions)
            raise errors.UsageError(told) from error
    text = block(package.name, found, bisection, words.without_secrets(_command(arguments, words)))
    output.write(output.checked(text, words.redactor, "the block"))
    return errors.OK


def check(arguments: argparse.Namespace) -> int:
    """The probe once as it is installed; the exit code says what it is for `git bisect run`.

    Raises:
        UsageError: what was asked for cannot be done.
        CannotTest: the lab does not start.
    """
    entry = _entry(arguments.probe)
    with _plan(arguments) as plan:
        packages = session.node_packages() if entry.is_node else {}
        inherited = {**packages, **plan.inherited}
        one = dataclasses.replace(plan, entries=[entry], inherited=inherited)
        outcome = observe(one, Silent()).outcomes[0]
    errors.tell(f"{entry.name}: {outcome['status']}")
    if outcome["status"] == "pass":
        return errors.OK
    if outcome["status"] not in FAILING:
        return SKIP
    error = outcome["error"]
    says = arguments.says
    held = error is not None and (says is None or any(says in each["message"] for each in error["chain"]))
    return errors.FINDING if held else SKIP


def _check_node(entry: Entry) -> None:
    if entry.is_node:
        try:
            node.check(os.environ)
        except NodeUnavailable as error:
            raise errors.CannotTest(str(error)) from error


def _entry(name: str) -> Entry:
    """A probe, or a specimen, by its name."""
    return next((each for each in SPECIMENS if each.name == name), None) or selection.named(name)


def _package(arguments: argparse.Namespace) -> Pin:
    if arguments.package is None or arguments.good is None or arguments.bad is None:
        raise errors.UsageError("bisect: name a PACKAGE, --good V and --bad V; see `repro bisect --help`")
    if arguments.good == arguments.bad:
        raise errors.UsageError("--good and --bad: name the same version; name two")
    if arguments.package == "python":
        raise errors.UsageError(
            "PACKAGE: interpreters cannot be bisected; use `repro matrix --with python=3.11,3.12`"
        )
    try:
        (pin,) = pins_of(arguments.package, ["latest"])
    except BadPin as error:
        raise errors.UsageError(f"PACKAGE: {error}") from error
    return pin


def _beside(values: Sequence[str]) -> list[Pin]:
    try:
        pins = [parse(value) for value in values]
    except BadPin as error:
        raise errors.UsageError(f"--with: {error}") from error
    if any(len(each) != 1 for each in pins):
        raise errors.UsageError("--with: takes one version here")
    return [pin for each in pins for pin in each]


def _range(arguments: argparse.Namespace, package: Pin) -> list[str]:
    """The versions from one end to the other."""
    try:
        known = releases(package.ecosystem, package.name, os.environ, pre=arguments.pre)
    except NoReleases as error:
        raise errors.CannotTest(str(error)) from error
    for flag, version in (("--good", arguments.good), ("--bad", arguments.bad)):
        if version not in known:
            hint = "; pre-releases need --pre" if not arguments.pre else ""
            raise errors.UsageError(
                f"{flag}: {package.name} has no version {errors.quoted(version)}; newest: {known[-1]}{hint}"
            )
    good, bad = known.index(arguments.good), known.index(arguments.bad)
    older, newer = (good, bad) if arguments.find == "broken" else (bad, good)
    if older >= newer:
        other = "fixed" if arguments.find == "broken" else "broken"
        raise errors.UsageError(
            f"--find {arguments.find}: {known[newer]} is not newer than {known[older]}; "
            f"did you mean --find {other}?"
        )
    return known[older : newer + 1]


@contextlib.contextmanager
def _plan(arguments: argparse.Namespace) -> Iterator[Plan]:
    """The plan of one trial, on the target, or in the lab with a scenario's fault, as long as the block."""
    scenario = staging.named(arguments.scenario)
    wanted = "lab" if scenario is not None else arguments.target
    aimed = target.resolve(os.environ, wanted=wanted, env_file=arguments.env_file)
    session.check_lab_servers(arguments, aimed)
    session.say_target(aimed)
    try:
        with staging.on(aimed, arguments, scenario) as scene:
            yield Plan(
                run_id=session.new_run_id(),
                kind="env",
                variables=scene.variables,
                deadline_s=arguments.deadline or DEFAULT_DEADLINE_S,
                commit=arguments.commit or aimed.kind == "lab",
                inherited=scene.environment,
            )
    except LabError as error:
        raise errors.CannotTest(f"the lab: {error}") from error


def _control(entry: Entry, plan: Plan) -> Entry | None:
    """The probe that must pass: the plainest driver of the database, the other transport of the queue."""
    if entry.name not in QUEUE_NAMES:
        name = "tcp.raw"
    else:
        name = "push.upstash-rest" if entry.name in _TCP_QUEUE else "push.redis-tcp"
    (control,) = matching([name])
    return None if name == entry.name or reason_to_skip(control, plan.variables) else control


class _Words:
    """What may be told: texts without secrets, and without the foreign hosts and users that were met so far.

    Args:
        redactor: knows the secrets.
        show_hosts: hosts and users are told as they are.
    """

    def __init__(self, redactor: Redactor, show_hosts: bool) -> None:  # noqa: FBT001 - the flag's value
        self.redactor = redactor
        self._show_hosts = show_hosts

    def learn(self, seen: Observation, inherited: Mapping[str, str | None]) -> None:
        """Know the names that an observation met."""
        if not self._show_hosts:
            self.redactor = self.redactor.with_names(names.met_by(seen, inherited))

    def told(self, text: str) -> str:
        """A text of a driver or a server, fit to be told."""
        return str(self.redactor.value(text))

    def without_secrets(self, text: str) -> str:
        """A text of ours, whose words may be names elsewhere."""
        return self.redactor.text(text)


def _tried(cell: Cell, plan: Plan, repeat: int, words: _Words) -> Seen | str:
    """The repetitions with one version; a text is why it cannot be had."""
    try:
        ready, _ = prepared(cell, plan, lambda what: errors.tell(f"cell    {what}"))
    except (NotInstallable, NodeUnavailable) as error:
        return str(error)
    return [_once(ready, words) for _ in range(repeat)]


def _once(plan: Plan, words: _Words) -> Mapping[str, Outcome]:
    seen = observe(plan, Silent())
    words.learn(seen, plan.inherited)
    if seen.interrupted:
        raise KeyboardInterrupt
    return {outcome["name"]: outcome for outcome in seen.outcomes}


def _show(step: Step, finds: Finds) -> None:
    errors.tell(f"{word(step.answer, finds):<6}  {step.version}: {errors.plain(step.because)}")


def _wrong_end(
    which: str, arguments: argparse.Namespace, bisection: Bisection, versions: Sequence[str]
) -> str:
    version = versions[0 if "older" in which else -1]
    is_good = (which == "the older end") == (arguments.find == "broken")
    flag = "--good" if is_good else "--bad"
    step = bisection.steps[version]
    known = "not known to be" if step.answer == "unknown" else "not"
    told = f"{flag} {version}: it is {known} {'good' if is_good else 'bad'}: {errors.plain(step.because)}"
    if step.answer == "unknown" or arguments.says is not None:
        return told
    if is_good:
        return f"{told}; name a version with which the probe passes on this target"
    return f"{told}; take the target on which it fails (--env-file F), or a --scenario in which it does"


def _command(arguments: argparse.Namespace, told: _Words) -> str:
    words = ["repro", "bisect", arguments.package, "--good", arguments.good, "--bad", arguments.bad]
    words += ["--probe", arguments.probe]
    for flag, value, default in (
        ("--find", arguments.find, "broken"),
        ("--says", None if arguments.says is None else told.told(arguments.says), None),
        ("--scenario", arguments.scenario, None),
        ("--target", arguments.target, None),
        ("--repeat", arguments.repeat, 1),
    ):
        if value != default:
            words += [flag, str(value)]
    words += ["--pre"] if arguments.pre else []
    return shlex.join([*words, *(word for each in arguments.beside for word in ("--with", each))])
