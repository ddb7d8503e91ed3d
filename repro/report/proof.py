"""What an experiment came to, in a sentence."""

from __future__ import annotations

from repro.document import Experiment
from repro.report.counting import times


def sentence(experiment: Experiment) -> str:
    """How often a probe failed unchanged, and how often with one thing changed."""
    before, after = experiment["baseline"], experiment["changed"]
    return (
        f"unchanged it failed {times(before['failed'], before['runs'])}, "
        f"and {after['failed']} of {after['runs']} with {experiment['change']}"
    )
