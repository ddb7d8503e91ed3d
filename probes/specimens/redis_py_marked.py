"""redis-py by default sends a push again when its answer is lost; here jobs have marks: it is harmless."""

from __future__ import annotations

from repro.probe import main
from repro.probe.retrying import probe

PROBE = probe("specimen.redis-py-marked", marked=True)

if __name__ == "__main__":
    main(PROBE)
