"""Wrong on purpose: the transaction commits, then the job is pushed; nothing repeats a push that was lost."""

from __future__ import annotations

from repro.probe import main
from repro.probe.dual_write import probe

PROBE = probe("specimen.commit-then-push", push_first=False)

if __name__ == "__main__":
    main(PROBE)
