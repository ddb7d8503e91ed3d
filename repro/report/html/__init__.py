"""A run as one HTML file: opened from disk, without a network, and with or without its script."""

from __future__ import annotations

from repro.report.html.page import LIMIT, render

__all__ = ["LIMIT", "render"]
