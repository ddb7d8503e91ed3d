"""Isolated, cached sets of pinned packages that probes run in."""
