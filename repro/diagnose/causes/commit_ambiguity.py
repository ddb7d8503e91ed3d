"""A COMMIT whose answer was lost."""

from __future__ import annotations

from repro.diagnose.cause import Cause

CAUSES: tuple[Cause, ...] = ()
