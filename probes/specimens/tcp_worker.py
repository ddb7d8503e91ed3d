"""A worker that waits for its jobs with BLPOP, over Redis TCP."""

from __future__ import annotations

from repro.probe import main
from repro.probe.waiting import probe

PROBE = probe("specimen.tcp-worker", over="tcp")

if __name__ == "__main__":
    main(PROBE)
