"""Wrong on purpose: a worker that waits for its jobs with BLPOP, over REST."""

from __future__ import annotations

from repro.probe import main
from repro.probe.waiting import probe

PROBE = probe("specimen.rest-worker", over="http")

if __name__ == "__main__":
    main(PROBE)
