"""Takes the lines of probes with very many events, as a run does, and finds the cause of their failure.

``python -m tests.benchmarks.recording PROBES EVENTS``
"""

from __future__ import annotations

import json
import sys

from repro.diagnose import engine
from repro.diagnose.view import View
from repro.observe.catalog import CATALOG
from repro.observe.collect import Collected
from repro.trace.kernel import View as KernelView
from tests.benchmarks.long_runs import document, trace


def record_and_diagnose(probes: int, events: int) -> int:
    """Findings of a run of so many probes with so many events each."""
    outcomes = document(probes)["probes"]
    kept = {}
    for outcome in outcomes:
        collected = Collected(CATALOG[0])
        for line in trace(outcome["name"], events):
            collected.take(json.dumps({"line": "event", **line}).encode())
        collected.see_with_the_kernel(KernelView(None, "nobody looks"), [])
        kept[outcome["name"]] = collected.events
    return len(engine.findings(View(outcomes, kept)))


if __name__ == "__main__":
    probes, events = map(int, sys.argv[1:])
    sys.exit(0 if record_and_diagnose(probes, events) == 1 else 1)
