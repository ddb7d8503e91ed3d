"""asyncpg with its statement cache on: after two transactions the statements are gone from the connection."""

from __future__ import annotations

from repro.probe import main
from repro.probe.cached import probe

PROBE = probe("specimen.asyncpg-deallocated", {0: 0, 2: 0})

if __name__ == "__main__":
    main(PROBE)
