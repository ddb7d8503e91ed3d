"""By default upstash-redis posts a push again when its answer is lost; here jobs have marks."""

from __future__ import annotations

from repro.probe import main
from repro.probe.retrying_rest import probe

PROBE = probe("specimen.upstash-py-marked", marked=True)

if __name__ == "__main__":
    main(PROBE)
