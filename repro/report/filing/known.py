"""Known issues of upstreams: what has a thread already is linked, and not filed again."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from repro.document import Finding, Outcome, RunDocument
from repro.report.escape import one_line
from repro.report.filing import packages, version_order

FILE = Path(__file__).with_name("known_issues.toml")

MOST_SEARCHED = 4_000
"""Characters of an error in which a pattern is looked for."""


@dataclass(frozen=True, slots=True)
class KnownIssue:
    """A thread of an upstream, and what it explains. All that is given must hold.

    Args:
        id: its name here.
        package: whose it is, as ``npm:drizzle-orm``.
        affected: the versions, as ``>=0.44,<1.0``; ``*`` where it is so in all of them, seen or not.
        url: of the thread.
        title: what it says, in our words.
        fixed: the first version without it; empty where there is none.
        causes: ids of causes; none for any.
        failure: how the finding failed; empty for any.
        text: a pattern that the deepest error of a probe holds; empty for any.
        probe: a pattern of the probes' names; empty for any.
    """

    id: str
    package: str
    affected: str
    url: str
    title: str
    fixed: str = ""
    causes: Sequence[str] = ()
    failure: str = ""
    text: str = ""
    probe: str = ""

    def __str__(self) -> str:
        """One line for a person."""
        until = f"; fixed in {self.fixed}" if self.fixed else "; not fixed in any version known here"
        return f"known: {self.title}: {self.url}{until}"


@functools.cache
def every() -> tuple[KnownIssue, ...]:
    """All known issues, in the order of the data."""
    return tuple(KnownIssue(**each) for each in tomllib.loads(FILE.read_text("utf-8"))["issue"])


def matches(
    document: RunDocument, finding: Finding, issues: Iterable[KnownIssue] | None = None
) -> list[KnownIssue]:
    """The known issues that a finding is one of, in the order of the data.

    Args:
        document: the run; the versions of its drivers say whether they are affected.
        finding: of that run.
        issues: those that are looked through; by default all.
    """
    members = [each for each in document["probes"] if each["name"] in finding["probes"]]
    known = every() if issues is None else issues
    return [each for each in known if _explains(each, document, finding, members)]


def _explains(issue: KnownIssue, document: RunDocument, finding: Finding, members: Sequence[Outcome]) -> bool:
    if issue.causes and finding["cause"] not in issue.causes:
        return False
    if issue.failure and finding["failure"] != issue.failure:
        return False
    shown = [each for each in members if not issue.probe or fnmatchcase(each["name"], issue.probe)]
    return any(_says(issue, each) and _is_affected(issue, document, each) for each in shown)


def _says(issue: KnownIssue, outcome: Outcome) -> bool:
    return not issue.text or re.search(issue.text, deepest(outcome)[:MOST_SEARCHED]) is not None


def _is_affected(issue: KnownIssue, document: RunDocument, outcome: Outcome) -> bool:
    if issue.affected == "*":
        return True
    version = packages.version(document, [outcome], issue.package)
    return version is not None and version_order.within(version, issue.affected)


def deepest(outcome: Outcome) -> str:
    """What the deepest error of a probe says, on one line; empty where it has none."""
    error = outcome["error"]
    if error is None:
        return ""
    chain = [each["message"] for each in error["chain"] if each["message"]]
    return one_line(chain[-1] if chain else error["message"])
