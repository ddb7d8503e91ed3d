"""Which upstream a finding belongs to, and which probes of a run an upstream is told of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from repro.diagnose.undiagnosed import is_push
from repro.document import FAILING, Finding, Outcome, RunDocument
from repro.report import facts
from repro.report.filing import packages, upstream, whose
from repro.report.filing.upstream import Upstream

_NO_PACKAGE = "other:"
"""How the packages of a server begin: no probe can load them."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Where a finding is to be filed.

    Args:
        upstream: None where there is nothing to file.
        because: why it is that one, or why none, in a sentence or two.
        seen: whether a package of it failed in this run, and not only a probe that speaks its protocol.
    """

    upstream: Upstream | None
    because: str
    seen: bool = True


def chosen_for(document: RunDocument, finding: Finding) -> Choice:
    """Where a finding is to be filed: by its cause, else by the driver that alone failed.

    Args:
        document: the run.
        finding: of that run.
    """
    known = whose.of(finding)
    if known is None:
        return _undiagnosed(document, finding)
    if not known.upstreams:
        return Choice(None, known.because)
    failing = _failing(document, finding)
    drivers = {found.name for each in failing if (found := _of_driver(each)) is not None}
    chosen = upstream.load(next((each for each in known.upstreams if each in drivers), known.upstreams[0]))
    because = f"The cause {finding['cause']} is its own."
    if ran(failing, chosen):
        return Choice(chosen, because)
    return Choice(chosen, f"{because} {unseen(document, chosen)}.", seen=False)


def unseen(document: RunDocument, target: Upstream) -> str:
    """What to do before a report for an upstream of whose packages none failed in the run.

    Args:
        document: the run.
        target: whose packages.
    """
    if facts.scenario(document):
        how = "a scenario of them (`repro lab scenarios`)"
    elif any(each.startswith("npm:") for each in target.packages):
        how = "`repro run --node`"
    else:
        how = "a probe of it"
    return f"None of its packages failed here, only probes that speak its protocol: repeat it with {how}"


def _undiagnosed(document: RunDocument, finding: Finding) -> Choice:
    """The driver's upstream, where one driver alone failed and another passed on the same target."""
    own = _failing(document, finding)
    alike = [each for each in document["probes"] if own and is_push(each) == is_push(own[0])]
    found = _common([each for each in alike if each["status"] in FAILING])
    if found is None:
        return Choice(
            None, "The cause is not determined, and no one driver failed alone: look at the target first."
        )
    passed = (each for each in alike if each["status"] == "pass")
    if not any(packages.driver(each) and not is_of(each, found) for each in passed):
        return Choice(
            None, "The cause is not determined, and no other driver passed: look at the target first."
        )
    return Choice(found, "The cause is not determined; this driver failed where others passed.")


def _common(failing: Sequence[Outcome]) -> Upstream | None:
    """The one upstream whose package is the driver of each, or is what their drivers have below them."""
    found = [_of_driver(each) for each in failing]
    named = {each.name for each in found if each is not None}
    if len(named) == 1 and None not in found:
        return found[0]
    below = set.intersection(*(packages.loaded(each) for each in failing)) if failing else set()
    shared = {each.name for package in below if (each := upstream.of_package(package)) is not None}
    return upstream.load(shared.pop()) if len(shared) == 1 else None


def _failing(document: RunDocument, finding: Finding) -> list[Outcome]:
    return [each for each in document["probes"] if each["name"] in finding["probes"]]


def _of_driver(outcome: Outcome) -> Upstream | None:
    package = packages.driver(outcome)
    return None if package is None else upstream.of_package(package)


def is_of(outcome: Outcome, target: Upstream) -> bool:
    """Whether a probe's driver is a package of an upstream."""
    package = packages.driver(outcome)
    return package is not None and package in map(str.casefold, target.packages)


def ran(outcomes: Iterable[Outcome], target: Upstream) -> bool:
    """Whether one of these probes had a package of an upstream; true of a server's, which no probe can load.

    Args:
        outcomes: those that failed.
        target: whose packages.
    """
    own = set(map(str.casefold, target.packages))
    if all(each.startswith(_NO_PACKAGE) for each in own):
        return True
    return any(own & packages.loaded(each) for each in outcomes)


def finding_for(document: RunDocument, target: Upstream) -> Finding | None:
    """The finding that a report for an upstream is about; None where no probe failed.

    That is the first one which is to be filed there, else the first one with a probe of its packages, else
    the first one.

    Args:
        document: the run.
        target: whose report it will be.
    """
    findings = document["findings"]
    own = (
        each
        for each in findings
        if (found := chosen_for(document, each).upstream) and found.name == target.name
    )
    of_its_driver = (
        each for each in findings if any(is_of(outcome, target) for outcome in _failing(document, each))
    )
    return next(own, None) or next(of_its_driver, None) or next(iter(findings), None)


def failing_for(document: RunDocument, target: Upstream) -> list[Outcome]:
    """The failing probes that a report for an upstream is about, those of its own packages first.

    Args:
        document: the run.
        target: whose report it will be.
    """
    finding = finding_for(document, target)
    named = set(finding["probes"]) if finding is not None else {each["name"] for each in document["probes"]}
    failing = [each for each in document["probes"] if each["status"] in FAILING and each["name"] in named]
    return sorted(failing, key=lambda each: not is_of(each, target))
