"""The projects that a report can be for: where they want it, and in what form. Each is a file of data."""

from __future__ import annotations

import difflib
import functools
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from repro.diagnose.undiagnosed import is_push
from repro.document import FAILING, Finding, Outcome, RunDocument
from repro.report import packages, whose

FOLDER = Path(__file__).with_name("upstreams")

Channel = Literal["issue", "discussion", "none"]
Style = Literal["form", "markdown", "bullets", "bold"]


class UnknownUpstream(ValueError):  # noqa: N818 - it says what happened
    """There is no upstream of that name; the message is one line with the choices."""


@dataclass(frozen=True, slots=True)
class Heading:
    """One question of an upstream.

    Args:
        text: the heading, exactly; empty for an answer without one.
        slots: what fills it, of `repro.report.slots.SLOTS`; none where only a person knows.
        required: whether it must not stay empty.
        checkboxes: what a person is to confirm.
        field: the id of the form's field, which a link can fill; empty where it has none.
        package: whose version is asked for, such as ``pypi:asyncpg``.
        hint: what a person is asked to fill in where the run does not know.
    """

    text: str = ""
    slots: Sequence[str] = ()
    required: bool = False
    checkboxes: Sequence[str] = ()
    field: str = ""
    package: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Upstream:
    """A project, and how it wants to be told.

    Args:
        name: what a person types.
        repository: on GitHub, as ``owner/name``.
        packages: what it publishes, as ``npm:pg``.
        channel: where a report goes first.
        reason: why there, in words.
        style: how its headings are written: a ``form`` of GitHub's, ``markdown`` headings, ``bullets`` or
            ``bold`` words with the answer behind them.
        headings: in order.
        template: the name of its template's file, for the link; empty where it has none.
        title: what titles begin with.
        labels: those of its template.
        category: of its discussions.
        security: where vulnerabilities are told, in private.
        instead: the upstream to go to where the channel is none.
        notes: what a person must know before they file.
    """

    name: str
    repository: str
    packages: Sequence[str]
    channel: Channel
    reason: str
    style: Style
    headings: Sequence[Heading]
    security: str
    template: str = ""
    title: str = ""
    labels: Sequence[str] = ()
    category: str = ""
    instead: str = ""
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """Where a finding is to be filed.

    Args:
        upstream: None where there is nothing to file.
        because: why it is that one, or why none, in a sentence or two.
    """

    upstream: Upstream | None
    because: str


@functools.cache
def names() -> tuple[str, ...]:
    """The names of all upstreams, sorted."""
    return tuple(sorted(file.stem for file in FOLDER.glob("*.toml")))


@functools.cache
def load(name: str) -> Upstream:
    """An upstream by its name.

    Raises:
        UnknownUpstream: there is none of that name.
    """
    if name not in names():
        near = difflib.get_close_matches(name.casefold(), names(), n=1, cutoff=0.5)
        meant = f"did you mean {near[0]}? " if near else ""
        raise UnknownUpstream(f"no such upstream; {meant}there are {', '.join(names())}")
    return _upstream(name, tomllib.loads((FOLDER / f"{name}.toml").read_text("utf-8")))


def _upstream(name: str, told: Mapping[str, Any]) -> Upstream:
    rest = {key: value for key, value in told.items() if key != "heading"}
    return Upstream(name=name, headings=tuple(Heading(**each) for each in told["heading"]), **rest)


def of_package(package: str) -> Upstream | None:
    """The upstream that publishes a package, such as ``npm:pg``; None where it is not known."""
    wanted = package.casefold()
    every = map(load, names())
    return next((each for each in every if wanted in map(str.casefold, each.packages)), None)


def chosen_for(document: RunDocument, finding: Finding) -> Choice:
    """Where a finding is to be filed: by its cause, else by the driver that alone failed.

    Args:
        document: the run.
        finding: of that run.
    """
    failing = [each for each in document["probes"] if each["name"] in finding["probes"]]
    known = whose.of(finding)
    if known is None:
        return _undiagnosed(document, failing)
    if not known.upstreams:
        return Choice(None, known.because)
    drivers = {found.name for each in failing if (found := _of_driver(each)) is not None}
    name = next((each for each in known.upstreams if each in drivers), known.upstreams[0])
    return Choice(load(name), f"The cause {finding['cause']} is its own.")


def _undiagnosed(document: RunDocument, failing: Sequence[Outcome]) -> Choice:
    """The driver's upstream, where one driver alone failed and another passed on the same target."""
    found = {each.name if each is not None else "" for each in map(_of_driver, failing)}
    if len(found) != 1 or found == {""}:
        return Choice(
            None, "The cause is not determined, and no one driver failed alone: look at the target first."
        )
    kind = is_push(failing[0])
    if not any(each["status"] == "pass" and is_push(each) == kind for each in document["probes"]):
        return Choice(
            None, "The cause is not determined, and no other driver passed: look at the target first."
        )
    return Choice(load(found.pop()), "The cause is not determined; this driver failed where others passed.")


def _of_driver(outcome: Outcome) -> Upstream | None:
    package = packages.driver(outcome)
    return None if package is None else of_package(package)


def finding_for(document: RunDocument, upstream: Upstream) -> Finding | None:
    """The finding that a report for an upstream is about; None where no probe failed.

    That is the first one which is to be filed there, else the first one with a probe of its packages, else
    the first one.

    Args:
        document: the run.
        upstream: whose report it will be.
    """
    findings = document["findings"]
    own = (
        each
        for each in findings
        if (found := chosen_for(document, each).upstream) and found.name == upstream.name
    )
    of_its_driver = (
        each for each in findings if any(_fails(each, outcome, upstream) for outcome in document["probes"])
    )
    return next(own, None) or next(of_its_driver, None) or next(iter(findings), None)


def _fails(finding: Finding, outcome: Outcome, upstream: Upstream) -> bool:
    return outcome["name"] in finding["probes"] and is_of(outcome, upstream)


def is_of(outcome: Outcome, upstream: Upstream) -> bool:
    """Whether a probe's driver is a package of an upstream."""
    package = packages.driver(outcome)
    return package is not None and package in map(str.casefold, upstream.packages)


def failing_for(document: RunDocument, upstream: Upstream) -> list[Outcome]:
    """The failing probes that a report for an upstream is about, those of its own packages first.

    Args:
        document: the run.
        upstream: whose report it will be.
    """
    finding = finding_for(document, upstream)
    named = set(finding["probes"]) if finding is not None else {each["name"] for each in document["probes"]}
    failing = [each for each in document["probes"] if each["status"] in FAILING and each["name"] in named]
    return sorted(failing, key=lambda each: not is_of(each, upstream))
