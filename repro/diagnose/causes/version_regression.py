"""What a new version of a driver does differently."""

from __future__ import annotations

from repro.diagnose.cause import Cause

CAUSES: tuple[Cause, ...] = ()
