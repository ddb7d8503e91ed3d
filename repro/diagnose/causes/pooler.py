"""A pooler between the driver and Postgres."""

from __future__ import annotations

from repro.diagnose.cause import Cause

CAUSES: tuple[Cause, ...] = ()
