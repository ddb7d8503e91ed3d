"""Rows and pushes that part."""

from __future__ import annotations

from repro.diagnose.cause import Cause

CAUSES: tuple[Cause, ...] = ()
