"""asyncpg with its statement cache on: after two transactions the names are those of other statements."""

from __future__ import annotations

from repro.probe import main
from repro.probe.cached import probe

PROBE = probe("specimen.asyncpg-replaced", {0: 0, 2: 60})

if __name__ == "__main__":
    main(PROBE)
