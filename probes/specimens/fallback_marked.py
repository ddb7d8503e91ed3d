"""A push over Redis TCP, and again over REST after any error of it; jobs have marks: it is harmless."""

from __future__ import annotations

from repro.probe import main
from repro.probe.falling_back import probe

PROBE = probe("specimen.fallback-marked", marked=True)

if __name__ == "__main__":
    main(PROBE)
