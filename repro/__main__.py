"""``python -m repro``: the same as the command ``repro``."""

from __future__ import annotations

from repro.cli import program

program()
