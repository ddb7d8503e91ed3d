"""Wrong on purpose: a plain RPUSH by redis-py, which by default sends it again when its answer is lost."""

from __future__ import annotations

from repro.probe import main
from repro.probe.retrying import probe

PROBE = probe("specimen.redis-py-retries", marked=False)

if __name__ == "__main__":
    main(PROBE)
