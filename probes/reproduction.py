"""A stand-alone program in the place of a probe, for `repro minimise`."""

from __future__ import annotations

from repro.probe import main
from repro.probe.reproduction import asked

if __name__ == "__main__":
    main(asked())
