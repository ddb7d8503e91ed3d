"""Wrong on purpose: jobs are pushed after COMMIT; nothing repeats a push that was lost."""

from __future__ import annotations

from repro.probe import main
from repro.probe.dual_write import probe

PROBE = probe("specimen.commit-then-push", "commit first", fails=False)

if __name__ == "__main__":
    main(PROBE)
