"""A push by redis-py as it comes: with the protocol that its version takes by itself."""

from __future__ import annotations

from repro.probe import main
from repro.probe.retrying import probe

PROBE = probe("specimen.redis-py-defaults", marked=True, protocol=None)

if __name__ == "__main__":
    main(PROBE)
