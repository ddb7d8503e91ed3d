"""The production outbox, where the transaction fails at its end: nothing is pushed."""

from __future__ import annotations

from repro.probe import main
from repro.probe.dual_write import probe

PROBE = probe("specimen.outbox-rolled-back", "outbox", fails=True)

if __name__ == "__main__":
    main(PROBE)
