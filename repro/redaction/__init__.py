"""Keeps secrets out of everything that leaves: files, lines, reports. Needs the standard library only."""

from __future__ import annotations

from repro.redaction.redactor import TOKEN, Redactor, SecretFound

__all__ = ["TOKEN", "Redactor", "SecretFound"]
