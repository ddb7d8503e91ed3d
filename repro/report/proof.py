"""What an experiment came to, in a word and in a sentence."""

from __future__ import annotations

from repro.document import Finding
from repro.report.counting import times

NOT_SETTLED = "not settled"
"""An experiment was made, and shows neither: it failed only sometimes, or changed in another way."""


def word(finding: Finding) -> str:
    """How well the cause of a finding is proved."""
    is_open = finding["proof"] == "untested" and finding["experiment"] is not None
    return NOT_SETTLED if is_open else finding["proof"]


def sentence(finding: Finding) -> str:
    """How often a probe failed unchanged, and how often changed; empty where that was not tried."""
    experiment = finding["experiment"]
    if experiment is None:
        return ""
    before, after = experiment["baseline"], experiment["changed"]
    every_time = before["failed"] == before["runs"] and after["failed"] == after["runs"]
    otherwise = ", then in another way," if finding["proof"] == "untested" and every_time else ""
    return (
        f"unchanged it failed {times(before['failed'], before['runs'])}, "
        f"and {after['failed']} of {after['runs']}{otherwise} with {experiment['change']}"
    )
