"""How often the cause was found: a row a scenario, counts over all, as text and as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from repro import __version__
from repro.cli.play import Played
from repro.lab.scenarios.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Row:
    """One scenario's line.

    Args:
        scenario: which one.
        lacks: why it was not played; None where it was.
        played: what it came to.
        wrong: what is not as it should be.
    """

    scenario: Scenario
    lacks: str | None = None
    played: Played | None = None
    wrong: list[str] = field(default_factory=list)

    @property
    def found(self) -> str:
        """The first finding's cause, in words."""
        if self.played is None:
            return "skipped"
        if not self.played.findings:
            return "nothing"
        return self.played.findings[0]["cause"] or "undiagnosed"

    @property
    def proof(self) -> str:
        """What the first finding's experiment came to."""
        return self.played.findings[0]["proof"] if self.played and self.played.findings else ""

    @property
    def is_right(self) -> bool:
        """Whether the first finding is the one that must be found."""
        return self.found == self.wanted

    @property
    def wanted(self) -> str:
        """What must be found, in words."""
        if not self.scenario.expects_a_finding:
            return "nothing"
        return self.scenario.cause or "undiagnosed"

    @property
    def took(self) -> str:
        """How long it took."""
        return "" if self.played is None else f"{self.played.took_s:.1f} s"

    def as_text(self) -> str:
        """The row for a terminal, with what is wrong below it."""
        mark = "skip " if self.lacks else "WRONG" if self.wrong else "ok   "
        said = self.lacks or f"{self.found} {self.proof}".rstrip()
        lines = [f"{mark} {self.scenario.name:<36} {said:<46} {self.took:>7}".rstrip()]
        return "\n".join([*lines, *(f"      {each}" for each in self.wrong)]) + "\n"


def sentence(rows: Sequence[Row]) -> str:
    """The counts in a sentence."""
    counts = _counts(rows)
    return (
        f"{counts['played']} scenarios: {counts['right']} right, {counts['confirmed']} confirmed, "
        f"{counts['wrong']} wrong, {counts['wrong and confirmed']} of them confirmed, "
        f"{counts['undiagnosed']} undiagnosed, {counts['skipped']} skipped; "
        f"{counts['healthy']} healthy runs, {counts['claims']} with a finding"
    )


def _counts(rows: Sequence[Row]) -> dict[str, int]:
    scenarios = [row for row in rows if row.scenario.expects_a_finding]
    played = [row for row in scenarios if row.played is not None]
    healthy = [row for row in rows if not row.scenario.expects_a_finding and row.played is not None]
    wrong = [row for row in played if not row.is_right and row.found not in {"nothing", "undiagnosed"}]
    return {
        "played": len(played),
        "right": sum(row.is_right for row in played),
        "confirmed": sum(row.is_right and row.proof == "confirmed" for row in played),
        "wrong": len(wrong),
        "wrong and confirmed": sum(row.proof == "confirmed" for row in wrong),
        "undiagnosed": sum(row.found in {"nothing", "undiagnosed"} and not row.is_right for row in played),
        "skipped": len(scenarios) - len(played),
        "healthy": len(healthy),
        "claims": sum(row.found != "nothing" for row in healthy),
    }


def markdown(rows: Sequence[Row]) -> str:
    """The page: the counts, a table of the scenarios, a table of the healthy runs."""
    counts = _counts(rows)
    scenarios = [row for row in rows if row.scenario.expects_a_finding]
    healthy = [row for row in rows if not row.scenario.expects_a_finding]
    share = f"{counts['right'] / counts['played']:.0%}" if counts["played"] else "none"
    confirmed = f"{counts['confirmed'] / counts['played']:.0%}" if counts["played"] else "none"
    return "\n".join(
        [
            "# How often the cause is found",
            "",
            "Each scenario breaks one thing in the lab, on real servers, for real drivers. *Right* is a",
            "first finding with the cause that was put there; *confirmed* is one whose experiment proved it.",
            "Made by",
            "",
            "```sh",
            "repro lab scenarios --play --healthy 40 --write reports/examples/accuracy.md",
            "```",
            "",
            f"txrepro {__version__}: {sentence(rows)}. Right {share}, confirmed {confirmed}.",
            "",
            "| scenario | found | right | proof | probes | time |",
            "|---|---|---|---|---:|---:|",
            *(_cells(row) for row in scenarios),
            "",
            "## Healthy",
            "",
            "| runs of | played | with a finding |",
            "|---|---:|---:|",
            *_healthy(healthy),
            "",
        ]
    )


def _cells(row: Row) -> str:
    if row.played is None:
        return f"| {row.scenario.name} | skipped: {row.lacks} | | | | |"
    right = "yes" if not row.wrong else "no"
    probes = len(row.played.outcomes)
    return f"| {row.scenario.name} | {row.found} | {right} | {row.proof} | {probes} | {row.took} |"


def _healthy(rows: Sequence[Row]) -> list[str]:
    names = list(dict.fromkeys(row.scenario.name for row in rows))
    lines = []
    for name in names:
        runs = [row for row in rows if row.scenario.name == name]
        claims = sum(row.found != "nothing" for row in runs)
        lines.append(f"| {runs[0].scenario.title} | {len(runs)} | {claims} |")
    return lines
