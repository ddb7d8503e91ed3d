"""asyncpg with its statement cache on: another process has prepared statements of these names before."""

from __future__ import annotations

from repro.probe import main
from repro.probe.cached import probe

PROBE = probe("specimen.asyncpg-prepared", {0: 60})

if __name__ == "__main__":
    main(PROBE)
