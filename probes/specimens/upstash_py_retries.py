"""Wrong on purpose: a plain RPUSH by upstash-redis, which by default posts it again after a lost answer."""

from __future__ import annotations

from repro.probe import main
from repro.probe.retrying_rest import probe

PROBE = probe("specimen.upstash-py-retries", marked=False)

if __name__ == "__main__":
    main(PROBE)
