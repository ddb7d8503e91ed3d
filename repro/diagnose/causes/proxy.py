"""Proxies in the environment."""

from __future__ import annotations

from repro.diagnose.cause import Cause

CAUSES: tuple[Cause, ...] = ()
