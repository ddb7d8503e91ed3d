"""Wrong on purpose: a plain RPUSH over Redis TCP, and again over REST after any error of it."""

from __future__ import annotations

from repro.probe import main
from repro.probe.falling_back import probe

PROBE = probe("specimen.fallback-push", marked=False)

if __name__ == "__main__":
    main(PROBE)
