"""The production outbox: what is committed and cannot be pushed waits there for the next relay."""

from __future__ import annotations

from repro.probe import main
from repro.probe.dual_write import probe

PROBE = probe("specimen.outbox-committed", "outbox", fails=False)

if __name__ == "__main__":
    main(PROBE)
