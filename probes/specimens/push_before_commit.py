"""Wrong on purpose: the jobs are pushed inside the transaction, which then fails."""

from __future__ import annotations

from repro.probe import main
from repro.probe.dual_write import probe

PROBE = probe("specimen.push-before-commit", "push first", fails=True)

if __name__ == "__main__":
    main(PROBE)
