"""Wrong on purpose: the job is pushed inside the transaction, which is then rolled back."""

from __future__ import annotations

from repro.probe import main
from repro.probe.dual_write import probe

PROBE = probe("specimen.push-before-commit", push_first=True)

if __name__ == "__main__":
    main(PROBE)
